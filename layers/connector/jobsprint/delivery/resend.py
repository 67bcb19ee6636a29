"""Resending one delivery at a caller's request."""

from jobsprint.core.config import settings
from jobsprint.core.errors import Conflict, Detail
from jobsprint.delivery import queue
from jobsprint.domain.deliveries import LIVE_STATES, DeliveryRow
from jobsprint.domain.integrations import Integration, require_connected
from jobsprint.domain.retry_policy import schedule_of
from jobsprint.repositories.deliveries import DeliveryStore
from jobsprint.repositories.events import EventStore, round_seconds
from jobsprint.repositories.integrations import IntegrationStore
from jobsprint.repositories.poll_queue import PollQueue
from jobsprint.repositories.replay_candidates import ReplayCandidates, StoredEvent

_TRIES = 3


def resend(tenant: str, webhook_id: str, delivery_id: str, now: int) -> DeliveryRow:
    """Retry a delivery immediately and restart its retry schedule, and return it as it is then; `now` in ms.

    A delivery that has ended begins a new round: attempts keep counting, and the whole retry schedule applies again.
    One that waits for a retry is retried now; the schedule goes on from there, and the message of that retry finds the
    attempt claimed. The row is due before the message is sent, so the sweeper finds it after a crash in between.
    At a polling endpoint the row alone is due: the next poll finds it.

    Raises NotFound, and Conflict `webhook_paused`, `webhook_disabled`, `event_expired` or `delivery_in_progress`.
    """
    webhook = IntegrationStore(tenant).webhook(webhook_id)
    require_connected(webhook)
    store = DeliveryStore(tenant, polled=webhook.is_polling)
    for _ in range(_TRIES):
        row = store.get(webhook_id, delivery_id, now)
        event = ReplayCandidates(tenant).stored([row.event_key], now).get(row.event_key)
        if event is None:
            raise _expired(row)
        if row.ends_at is not None and row.ends_at <= now:
            PollQueue(tenant, webhook_id).exhaust(row, now)
            continue
        if webhook.is_polling and _waits_for_a_poll(row, now):
            return row
        if row.lease_token:
            break
        extend_event(webhook, event, now)
        waits = row.delivery.state in LIVE_STATES
        changed, current = store.expedite(row, now) if waits else store.reopen(webhook_id, delivery_id, now)
        if changed and current:
            if not webhook.is_polling:
                queue.send(current.next_task(event.event.data), now)
            return current
    raise Conflict(
        f"{delivery_id} is being delivered right now; look at it in a moment, and resend it if that failed",
        code="delivery_in_progress",
    )


def _waits_for_a_poll(row: DeliveryRow, now: int) -> bool:
    """Whether the next poll hands a delivery out."""
    return row.delivery.state in LIVE_STATES and row.lease_until <= now and (row.delivery.next_attempt_at or 0) <= now


def extend_event(webhook: Integration, event: StoredEvent, now: int) -> None:
    """Keep an event for as long as a round of attempts that begins now (ms) may last."""
    needed = now // 1000 + round_seconds(schedule_of(webhook.policy, settings().retry_schedule))
    if event.expires_at < needed:
        EventStore(webhook.tenant).extend(event.key, needed)


def _expired(row: DeliveryRow) -> Conflict:
    message = f"its event {row.delivery.event_id} is kept no more: events live {settings().log_retention_days} days"
    return Conflict(
        f"{row.delivery.id} cannot be sent again: {message}",
        code="event_expired",
        details=[Detail("path.deliveryId", message)],
    )
