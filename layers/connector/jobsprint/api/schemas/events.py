"""Requests and answers of the operations on events and event types."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, Field, SkipValidation, WithJsonSchema

from jobsprint.core.clock import iso_seconds
from jobsprint.core.errors import Detail, InvalidFields, JobsprintError
from jobsprint.core.json_schema import check_schema
from jobsprint.core.models import RequestModel, ResponseModel, validate
from jobsprint.delivery.publisher import Draft, Published, publish
from jobsprint.delivery.subscriptions import Reason
from jobsprint.domain.events import CanonicalData, EventName, EventType, ExternalId, Timestamp
from jobsprint.domain.integrations import MAX_DESCRIPTION, Integration


class WrongField(ResponseModel):
    """One wrong field and what to do."""

    field: str
    message: str


class EventTaken(ResponseModel):
    """An event that was taken, the number of webhooks it goes to, and where it breaks the schema of its type."""

    id: str
    deliveries: int
    external_id: str | None = None
    warnings: list[WrongField] | None = None

    @classmethod
    def of(cls, published: Published) -> "EventTaken":
        """A published event as it is answered."""
        return cls(
            id=published.id,
            deliveries=published.deliveries,
            external_id=published.external_id,
            warnings=_listed(published.warnings),
        )


class Problem(ResponseModel):
    """Why something was refused."""

    code: str
    message: str
    details: list[WrongField] | None = None

    @classmethod
    def of(cls, error: JobsprintError) -> "Problem":
        """A failure as it is answered."""
        return cls(code=error.code, message=error.message, details=_listed(error.details))


class EventRefused(ResponseModel):
    """An event of a batch that was not taken."""

    error: Problem


class EventAnswer(ResponseModel):
    """The answer to one event."""

    success: Literal[True] = True
    data: EventTaken


class BatchAnswer(ResponseModel):
    """The answers to a batch, in its order; at least one event was taken."""

    success: Literal[True] = True
    data: list[EventTaken | EventRefused]


class BatchRefusal(ResponseModel):
    """The answer to a batch of which nothing was taken: a failure, with the reason for each event."""

    success: Literal[False] = False
    error: Problem
    data: list[EventRefused]
    request_id: str


class ReachedWebhook(ResponseModel):
    """Whether a webhook would get an event, and why; subscription and filter count before its state."""

    id: str
    name: str
    reached: bool
    reason: Reason


class Reach(ResponseModel):
    """What publishing an event would do; nothing is published or kept."""

    webhooks: list[ReachedWebhook]
    warnings: list[WrongField] | None = None

    @classmethod
    def of(cls, reasons: Sequence[tuple[Integration, Reason]], warnings: Sequence[Detail]) -> "Reach":
        """The webhooks with the reason of each, as they are answered."""
        webhooks = [
            ReachedWebhook(id=webhook.id, name=webhook.name, reached=reason == "subscribed", reason=reason)
            for webhook, reason in reasons
        ]
        return cls(webhooks=webhooks, warnings=_listed(warnings))


def _listed(details: Sequence[Detail]) -> list[WrongField] | None:
    return [WrongField(field=detail.field, message=detail.message) for detail in details] or None


MAX_BATCH = 25


class PublishEvent(RequestModel):
    """One event to publish."""

    event: EventName
    data: CanonicalData
    id: ExternalId | None = None
    timestamp: Timestamp | None = None

    def draft(self) -> Draft:
        """What `delivery.publisher` takes."""
        return Draft(self.event, self.data, external_id=self.id, timestamp=self.timestamp)


class PublishBatch(RequestModel):
    """Up to 25 events, each judged alone."""

    # Described here and validated one by one later, because a wrong one must not stop the others.
    events: Annotated[list[Annotated[PublishEvent, SkipValidation]], Field(min_length=1, max_length=MAX_BATCH)]


MAX_SCHEMA_BYTES = 16 * 1024


def _schema(value: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(value)) > MAX_SCHEMA_BYTES:
        raise ValueError(f"up to {MAX_SCHEMA_BYTES // 1024} KB as JSON")
    check_schema(value)
    return value


DataSchema = Annotated[
    dict[str, Any],
    AfterValidator(_schema),
    WithJsonSchema({"type": "object", "description": "JSON Schema of an event's `data`, 2020-12 unless it says else"}),
]


class EventTypePut(RequestModel):
    """An event type, whole: what is left out is removed."""

    name: EventName
    description: Annotated[str, Field(max_length=MAX_DESCRIPTION)] | None = None
    data_schema: Annotated[DataSchema | None, Field(alias="schema")] = None
    mode: Annotated[
        Literal["off", "warn"], Field(description="warn: events that break the schema are taken and marked")
    ] = "off"

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


class EventTypeView(ResponseModel):
    """An event type."""

    name: str
    description: str | None = None
    data_schema: Annotated[dict[str, Any] | None, Field(alias="schema")] = None
    mode: Literal["off", "warn"]
    created_at: str
    updated_at: str

    @classmethod
    def of(cls, event_type: EventType) -> "EventTypeView":
        """An event type as it is shown."""
        return cls(
            name=event_type.name,
            description=event_type.description,
            data_schema=event_type.schema,
            mode=event_type.mode,
            created_at=iso_seconds(event_type.created_at),
            updated_at=iso_seconds(event_type.updated_at),
        )


PublishAnswer: TypeAlias = EventAnswer | BatchAnswer | BatchRefusal
_ACCEPTED, _REFUSED = 202, 422


def answer(tenant: str, body: dict[str, Any], request_id: str) -> tuple[PublishAnswer, int]:
    """Publishes what the body holds; the answer and its HTTP status.

    `{"events": […]}` is a batch: 202 when at least one event was taken, else 422. Anything else is one event, whose
    InvalidFields or Conflict is raised.
    """
    if "events" not in body:
        return _answer_one(tenant, body), _ACCEPTED
    batch = validate(PublishBatch, body)
    return _answer_batch(_publish_each(tenant, batch.events), request_id)


def _answer_one(tenant: str, body: dict[str, Any]) -> EventAnswer:
    [outcome] = publish(tenant, [validate(PublishEvent, body).draft()])
    if isinstance(outcome, JobsprintError):
        raise outcome
    return EventAnswer(data=EventTaken.of(outcome))


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
        return BatchAnswer(data=[_answered(outcome) for outcome in outcomes]), _ACCEPTED
    summary = InvalidFields(
        "No event of this batch was taken; `data` says why",
        code="no_event_taken",
        details=[detail for error in refused for detail in error.details],
    )
    reasons = [EventRefused(error=Problem.of(error)) for error in refused]
    return BatchRefusal(error=Problem.of(summary), data=reasons, request_id=request_id), _REFUSED


def _answered(outcome: Published | JobsprintError) -> EventTaken | EventRefused:
    if isinstance(outcome, Published):
        return EventTaken.of(outcome)
    return EventRefused(error=Problem.of(outcome))
