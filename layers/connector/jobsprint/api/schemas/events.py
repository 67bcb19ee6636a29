"""What publishing and previewing events show."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal, NotRequired, TypeAlias

from msgspec import field
from typing_extensions import TypedDict

from jobsprint.api.schemas.common import without_absent
from jobsprint.core.clock import iso_seconds
from jobsprint.core.errors import Detail, InvalidFields, JobsprintError
from jobsprint.core.json_schema import check_schema
from jobsprint.delivery.publisher import Draft, Published, publish
from jobsprint.delivery.subscriptions import Reason
from jobsprint.domain.events import CanonicalData, EventName, EventType, ExternalId, Timestamp
from jobsprint.domain.inputs import Check, Described, Input, Length, Shown, Unchecked
from jobsprint.domain.integrations import MAX_DESCRIPTION, Integration
from jobsprint.domain.validation import validate


class WrongField(TypedDict):
    """One wrong field and what to do."""

    field: str
    message: str


class EventTaken(TypedDict):
    """An event that was taken, the number of webhooks it goes to, and where it breaks the schema of its type."""

    id: str
    deliveries: int
    externalId: NotRequired[str | None]
    warnings: NotRequired[list[WrongField] | None]


class Problem(TypedDict):
    """Why something was refused."""

    code: str
    message: str
    details: NotRequired[list[WrongField] | None]


class EventRefused(TypedDict):
    """An event of a batch that was not taken."""

    error: Problem


class EventAnswer(TypedDict):
    """The answer to one event."""

    success: Literal[True]
    data: EventTaken


class BatchAnswer(TypedDict):
    """The answers to a batch, in its order; at least one event was taken."""

    success: Literal[True]
    data: list[EventTaken | EventRefused]


class BatchRefusal(TypedDict):
    """The answer to a batch of which nothing was taken: a failure, with the reason for each event."""

    success: Literal[False]
    error: Problem
    data: list[EventRefused]
    requestId: str


class ReachedWebhook(TypedDict):
    """Whether a webhook would get an event, and why; subscription and filter count before its state."""

    id: str
    name: str
    reached: bool
    reason: Reason


class Reach(TypedDict):
    """What publishing an event would do; nothing is published or kept."""

    webhooks: list[ReachedWebhook]
    warnings: NotRequired[list[WrongField] | None]


def taken(published: Published) -> EventTaken:
    """As it is answered."""
    return without_absent(
        EventTaken(
            id=published.id,
            deliveries=published.deliveries,
            externalId=published.external_id,
            warnings=_listed(published.warnings),
        )
    )


def problem(error: JobsprintError) -> Problem:
    """As it is answered."""
    return without_absent(Problem(code=error.code, message=error.message, details=_listed(error.details)))


def reach_view(reasons: Sequence[tuple[Integration, Reason]], warnings: Sequence[Detail]) -> Reach:
    """As it is answered."""
    webhooks = [
        ReachedWebhook(id=webhook.id, name=webhook.name, reached=reason == "subscribed", reason=reason)
        for webhook, reason in reasons
    ]
    return without_absent(Reach(webhooks=webhooks, warnings=_listed(warnings)))


def _listed(details: Sequence[Detail]) -> list[WrongField] | None:
    return [WrongField(field=detail.field, message=detail.message) for detail in details] or None


MAX_BATCH = 25


class PublishEvent(Input, frozen=True):
    """One event to publish."""

    event: EventName
    data: CanonicalData
    id: ExternalId | None = None
    timestamp: Timestamp | None = None

    def draft(self) -> Draft:
        """What `delivery.publisher` takes."""
        return Draft(self.event, self.data, external_id=self.id, timestamp=self.timestamp)


class PublishBatch(Input, frozen=True):
    """Up to 25 events, each judged alone."""

    # Documented here and checked one by one later, because a wrong one must not stop the others.
    events: Annotated[list[Annotated[PublishEvent, Unchecked()]], Length(1, MAX_BATCH)]


MAX_SCHEMA_BYTES = 16 * 1024


def _schema(value: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(value)) > MAX_SCHEMA_BYTES:
        raise ValueError(f"up to {MAX_SCHEMA_BYTES // 1024} KB as JSON")
    check_schema(value)
    return value


DataSchema = Annotated[
    dict[str, Any],
    Check(_schema),
    Shown({"type": "object", "description": "JSON Schema of an event's `data`, 2020-12 unless it says else"}),
]


class EventTypePut(Input, frozen=True):
    """An event type, whole: what is left out is removed."""

    name: EventName
    description: Annotated[str, Length(most=MAX_DESCRIPTION)] | None = None
    data_schema: DataSchema | None = field(default=None, name="schema")
    mode: Annotated[Literal["off", "warn"], Described("warn: events that break the schema are taken and marked")] = (
        "off"
    )

    def event_type(self, now: int) -> EventType:
        """As it is kept; `now` in ms. Raises InvalidFields for mode `warn` without a schema."""
        if self.mode == "warn" and self.data_schema is None:
            raise InvalidFields.one("body.schema", "mode warn needs a schema")
        return EventType(
            name=self.name,
            mode=self.mode,
            created_at=now,
            updated_at=now,
            description=self.description,
            schema=self.data_schema,
        )


class EventTypeView(TypedDict):
    """An event type."""

    name: str
    description: NotRequired[str | None]
    schema: NotRequired[dict[str, Any] | None]
    mode: Literal["off", "warn"]
    createdAt: str
    updatedAt: str


def event_type_view(event_type: EventType) -> EventTypeView:
    """As it is shown."""
    return without_absent(
        EventTypeView(
            name=event_type.name,
            description=event_type.description,
            schema=event_type.schema,
            mode=event_type.mode,
            createdAt=iso_seconds(event_type.created_at),
            updatedAt=iso_seconds(event_type.updated_at),
        )
    )


PublishAnswer: TypeAlias = EventAnswer | BatchAnswer | BatchRefusal
_ACCEPTED, _REFUSED = 202, 422


def answer(tenant: str, body: object, request_id: str) -> tuple[PublishAnswer, int]:
    """Publishes what the body holds; the answer and its HTTP status.

    `{"events": […]}` is a batch: 202 when at least one event was taken, else 422. Anything else is one event, whose
    InvalidFields or Conflict is raised.
    """
    if not isinstance(body, dict):
        raise InvalidFields.one("body", "an event, or a batch of them in `events`")
    if "events" not in body:
        return _answer_one(tenant, body), _ACCEPTED
    batch = validate(PublishBatch, body)
    return _answer_batch(_publish_each(tenant, batch.events), request_id)


def _answer_one(tenant: str, body: dict[str, object]) -> EventAnswer:
    [outcome] = publish(tenant, [validate(PublishEvent, body).draft()])
    if isinstance(outcome, JobsprintError):
        raise outcome
    return EventAnswer(success=True, data=taken(outcome))


def _publish_each(tenant: str, elements: list[PublishEvent]) -> list[Published | JobsprintError]:
    judged = [_draft(element, place) for place, element in enumerate(elements)]
    drafts = [draft for draft in judged if isinstance(draft, Draft)]
    outcomes = iter(publish(tenant, drafts)) if drafts else iter(())
    return [next(outcomes) if isinstance(one, Draft) else one for one in judged]


def _draft(element: object, place: int) -> Draft | JobsprintError:
    try:
        return validate(PublishEvent, element, f"body.events[{place}]").draft()
    except InvalidFields as error:
        return error


def _answer_batch(outcomes: list[Published | JobsprintError], request_id: str) -> tuple[PublishAnswer, int]:
    refused = [outcome for outcome in outcomes if isinstance(outcome, JobsprintError)]
    if len(refused) < len(outcomes):
        return BatchAnswer(success=True, data=[_answered(outcome) for outcome in outcomes]), _ACCEPTED
    summary = InvalidFields(
        "No event of this batch was taken; `data` says why",
        code="no_event_taken",
        details=[detail for error in refused for detail in error.details],
    )
    reasons = [EventRefused(error=problem(error)) for error in refused]
    return BatchRefusal(success=False, error=problem(summary), data=reasons, requestId=request_id), _REFUSED


def _answered(outcome: Published | JobsprintError) -> EventTaken | EventRefused:
    if isinstance(outcome, Published):
        return taken(outcome)
    return EventRefused(error=problem(outcome))
