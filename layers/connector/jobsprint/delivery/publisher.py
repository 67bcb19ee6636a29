"""Publishing: an event is kept, then one message for each subscribed webhook is put into the queue.

SQS is the outbox. A publish answers only when SQS has taken every message; a caller that hears nothing repeats with the
same id, and because delivery ids are derived from event and webhook, no delivery is made twice.

An event that is published by itself, without an id, and goes to one webhook at once is kept in its message alone until
the dispatcher has it, which keeps ten such events by one write (`repositories.events.EventStore.keep_later`): half of
what they cost in DynamoDB otherwise.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from jobsprint.core import aws, canonical_json
from jobsprint.core.canonical_json import JsonValue
from jobsprint.core.clock import iso_seconds, now_ms
from jobsprint.core.config import settings
from jobsprint.core.errors import Detail, JobsprintError
from jobsprint.core.ids import derived_id, new_id, new_ids
from jobsprint.core.ids import first_at as first_id_at
from jobsprint.core.observability import count, logger
from jobsprint.delivery import queue, schema_check
from jobsprint.delivery.subscriptions import Data, Reason, Routed
from jobsprint.domain.deliveries import Ticket
from jobsprint.domain.events import Event
from jobsprint.domain.integrations import Integration
from jobsprint.domain.retry_policy import first_at, schedule_of
from jobsprint.repositories.events import EventStore, event_key
from jobsprint.repositories.integrations import IntegrationStore

MOST_CARRIED = 4096
"""Characters of data that a message alone may keep; more are several write units anyway, wherever they are kept."""

_WRITERS = 8


@dataclass(frozen=True)
class Origin:
    """Where an event comes from that may come again: the id that it has there, and its time there (Unix ms)."""

    id: str
    at: int


@dataclass(frozen=True)
class Draft:
    """An event as its publisher gives it, every field checked (`domain.events`).

    `data` is canonical JSON text. `timestamp` is what the publisher said, and part of what makes a repeat the same
    event; `observed` stands in for it where he said nothing, and without that the time of publishing does. With
    `derived_from`, and no `external_id`, the event has the same id, and so the same deliveries, each time it comes.
    `about` is the id of the integration that an event of the service's own tells of.
    """

    name: str
    data: str
    external_id: str | None = None
    timestamp: str | None = None
    observed: str | None = None
    derived_from: Origin | None = None
    about: str | None = None


@dataclass(frozen=True)
class Published:
    """An event that was taken, the number of webhooks it goes to, and where it breaks the schema of its type."""

    id: str
    deliveries: int
    external_id: str | None = None
    warnings: tuple[Detail, ...] = ()


def publish(
    tenant: str, drafts: Sequence[Draft], now: int | None = None, *, typed: bool = True
) -> list[Published | JobsprintError]:
    """Publishes each draft and answers in their order; `now` in ms. `typed` events are checked against their types.

    A draft whose id stands for another event already is answered with that Conflict and does not stop the others.
    Raises `queue.NotTaken` and AWS's errors when our side fails; then repeat the whole.
    """
    now = now_ms() if now is None else now
    data = [Data(draft.data) for draft in drafts]
    warnings = [
        schema_check.warnings(tenant, draft.name, of) if typed else () for draft, of in zip(drafts, data, strict=True)
    ]
    webhooks = [webhook for webhook in IntegrationStore(tenant).webhooks() if webhook.status == "connected"]
    ids = new_ids("evt", now, len(drafts))
    events = [_event(tenant, *parts, now) for parts in zip(drafts, warnings, ids, strict=True)]
    carrying = _carrying(events, drafts, data, webhooks, now)
    kept: Sequence[Event | JobsprintError] = events if carrying else _keep(tenant, drafts, events, now)
    tickets = [
        carrying or (_tickets(outcome, of, webhooks, now) if isinstance(outcome, Event) else [])
        for outcome, of in zip(kept, data, strict=True)
    ]
    # An event that stands in a batch twice has the same deliveries twice.
    unique = {ticket.delivery_id: ticket for of_event in tickets for ticket in of_event}
    queue.put_all(list(unique.values()), now)
    count({"EventsPublished": sum(isinstance(outcome, Event) for outcome in kept), "DeliveriesQueued": len(unique)})
    return [
        Published(outcome.id, len(of_event), outcome.external_id, outcome.warnings)
        if isinstance(outcome, Event)
        else outcome
        for outcome, of_event in zip(kept, tickets, strict=True)
    ]


def preview(tenant: str, draft: Draft) -> tuple[list[tuple[Integration, Reason]], tuple[Detail, ...]]:
    """Every webhook with the reason why publishing the draft would reach it or not, newest first; and its warnings.

    Nothing is kept, so an id counts for nothing.
    """
    data = Data(draft.data)
    now = now_ms()
    routed = Routed(_event(tenant, draft, (), new_id("evt", now), now), data)
    reasons = [(webhook, routed.reason(webhook)) for webhook in IntegrationStore(tenant).webhooks()]
    return reasons, schema_check.warnings(tenant, draft.name, data)


def announce(
    tenant: str,
    name: str,
    data: Mapping[str, JsonValue],
    *,
    about: str | None = None,
    external_id: str | None = None,
    now: int | None = None,
) -> bool:
    """Publishes an event of the service's own (contract, section 5); it never goes to the webhook it is `about`.

    The same `external_id` is the same event, however often it is announced. A failure is logged and answered with
    False: what the event tells of has happened, and its caller must not be told otherwise.
    """
    draft = Draft(name=name, data=canonical_json.dumps(dict(data)), about=about, external_id=external_id)
    try:
        publish(tenant, [draft], now, typed=False)
    except Exception:  # noqa: BLE001 - see above
        logger.exception("own_event_not_published", extra={"event": name, "about": about})
        return False
    return True


def _carrying(
    events: Sequence[Event], drafts: Sequence[Draft], data: Sequence[Data], webhooks: Sequence[Integration], now: int
) -> list[Ticket]:
    """The ticket that keeps the only event until the dispatcher does; none where the event has to be kept first.

    That is so where its id has to be known to the next publish, where a ticket does not hold all of the event, where no
    ticket or several do, and where it would wait in the queue.
    """
    if len(events) != 1:
        return []
    [event], [draft] = events, drafts
    if draft.external_id or draft.derived_from or event.about or event.warnings or len(event.data) > MOST_CARRIED:
        return []
    tickets = _tickets(event, data[0], webhooks, now)
    at_once = len(tickets) == 1 and tickets[0].not_before <= now
    return [replace(ticket, event_key="") for ticket in tickets] if at_once else []


def _keep(tenant: str, drafts: Sequence[Draft], events: Sequence[Event], now: int) -> Sequence[Event | JobsprintError]:
    """Each draft as the event that is kept: those without an id of their caller's together, the others all at once."""
    unnamed = [place for place, draft in enumerate(drafts) if draft.external_id is None and not draft.derived_from]
    derived = [place for place, draft in enumerate(drafts) if draft.external_id is None and draft.derived_from]
    store = EventStore(tenant)
    kept: dict[int, Event | JobsprintError] = {}
    if len(unnamed) > 1:
        kept.update(zip(unnamed, store.keep_together([events[place] for place in unnamed], now), strict=True))
    if derived:
        kept.update(zip(derived, store.keep_derived([events[place] for place in derived], now), strict=True))

    def keep(place: int) -> None:
        try:
            kept[place] = store.keep(events[place], _fingerprint(drafts[place]), now)
        except JobsprintError as error:
            kept[place] = error

    # Of two drafts with one id the first stands, so the second one has to come later.
    alone = [place for place in range(len(drafts)) if place not in kept]
    firsts = {drafts[place].external_id: place for place in reversed(alone)}
    _at_once(keep, list(firsts.values()))
    for place in alone:
        if place not in kept:
            keep(place)
    return [kept[place] for place in range(len(drafts))]


