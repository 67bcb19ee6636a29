"""Removing polling endpoints that nobody polls, where they were created with `expiresIn`, and subscriptions of MCP
clients whose time is up or whose token has ended.

A message in the delivery queue waits for the time at which that would be, and looks when the last poll was. For a
subscription it looks every hour, because a token can be revoked at any time.
"""

from jobsprint.core.errors import NotFound
from jobsprint.core.observability import logger
from jobsprint.delivery import queue
from jobsprint.delivery.queue import ExpiryCheck
from jobsprint.domain.integrations import Activity, Integration
from jobsprint.repositories import api_tokens
from jobsprint.repositories.integrations import IntegrationStore

_TOKEN_CHECK_MS = 3_600_000


def schedule(webhook: Integration) -> None:
    """Enqueue the check of a new webhook, if it expires.

    Called before it is stored: a crash in between leaves a check that finds nothing, and no endpoint without a check.
    """
    now = webhook.created_at
    expires_at = _expires_at(webhook, Activity(), now)
    if expires_at is not None:
        _enqueue(webhook, expires_at, now)


def check(message: ExpiryCheck, now: int) -> None:
    """Remove the endpoint if its time is up, else look again when that would be. Raises Conflict, so that the message
    comes again, where another request changes the endpoint."""
    store = IntegrationStore(message.tenant)
    try:
        webhook, activity = store.get_with_activity(message.webhook_id)
    except NotFound:
        return
    expires_at = _expires_at(webhook, activity, now)
    if expires_at is None or webhook.created_at != message.created_at:
        return
    if expires_at > now:
        _enqueue(webhook, expires_at, now)
        return
    store.delete(webhook, now)
    logger.info("webhook_expired", extra={"webhookId": webhook.id})


def _enqueue(webhook: Integration, expires_at: int, now: int) -> None:
    look_at = min(expires_at, now + _TOKEN_CHECK_MS) if webhook.is_mcp else expires_at
    queue.send(ExpiryCheck(webhook.tenant, webhook.id, webhook.created_at, look_at), now)


def _expires_at(webhook: Integration, activity: Activity, now: int) -> int | None:
    subscription = webhook.policy.subscription
    if subscription:
        token = api_tokens.find(subscription.token_id)
        return subscription.expires_at if token and token.valid_at(now) else now
    if webhook.policy.expires_in is None:
        return None
    return (activity.last_polled or webhook.created_at) + webhook.policy.expires_in * 1000
