"""The service's own events about webhooks and their deliveries (contract, section 5), and disabling a webhook.

What is to be told is kept with the state it tells of, published, and taken out. A notice, put into the delivery queue
before, comes back later and publishes whatever a crash left; ids derived from the state make a repeat the same event.
"""

from dataclasses import replace

from jobsprint.core.errors import Conflict, NotFound
from jobsprint.core.observability import logger
from jobsprint.delivery import queue
from jobsprint.delivery.publisher import announce
from jobsprint.delivery.queue import Notice
from jobsprint.domain import endpoint_health, integrations
from jobsprint.domain.endpoint_health import Totals, Traffic
from jobsprint.domain.integrations import Integration
from jobsprint.repositories.endpoint_health import Seen, TrafficStore
from jobsprint.repositories.integrations import IntegrationStore

NOTICE_MS = 30_000
"""How long after it was put a notice comes: the dispatcher that put it runs no longer (its timeout)."""

REASONS = frozenset({"gone", "failing"})
"""Why we disable a webhook; it stands as the reason of its status."""

_TRIES = 3


def foretell(before: Traffic, after: Traffic, webhook: Integration, now: int) -> None:
    """Puts the notices that a change of state calls for. Call it before the state is written."""
    if len(after.untold) > len(before.untold):
        queue.put_notice(Notice(webhook.tenant, webhook.id, now + NOTICE_MS), now)
    if after.exhausted and not before.exhausted:
        queue.put_notice(Notice(webhook.tenant, webhook.id, endpoint_health.digest_at(after)), now)


def tell(webhook: Integration, seen: Seen[Traffic], now: int) -> None:
    """Publishes what is untold, and takes out what was published."""
    told = [one for one in seen.state.untold if _published(webhook, one, now)]
    if told:
        TrafficStore(webhook.tenant).change(
            webhook.id, lambda state: (endpoint_health.without(state, told), None), now=now, seen=seen
        )


def _published(webhook: Integration, untold: endpoint_health.Untold, now: int) -> bool:
    return announce(
        webhook.tenant,
        untold.name,
        {"webhookId": webhook.id, "name": webhook.name, **untold.data},
        about=webhook.id,
        external_id=f"{untold.name}:{webhook.id}:{untold.stamp}",
        now=now,
    )


def follow(notice: Notice, now: int) -> None:
    """Does what a notice is for: the digest that is due, and whatever a crash left untold."""
    try:
        webhook = IntegrationStore(notice.tenant).get(notice.webhook_id)
    except NotFound:
        return
    store = TrafficStore(notice.tenant)
    seen = store.traffic(webhook.id)
    if webhook.status_reason in REASONS and webhook.disconnected_at not in (None, seen.state.disabled_at):
        seen = _keep_disabled(webhook, None, may_tell=True, now=now)
    seen, _ = store.change(webhook.id, lambda state: (endpoint_health.digested(state, now), None), now=now, seen=seen)
    tell(webhook, seen, now)


def disable(sent_to: Integration, reason: str, *, totals: Totals | None, may_tell: bool, now: int) -> None:
    """Disables a webhook unless its address was changed since it was read as `sent_to`; `reason` is one of REASONS.

    A failure is logged and no more: the delivery is recorded, and the next one tries again.
    """
    try:
        if may_tell:
            queue.put_notice(Notice(sent_to.tenant, sent_to.id, now + NOTICE_MS), now)
        webhook = _disabled(sent_to, reason, now)
        if webhook:
            logger.info("webhook_disabled", extra={"webhookId": sent_to.id, "reason": reason})
            tell(webhook, _keep_disabled(webhook, totals, may_tell=may_tell, now=now), now)
    except NotFound:
        return
    except Exception:  # noqa: BLE001 - see above
        logger.exception("webhook_not_disabled", extra={"webhookId": sent_to.id})


def _disabled(sent_to: Integration, reason: str, now: int) -> Integration | None:
    """The webhook as it is disabled; None where that is not for us any more."""
    store = IntegrationStore(sent_to.tenant)
    for _ in range(_TRIES):
        webhook = store.get(sent_to.id)
        if webhook.status != "connected" or webhook.encrypted_version != sent_to.encrypted_version:
            return None
        try:
            # Watched: enabled again, it is probed before everything goes to it.
            return store.update(replace(integrations.disconnected(webhook, now), status_reason=reason, watched=True))
        except Conflict:
            continue
    return None


def _keep_disabled(webhook: Integration, totals: Totals | None, *, may_tell: bool, now: int) -> Seen[Traffic]:
    def decide(state: Traffic) -> tuple[Traffic, None]:
        at, reason = webhook.disconnected_at or now, webhook.status_reason or ""
        if state.disabled_at == at:
            return state, None
        return endpoint_health.disabled(state, reason, at=at, totals=totals, may_tell=may_tell, now=now), None

    seen, _ = TrafficStore(webhook.tenant).change(webhook.id, decide, now=now)
    return seen
