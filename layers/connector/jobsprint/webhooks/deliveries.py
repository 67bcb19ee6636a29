"""Queries over the deliveries of a webhook.

The history of a deleted webhook stays until its time to live has passed: it shows what was discarded.
"""

from jobsprint.core.clock import now_ms
from jobsprint.core.errors import NotFound
from jobsprint.domain.deliveries import LIVE_STATES, DeliveryFilter, DeliveryRow
from jobsprint.repositories.deliveries import DeliveryStore
from jobsprint.repositories.delivery_lists import DeliveryLists
from jobsprint.repositories.events import EventStore
from jobsprint.repositories.integrations import IntegrationStore


def page(
    tenant: str, webhook_id: str, wanted: DeliveryFilter, *, limit: int, position: str | None
) -> tuple[list[DeliveryRow], str | None]:
    """A page of deliveries, newest first, and the position to go on from. Raises NotFound."""
    # At a polling endpoint no poll may have written down yet that a delivery is at its end.
    indexed = wanted.state != "exhausted" or not _is_polling(tenant, webhook_id)
    rows, position = DeliveryLists(tenant).page(
        webhook_id, wanted, limit=limit, position=position, now=now_ms(), indexed=indexed
    )
    if not rows:
        IntegrationStore(tenant).webhook(webhook_id)
    return _as_deleted(tenant, webhook_id, rows), position


def find(tenant: str, webhook_id: str, delivery_id: str) -> tuple[DeliveryRow, str | None]:
    """A delivery and its event's data as canonical text, None where the event is no longer kept. Raises NotFound."""
    now = now_ms()
    try:
        row = DeliveryStore(tenant).get(webhook_id, delivery_id, now)
    except NotFound:
        IntegrationStore(tenant).webhook(webhook_id)
        raise
    [row] = _as_deleted(tenant, webhook_id, [row])
    return row, EventStore(tenant).data_of(row.event_key, now)


def _is_polling(tenant: str, webhook_id: str) -> bool:
    """Whether this is a polling endpoint that exists."""
    try:
        return IntegrationStore(tenant).webhook(webhook_id).is_polling
    except NotFound:
        return False


def _as_deleted(tenant: str, webhook_id: str, rows: list[DeliveryRow]) -> list[DeliveryRow]:
    """The deliveries as they are shown: what waits at a polling endpoint that was deleted is discarded.

    No message is on its way that would find that out.
    """
    if not any(row.ends_at and row.delivery.state in LIVE_STATES for row in rows):
        return rows
    try:
        IntegrationStore(tenant).webhook(webhook_id)
    except NotFound:
        return [row.discarded() if row.delivery.state in LIVE_STATES else row for row in rows]
    return rows
