"""Removing polling endpoints that nobody polls, where they were created with `expiresIn`.

A message in the delivery queue waits for the time at which that would be, and looks when the last poll was.
"""

from jobsprint.core.errors import NotFound
from jobsprint.core.observability import logger
from jobsprint.delivery import queue
from jobsprint.delivery.queue import ExpiryCheck
from jobsprint.domain.integrations import Activity, Integration
from jobsprint.repositories.integrations import IntegrationStore


def schedule(webhook: Integration) -> None:
    """Enqueue the check of a new polling endpoint, if it expires.

    Called before it is stored: a crash in between leaves a check that finds nothing, and no endpoint without a check.
    """
    expires_at = _expires_at(webhook, Activity())
    if expires_at is not None:
        queue.send(ExpiryCheck(webhook.tenant, webhook.id, expires_at), webhook.created_at)


def check(message: ExpiryCheck, now: int) -> None:
    """Remove the endpoint if its time is up, else look again when that would be. Raises Conflict, so that the message
    comes again, where another request changes the endpoint."""
    store = IntegrationStore(message.tenant)
    try:
        webhook, activity = store.get_with_activity(message.webhook_id)
    except NotFound:
        return
    expires_at = _expires_at(webhook, activity)
    if expires_at is None:
        return
    if expires_at > now:
        queue.send(ExpiryCheck(message.tenant, message.webhook_id, expires_at), now)
        return
    store.delete(webhook, now)
    logger.info("polling_endpoint_expired", extra={"webhookId": webhook.id})


def _expires_at(webhook: Integration, activity: Activity) -> int | None:
    if webhook.policy.expires_in is None:
        return None
    return (activity.last_polled or webhook.created_at) + webhook.policy.expires_in * 1000
