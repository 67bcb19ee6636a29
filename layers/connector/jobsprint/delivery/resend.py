"""Sending one delivery again, by hand (contract, sections 4 and 6)."""

from jobsprint.config import settings
from jobsprint.delivery import queue
from jobsprint.domain.deliveries import DeliveryRow
from jobsprint.domain.errors import Conflict, Detail, NotFound
from jobsprint.domain.ids import is_id
from jobsprint.domain.models import Integration
from jobsprint.store.deliveries import DeliveryStore
from jobsprint.store.events import EventStore
from jobsprint.store.integrations import IntegrationStore
from jobsprint.store.recoverable import KeptEvent, Recoverable

_TRIES = 3
_DAY_SECONDS = 86400


def resend(tenant: str, webhook_id: str, delivery_id: str, now: int) -> DeliveryRow:
    """Sends a delivery again, at once, and gives it as it is then; `now` in ms.

    One that has ended begins a new round: attempts go on counting, and the whole retry schedule applies anew. One that
    waits for a retry has it now; the schedule goes on from there, and the message that was to bring the retry finds the
    attempt taken. The row is due before the message is sent, so what crashes in between is swept up.

    Raises NotFound, and Conflict `webhook_disabled`, `event_expired` or `delivery_in_progress`.
    """
    webhook = webhook_of(tenant, webhook_id)
    require_deliverable(webhook)
    store = DeliveryStore(tenant)
    row = _existing(store, webhook_id, delivery_id, now)
    event = Recoverable(tenant).kept([row.event_key], now).get(row.event_key)
    if event is None:
        raise _expired(row)
    hold(webhook, event, now)
    for _ in range(_TRIES):
        done, stands = store.reopen(webhook_id, delivery_id, now)
        if not done and stands and stands.claim is None:
            done, stands = store.hasten(stands, now)
        if done and stands:
            queue.put_all([stands.awaited(event.event.data)], now)
            return stands
        if stands is None:
            raise _missing(delivery_id)
        if stands.claim:
            break
    raise Conflict(
        f"{delivery_id} is being delivered right now; look at it in a moment, and resend it if that failed",
        code="delivery_in_progress",
    )


def webhook_of(tenant: str, webhook_id: str) -> Integration:
    """The webhook of that id. Raises NotFound, also for another kind of integration."""
    if not is_id(webhook_id, "wh"):
        raise NotFound(f"There is no webhook {webhook_id[:100]!r}", code="webhook_not_found")
    return IntegrationStore(tenant).get(webhook_id)


def require_deliverable(webhook: Integration) -> None:
    """Raises Conflict `webhook_disabled` for a webhook that is paused or disabled."""
    if webhook.status != "connected":
        why = f"disabled ({webhook.status_reason})" if webhook.status_reason else "paused"
        raise Conflict(
            f'{webhook.id} is {why}: resume it first, PATCH it with {{"active": true}}', code="webhook_disabled"
        )


def hold(webhook: Integration, event: KeptEvent, now: int) -> None:
    """Keeps an event for as long as a round that begins now (ms) may last."""
    schedule = webhook.policy.retry_schedule or settings().retry_schedule
    needed = now // 1000 + sum(schedule) * 11 // 10 + _DAY_SECONDS
    if event.expires_at < needed:
        EventStore(webhook.tenant).hold(event.key, needed)


def _existing(store: DeliveryStore, webhook_id: str, delivery_id: str, now: int) -> DeliveryRow:
    found = store.rows(webhook_id, [delivery_id], now) if is_id(delivery_id, "dlv") else {}
    if delivery_id not in found:
        raise _missing(delivery_id)
    return found[delivery_id]


def _missing(delivery_id: str) -> NotFound:
    return NotFound(f"There is no delivery {delivery_id[:100]!r}", code="delivery_not_found")


def _expired(row: DeliveryRow) -> Conflict:
    message = f"its event {row.delivery.event_id} is kept no more: events live {settings().log_retention_days} days"
    return Conflict(
        f"{row.delivery.id} cannot be sent again: {message}",
        code="event_expired",
        details=[Detail("path.deliveryId", message)],
    )
