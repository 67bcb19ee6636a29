"""Publishing: an event is kept, then one message for each subscribed webhook is put into the queue.

SQS is the outbox. A publish answers only when SQS has taken every message; a caller that hears nothing repeats with the
same id, and because delivery ids are derived from event and webhook, no delivery is made twice.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jobsprint.delivery import queue
from jobsprint.domain import canonical, event_names
from jobsprint.domain.canonical import JsonValue
from jobsprint.domain.deliveries import Ticket
from jobsprint.domain.errors import JobsprintError
from jobsprint.domain.ids import derived_id, new_id
from jobsprint.domain.models import Event, Integration
from jobsprint.domain.times import iso_seconds, now_ms
from jobsprint.observe import count, logger
from jobsprint.store.events import EventStore, event_key
from jobsprint.store.integrations import IntegrationStore


@dataclass(frozen=True, slots=True)
class Draft:
    """An event as its publisher gives it, every field checked (`domain.event_fields`).

    `data` is canonical JSON text. `timestamp` is what the publisher said, and part of what makes a repeat the same
    event; `observed` stands in for it where he said nothing, and without that the time of publishing does. `about` is
    the id of the integration that an event of the service's own tells of.
    """

    name: str
    data: str
    external_id: str | None = None
    timestamp: str | None = None
    observed: str | None = None
    about: str | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """An event that was taken, and the number of webhooks it goes to."""

    id: str
    deliveries: int
    external_id: str | None = None


def publish(tenant: str, drafts: Sequence[Draft], now: int | None = None) -> list[Published | JobsprintError]:
    """Publishes each draft and answers in their order; `now` in ms.

    A draft whose id stands for another event already is answered with that Conflict and does not stop the others.
    Raises `queue.NotTaken` and AWS's errors when our side fails; then repeat the whole.
    """
    now = now_ms() if now is None else now
    kept = [_keep(tenant, draft, now) for draft in drafts]
    webhooks = [webhook for webhook in IntegrationStore(tenant).webhooks() if webhook.status == "connected"]
    tickets = [_tickets(outcome, webhooks) if isinstance(outcome, Event) else [] for outcome in kept]
    queue.put_all([ticket for of_event in tickets for ticket in of_event])
    count(
        {
            "EventsPublished": sum(isinstance(outcome, Event) for outcome in kept),
            "DeliveriesQueued": sum(map(len, tickets)),
        }
    )
    return [
        Published(outcome.id, len(of_event), outcome.external_id) if isinstance(outcome, Event) else outcome
        for outcome, of_event in zip(kept, tickets, strict=True)
    ]


def announce(
    tenant: str, name: str, data: Mapping[str, JsonValue], *, about: str | None = None, now: int | None = None
) -> None:
    """Publishes an event of the service's own (contract, section 5); it never goes to the webhook it is `about`.

    A failure is logged and no more: what the event tells of has happened, and its caller must not be told otherwise.
    """
    draft = Draft(name=name, data=canonical.dumps(dict(data)), about=about)
    try:
        publish(tenant, [draft], now)
    except Exception:  # noqa: BLE001 - see above
        logger.exception("own_event_not_published", extra={"event": name, "about": about})


def _keep(tenant: str, draft: Draft, now: int) -> Event | JobsprintError:
    event = Event(
        tenant=tenant,
        id=new_id("evt", now),
        name=draft.name,
        timestamp=draft.timestamp or draft.observed or iso_seconds(now),
        data=draft.data,
        external_id=draft.external_id,
        about=draft.about,
    )
    try:
        return EventStore(tenant).keep(event, _fingerprint(draft), now)
    except JobsprintError as error:
        return error


def _fingerprint(draft: Draft) -> str:
    said = canonical.dumps([draft.name, draft.timestamp])
    return hashlib.sha256(f"{said}{draft.data}".encode()).hexdigest()


def _tickets(event: Event, webhooks: Sequence[Integration]) -> list[Ticket]:
    return [
        Ticket(
            tenant=event.tenant,
            webhook_id=webhook.id,
            delivery_id=derived_id("dlv", event.id, event.tenant, webhook.id),
            event_id=event.id,
            event=event.name,
            timestamp=event.timestamp,
            event_key=event_key(event),
            data=event.data,
        )
        for webhook in webhooks
        if webhook.id != event.about and event_names.covers(webhook.events, event.name)
    ]