def _at_once(work: Callable[[int], None], places: Sequence[int]) -> None:
    if len(places) < 2:
        for place in places:
            work(place)
        return
    aws.dynamodb()  # made here, because making a client in several threads at once is not safe
    with ThreadPoolExecutor(_WRITERS) as writers:
        list(writers.map(work, places))


def _event(tenant: str, draft: Draft, warnings: tuple[Detail, ...], id_: str, now: int) -> Event:
    origin = draft.derived_from if draft.external_id is None else None
    return Event(
        tenant=tenant,
        id=derived_id("evt", first_id_at(origin.at), tenant, origin.id) if origin else id_,
        name=draft.name,
        timestamp=draft.timestamp or draft.observed or iso_seconds(now),
        data=draft.data,
        external_id=draft.external_id,
        about=draft.about,
        warnings=warnings,
    )


def _fingerprint(draft: Draft) -> str:
    said = canonical_json.dumps([draft.name, draft.timestamp])
    return hashlib.sha256(f"{said}{draft.data}".encode()).hexdigest()


def delivery_id(event: Event, webhook_id: str) -> str:
    """The id of the one delivery of an event to a webhook."""
    return derived_id("dlv", event.id, event.tenant, webhook_id)


def first_ticket(event: Event, webhook_id: str, not_before: int) -> Ticket:
    """The ticket of the first attempt; `not_before` in ms."""
    return Ticket(
        tenant=event.tenant,
        webhook_id=webhook_id,
        delivery_id=delivery_id(event, webhook_id),
        event_id=event.id,
        event=event.name,
        timestamp=event.timestamp,
        event_key=event_key(event),
        data=event.data,
        not_before=not_before,
    )


def _tickets(event: Event, data: Data, webhooks: Sequence[Integration], now: int) -> list[Ticket]:
    routed = Routed(event, data)
    return [
        first_ticket(event, webhook.id, first_at(schedule_of(webhook.policy, settings().retry_schedule), now))
        for webhook in webhooks
        if routed.reason(webhook) == "subscribed"
    ]
