"""Operational events about webhooks and their deliveries, and disabling a webhook.

An event is stored in the outbox with the health that it reports on, published, and removed. An `OutboxCheck`, enqueued
before, comes later and publishes what a crash left there; event ids are derived from the health, so a repeat is the
same event.
"""

from dataclasses import replace

from jobsprint.core.errors import Conflict, NotFound
from jobsprint.core.observability import logger
from jobsprint.delivery import queue
from jobsprint.delivery.publisher import announce
from jobsprint.delivery.queue import OutboxCheck
from jobsprint.domain import endpoint_health, integrations
from jobsprint.domain.endpoint_health import EndpointHealth, OperationalEvent, Totals
from jobsprint.domain.integrations import Integration
from jobsprint.repositories.endpoint_health import EndpointHealthStore, Versioned
from jobsprint.repositories.integrations import IntegrationStore

CHECK_AFTER_MS = 30_000
"""The delay of an outbox check: by then the dispatcher that enqueued it has ended (its timeout)."""

REASONS = frozenset({"gone", "failing"})
"""Why the service disables a webhook; it is the reason of the webhook's status."""

_TRIES = 3


def schedule_checks(before: EndpointHealth, after: EndpointHealth, webhook: Integration, now: int) -> None:
    """Enqueue the outbox checks that a change of health needs. Call it before the change is written."""
    if len(after.unpublished) > len(before.unpublished):
        queue.send(OutboxCheck(webhook.tenant, webhook.id, now + CHECK_AFTER_MS), now)
    if after.exhausted and not before.exhausted:
        queue.send(OutboxCheck(webhook.tenant, webhook.id, endpoint_health.digest_at(after)), now)


def publish_outbox(webhook: Integration, health: Versioned[EndpointHealth], now: int) -> None:
    """Publish the events in the outbox, and remove those that were published."""
    published = [event for event in health.state.unpublished if _publish(webhook, event, now)]
    if published:
        EndpointHealthStore(webhook.tenant).change(
            webhook.id,
            lambda state: (endpoint_health.without_published(state, published), None),
            now=now,
            read=health,
        )


def _publish(webhook: Integration, event: OperationalEvent, now: int) -> bool:
    return announce(
        webhook.tenant,
        event.name,
        {"webhookId": webhook.id, "name": webhook.name, **event.data},
        about=webhook.id,
        external_id=f"{event.name}:{webhook.id}:{event.stamp}",
        now=now,
    )


def check_outbox(check: OutboxCheck, now: int) -> None:
    """Publish the digest that is due, and the events that a crash left in the outbox of a webhook."""
    try:
        webhook = IntegrationStore(check.tenant).get(check.webhook_id)
    except NotFound:
        return
    store = EndpointHealthStore(check.tenant)
    health = store.get(webhook.id)
    if webhook.status_reason in REASONS and webhook.disconnected_at not in (None, health.state.disabled_at):
        health = _store_disabled(webhook, None, may_publish=True, now=now)
    health, _ = store.change(
        webhook.id, lambda state: (endpoint_health.with_digest(state, now), None), now=now, read=health
    )
    publish_outbox(webhook, health, now)


def disable(sent_to: Integration, reason: str, *, totals: Totals | None, may_publish: bool, now: int) -> None:
    """Disable a webhook unless its address has changed since it was read as `sent_to`; `reason` is one of REASONS.

    A failure is only logged: the delivery is recorded, and the next one tries again.
    """
    try:
        if may_publish:
            queue.send(OutboxCheck(sent_to.tenant, sent_to.id, now + CHECK_AFTER_MS), now)
        webhook = _disabled(sent_to, reason, now)
        if webhook:
            logger.info("webhook_disabled", extra={"webhookId": sent_to.id, "reason": reason})
            publish_outbox(webhook, _store_disabled(webhook, totals, may_publish=may_publish, now=now), now)
    except NotFound:
        return
    except Exception:  # noqa: BLE001 - see above
        logger.exception("webhook_not_disabled", extra={"webhookId": sent_to.id})


def _disabled(sent_to: Integration, reason: str, now: int) -> Integration | None:
    """The disabled webhook; None where it was changed or disabled by others since it was read."""
    store = IntegrationStore(sent_to.tenant)
    for _ in range(_TRIES):
        webhook = store.get(sent_to.id)
        if webhook.status != "connected" or webhook.encrypted_version != sent_to.encrypted_version:
            return None
        try:
            # Watched: once enabled again, it is probed before all deliveries go to it.
            return store.update(replace(integrations.disconnected(webhook, now), status_reason=reason, watched=True))
        except Conflict:
            continue
    return None


def _store_disabled(
    webhook: Integration, totals: Totals | None, *, may_publish: bool, now: int
) -> Versioned[EndpointHealth]:
    def decide(health: EndpointHealth) -> tuple[EndpointHealth, None]:
        at, reason = webhook.disconnected_at or now, webhook.status_reason or ""
        if health.disabled_at == at:
            return health, None
        after = endpoint_health.disabled(health, reason, at=at, totals=totals, may_publish=may_publish, now=now)
        return after, None

    health, _ = EndpointHealthStore(webhook.tenant).change(webhook.id, decide, now=now)
    return health
