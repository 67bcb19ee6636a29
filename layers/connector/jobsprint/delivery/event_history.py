"""Published events with their deliveries: those counted at publishing, and later ones of a recovery or a repeated id.

A delivery has a row from its first attempt or longer deferral on. One without a row is `queued`, if it was counted at
publishing; one that came later shows when it has a row.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from jobsprint.core.clock import now_ms
from jobsprint.delivery.publisher import delivery_id
from jobsprint.domain.callers import NO_LIMITS, Limits
from jobsprint.domain.deliveries import EventDeliveryState
from jobsprint.domain.events import Event, EventFilter, covers
from jobsprint.domain.integrations import Integration
from jobsprint.repositories.delivery_lists import DeliveryLists
from jobsprint.repositories.dynamodb import MAX_READ
from jobsprint.repositories.event_lists import EventLists, not_found
from jobsprint.repositories.integrations import IntegrationStore


@dataclass(frozen=True)
class EventDelivery:
    """The delivery of an event to a webhook, and its state."""

    webhook_id: str
    id: str
    state: EventDeliveryState


@dataclass(frozen=True)
class DeliveredEvent:
    """A published event and its deliveries."""

    event: Event
    deliveries: tuple[EventDelivery, ...]


def find(tenant: str, event_id: str, limits: Limits = NO_LIMITS) -> DeliveredEvent:
    """An event with its data and deliveries. Raises NotFound.

    A caller that is limited to some webhooks knows of the deliveries to them, and of events that have any; one that is
    limited to some integrations, of no event about another.
    """
    event = EventLists(tenant).find(event_id, now_ms())
    found = _delivered(tenant, [event], [_webhook_ids(event, IntegrationStore(tenant).webhooks(), limits)], limits)
    if not found:
        raise not_found(event_id)
    return found[0]


def page(
    tenant: str, wanted: EventFilter, *, limit: int, position: str | None, limits: Limits = NO_LIMITS
) -> tuple[list[DeliveredEvent], str | None]:
    """A page of events without data, newest first, and the position to go on from; `limits` as for `find`.

    Beside what `EventLists.page` reads, a page reads the tenant's webhooks, and a row for each delivery, 100 at a time.
    It ends before the event whose deliveries would be more than 1,000 together. One of a caller that is limited to some
    webhooks may have fewer events than there are, also none.
    """
    events, position = EventLists(tenant).page(wanted, limit=limit, position=position, now=now_ms())
    webhooks = IntegrationStore(tenant).webhooks() if events else []
    receivers = [_webhook_ids(event, webhooks, limits) for event in events]
    fitting = max(1, sum(total <= MAX_READ for total in accumulate(map(len, receivers))))
    if fitting < len(events):
        position = events[fitting - 1].id
    return _delivered(tenant, events[:fitting], receivers[:fitting], limits), position


def _webhook_ids(event: Event, webhooks: Iterable[Integration], limits: Limits) -> tuple[str, ...]:
    """The webhooks that may have a delivery of the event: those of its publishing, and others that subscribe to it."""
    known = {*event.webhooks, event.about}
    later = (webhook.id for webhook in webhooks if webhook.id not in known and covers(webhook.events, event.name))
    return tuple(webhook_id for webhook_id in (*event.webhooks, *later) if limits.reaches(webhook_id))


def _delivered(
    tenant: str, events: Sequence[Event], receivers: Sequence[Sequence[str]], limits: Limits
) -> list[DeliveredEvent]:
    """The events with their deliveries to these webhooks, as far as the limits allow to know of them."""
    ids = [
        {webhook_id: delivery_id(event, webhook_id) for webhook_id in webhook_ids}
        for event, webhook_ids in zip(events, receivers, strict=True)
    ]
    states = DeliveryLists(tenant).states((pair for of_event in ids for pair in of_event.items()), now_ms())
    delivered = [
        DeliveredEvent(
            event,
            tuple(
                EventDelivery(webhook_id, id_, states.get(id_, "queued"))
                for webhook_id, id_ in of_event.items()
                if webhook_id in event.webhooks or id_ in states
            ),
        )
        for event, of_event in zip(events, ids, strict=True)
    ]
    return [event for event in delivered if _is_known(event, limits)]


def _is_known(delivered: DeliveredEvent, limits: Limits) -> bool:
    """Whether the limits of a caller allow to know of an event: by what it is about, and where it went."""
    about = delivered.event.about
    return (about is None or limits.reaches(about)) and (limits.webhooks is None or bool(delivered.deliveries))
