"""Publishing: an event is stored, then one task for each subscribed webhook is enqueued.

SQS is the outbox. A publish is answered only when SQS has accepted every task; a caller without an answer repeats it
with the same id, and because delivery ids are derived from event and webhook, no delivery is made twice. For a polling
endpoint the delivery itself is stored instead: its row is the queue.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
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
from jobsprint.domain.callers import NO_LIMITS, Limits
from jobsprint.domain.deliveries import DeliveryTask
from jobsprint.domain.events import Event
from jobsprint.domain.integrations import Integration
from jobsprint.domain.retry_policy import first_at, schedule_of
from jobsprint.repositories.events import EventStore, event_key
from jobsprint.repositories.integrations import IntegrationStore
from jobsprint.repositories.poll_queue import PollQueue

_WRITERS = 8


@dataclass(frozen=True)
class Origin:
    """Where an event comes from that may be delivered to us again: its id and time (Unix ms) there."""

    id: str
    at: int


@dataclass(frozen=True)
class Draft:
    """An event as its publisher gives it, every field checked (`domain.events`).

    `data` is canonical JSON text. `timestamp` is the publisher's, and part of what makes a repeat the same event;
    `observed` is used where it is absent, and without both the time of publishing. The event's id is derived from its
    `origin`, if it has one and no `external_id`, so it has the same deliveries each time it comes. `about` is the id of
    the integration that an operational event is about.
    """

    name: str
    data: str
    external_id: str | None = None
    timestamp: str | None = None
    observed: str | None = None
    origin: Origin | None = None
    about: str | None = None


@dataclass(frozen=True)
class Published:
    """A published event, the number of webhooks it goes to, and where it violates the schema of its type."""

    id: str
    deliveries: int
    external_id: str | None = None
    warnings: tuple[Detail, ...] = ()


def publish(
    tenant: str, drafts: Sequence[Draft], now: int | None = None, *, typed: bool = True
) -> list[Published | JobsprintError]:
    """Publish each draft and answer in their order; `now` in ms. `typed` events are checked against their types.

    A draft whose id belongs to another event is answered with that Conflict and does not stop the others. Raises
    `queue.NotTaken` and AWS's errors when the service fails; then repeat the whole.
    """
    now = now_ms() if now is None else now
    payloads = [Data(draft.data) for draft in drafts]
    webhooks = [webhook for webhook in IntegrationStore(tenant).webhooks() if webhook.status == "connected"]
    events = [
        _routed(
            _event(tenant, draft, schema_check.warnings(tenant, draft.name, payload) if typed else (), id_, now),
            payload,
            webhooks,
        )
        for draft, payload, id_ in zip(drafts, payloads, new_ids("evt", now, len(drafts)), strict=True)
    ]
    stored = [
        _rerouted(first, event, payload, webhooks) if isinstance(first, Event) else first
        for first, event, payload in zip(_store(tenant, drafts, events, now), events, payloads, strict=True)
    ]
    tasks = [_tasks(event, webhooks, now) if isinstance(event, Event) else [] for event in stored]
    # An event that is in a batch twice has the same deliveries twice.
    unique = {task.delivery_id: task for of_event in tasks for task in of_event}
    polling = {webhook.id for webhook in webhooks if webhook.is_polling}
    add_to_poll_queues([task for task in unique.values() if task.webhook_id in polling], now)
    queue.send_all([task for task in unique.values() if task.webhook_id not in polling], now)
    count({"EventsPublished": sum(isinstance(event, Event) for event in stored), "DeliveriesQueued": len(unique)})
    return [
        Published(event.id, len(of_event), event.external_id, event.warnings) if isinstance(event, Event) else event
        for event, of_event in zip(stored, tasks, strict=True)
    ]


def preview(
    tenant: str, draft: Draft, limits: Limits = NO_LIMITS
) -> tuple[list[tuple[Integration, Reason]], tuple[Detail, ...]]:
    """Every webhook with the reason why publishing the draft would reach it or not, newest first; and its warnings.

    A caller with `limits` gets those alone that it may know of. Nothing is stored, so a repeated id is not noticed.
    """
    payload = Data(draft.data)
    now = now_ms()
    routed = Routed(_event(tenant, draft, (), new_id("evt", now), now), payload)
    webhooks = [webhook for webhook in IntegrationStore(tenant).webhooks() if limits.reaches(webhook.id)]
    reasons = [(webhook, routed.reason(webhook)) for webhook in webhooks]
    return reasons, schema_check.warnings(tenant, draft.name, payload)


def announce(
    tenant: str,
    name: str,
    data: Mapping[str, JsonValue],
    *,
    about: str | None = None,
    external_id: str | None = None,
    now: int | None = None,
) -> bool:
    """Publish an operational event (`domain.events.OWN`); it never goes to the webhook it is `about`.

    The same `external_id` is the same event, however often it is published. A failure is logged and answered with
    False: the change that the event reports has happened, so its caller must not fail.
    """
    draft = Draft(name=name, data=canonical_json.dumps(dict(data)), about=about, external_id=external_id)
    try:
        publish(tenant, [draft], now, typed=False)
    except Exception:  # noqa: BLE001 - see above
        logger.exception("operational_event_not_published", extra={"event": name, "about": about})
        return False
    return True


def _store(tenant: str, drafts: Sequence[Draft], events: Sequence[Event], now: int) -> list[Event | JobsprintError]:
    """Store each event: several without any id of their own packed together, the others one by one.

    References to those that their callers gave an id are packed with the former.
    """
    store = EventStore(tenant)
    packable = [index for index, draft in enumerate(drafts) if draft.external_id or not draft.origin]
    stored: dict[int, Event | JobsprintError] = {}
    if len(packable) > 1 or any(events[index].external_id for index in packable):
        packed = store.put_events([events[index] for index in packable], now)
        stored.update((at, event) for at, event in zip(packable, packed, strict=True) if not event.external_id)

    def put(index: int) -> None:
        try:
            stored[index] = store.put_event(events[index], _fingerprint(drafts[index]), now)
        except JobsprintError as error:
            stored[index] = error

    single = [index for index in range(len(drafts)) if index not in stored]
    # The first of two drafts with one id wins, so the second is stored later.
    firsts = {events[index].external_id or events[index].id: index for index in reversed(single)}
    aws.dynamodb()  # made here, because making a client in several threads at once is not safe
    with ThreadPoolExecutor(_WRITERS) as writers:
        list(writers.map(put, firsts.values()))
    for index in single:
        if index not in stored:
            put(index)
    return [stored[index] for index in range(len(drafts))]


def _event(tenant: str, draft: Draft, warnings: tuple[Detail, ...], id_: str, now: int) -> Event:
    origin = draft.origin if draft.external_id is None else None
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
    head = canonical_json.dumps([draft.name, draft.timestamp])
    return hashlib.sha256(f"{head}{draft.data}".encode()).hexdigest()


def delivery_id(event: Event, webhook_id: str) -> str:
    """The id of the one delivery of an event to a webhook."""
    return derived_id("dlv", event.id, event.tenant, webhook_id)


def first_task(event: Event, webhook_id: str, not_before: int) -> DeliveryTask:
    """The task of the first attempt; `not_before` in ms."""
    return DeliveryTask(
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


def add_to_poll_queues(tasks: Sequence[DeliveryTask], now: int) -> None:
    """Store first attempts at polling endpoints, one row each; those that exist already stay as they are."""
    if not tasks:
        return
    aws.dynamodb()  # made here, because making a client in several threads at once is not safe
    with ThreadPoolExecutor(_WRITERS) as writers:
        list(writers.map(lambda task: PollQueue(task.tenant, task.webhook_id).add(task, now), tasks))


def _routed(event: Event, payload: Data, webhooks: Iterable[Integration]) -> Event:
    """The event with the webhooks that take it."""
    routed = Routed(event, payload)
    return replace(event, webhooks=tuple(webhook.id for webhook in webhooks if routed.reason(webhook) == "subscribed"))


def _rerouted(first: Event, event: Event, payload: Data, webhooks: Iterable[Integration]) -> Event:
    """The event that was published first, which may be `event` itself, with the webhooks that take it now."""
    return replace(first, webhooks=event.webhooks) if first.id == event.id else _routed(first, payload, webhooks)


def _tasks(event: Event, webhooks: Iterable[Integration], now: int) -> list[DeliveryTask]:
    return [
        first_task(event, webhook.id, first_at(schedule_of(webhook.policy, settings().retry_schedule), now))
        for webhook in webhooks
        if webhook.id in event.webhooks
    ]
