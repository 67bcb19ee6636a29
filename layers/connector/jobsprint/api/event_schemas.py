"""What publishing events takes and gives, and what a list of deliveries shows.

Class names are unique: they name OpenAPI components. An optional value that is absent is omitted, never null.
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SkipValidation, WithJsonSchema

from jobsprint.api.envelope import absent
from jobsprint.delivery import sent_headers
from jobsprint.delivery.publish import Draft, Published
from jobsprint.delivery.routing import Reason
from jobsprint.domain import failures
from jobsprint.domain.deliveries import CodeClass, DeliveryRow
from jobsprint.domain.errors import Detail, InvalidFields, JobsprintError
from jobsprint.domain.event_fields import CanonicalData, EventName, ExternalId, Timestamp
from jobsprint.domain.json_schema import check_schema
from jobsprint.domain.models import Attempt, DeliveryState, EventType, Integration, Outcome
from jobsprint.domain.rules import MAX_DESCRIPTION
from jobsprint.domain.times import iso_millis, iso_seconds

if TYPE_CHECKING:
    from jobsprint.integrations.webhook_stats import Stats, Window  # brings the vault, which publishing never needs

MAX_BATCH = 25
MAX_SCHEMA_BYTES = 16 * 1024

StateFilter = Annotated[DeliveryState | None, Query(description="Filter by state")]
EventFilter = Annotated[str | None, Query(max_length=200, description="Filter by event name")]
CodeClassFilter = Annotated[
    CodeClass | None,
    Query(description="Filter by the status of an attempt's answer; `none`: an attempt without one"),
]
FailureFilter = Annotated[
    str | None, Query(max_length=100, description="Filter by the failure of an attempt, such as dns or http_5xx")
]
DeliveryId = Annotated[str, Path(description="Delivery ID")]


class PublishEvent(BaseModel):
    """One event to publish."""

    model_config = ConfigDict(extra="forbid", strict=True)

    event: EventName
    data: CanonicalData
    id: ExternalId | None = None
    timestamp: Timestamp | None = None

    def draft(self) -> Draft:
        """What `delivery.publish` takes."""
        return Draft(self.event, self.data, external_id=self.id, timestamp=self.timestamp)


class PublishBatch(BaseModel):
    """Up to 25 events, each judged alone."""

    model_config = ConfigDict(extra="forbid", strict=True)

    # Documented here and checked one by one later, because a wrong one must not stop the others.
    events: Annotated[list[SkipValidation[PublishEvent]], Field(min_length=1, max_length=MAX_BATCH)]


# Taken as it comes, for the same reason; `api.event_publishing` tells the two apart.
PublishBody = SkipValidation[PublishEvent | PublishBatch]


class SampleRequest(BaseModel):
    """Which event to send a sample of."""

    model_config = ConfigDict(extra="forbid", strict=True)

    event: EventName = "ping"


class WrongField(BaseModel):
    """One wrong field and what to do."""

    field: str
    message: str

    @classmethod
    def listed(cls, details: Sequence[Detail]) -> "list[WrongField] | None":
        """As they are answered; None where there are none."""
        return [cls(field=detail.field, message=detail.message) for detail in details] or None


class EventTaken(BaseModel):
    """An event that was taken, the number of webhooks it goes to, and where it breaks the schema of its type."""

    id: str
    deliveries: int
    externalId: str | None = absent()
    warnings: list[WrongField] | None = absent()

    @classmethod
    def of(cls, published: Published) -> "EventTaken":
        """As it is answered."""
        return cls(
            id=published.id,
            deliveries=published.deliveries,
            externalId=published.external_id,
            warnings=WrongField.listed(published.warnings),
        )


class Problem(BaseModel):
    """Why something was refused."""

    code: str
    message: str
    details: list[WrongField] | None = absent()

    @classmethod
    def of(cls, error: JobsprintError) -> "Problem":
        """As it is answered."""
        return cls(code=error.code, message=error.message, details=WrongField.listed(error.details))


class EventRefused(BaseModel):
    """An event of a batch that was not taken."""

    error: Problem


class EventAnswer(BaseModel):
    """The answer to one event."""

    success: Literal[True] = True
    data: EventTaken


class BatchAnswer(BaseModel):
    """The answers to a batch, in its order; at least one event was taken."""

    success: Literal[True] = True
    data: list[EventTaken | EventRefused]


class BatchRefusal(BaseModel):
    """The answer to a batch of which nothing was taken: a failure, with the reason for each event."""

    success: Literal[False] = False
    error: Problem
    data: list[EventRefused]
    requestId: str


class ReachedWebhook(BaseModel):
    """Whether a webhook would get an event, and why; subscription and filter count before its state."""

    id: str
    name: str
    reached: bool
    reason: Reason


class Reach(BaseModel):
    """What publishing an event would do; nothing is published or kept."""

    webhooks: list[ReachedWebhook]
    warnings: list[WrongField] | None = absent()

    @classmethod
    def of(cls, reasons: Sequence[tuple[Integration, Reason]], warnings: Sequence[Detail]) -> "Reach":
        """As it is answered."""
        return cls(
            webhooks=[
                ReachedWebhook(id=webhook.id, name=webhook.name, reached=reason == "subscribed", reason=reason)
                for webhook, reason in reasons
            ],
            warnings=WrongField.listed(warnings),
        )


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


class EventTypePut(BaseModel):
    """An event type, whole: what is left out is removed."""

    model_config = ConfigDict(extra="forbid", strict=True)

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


class EventTypeView(BaseModel):
    """An event type."""

    model_config = ConfigDict(populate_by_name=True)

    name: str
    description: str | None = absent()
    data_schema: Annotated[dict[str, Any] | None, Field(alias="schema")] = absent()
    mode: Literal["off", "warn"]
    createdAt: str
    updatedAt: str

    @classmethod
    def of(cls, event_type: EventType) -> "EventTypeView":
        """As it is shown."""
        return cls(
            name=event_type.name,
            description=event_type.description,
            data_schema=event_type.schema,
            mode=event_type.mode,
            createdAt=iso_seconds(event_type.created_at),
            updatedAt=iso_seconds(event_type.updated_at),
        )


class AttemptView(BaseModel):
    """One attempt at a delivery; `response` is the start of what the receiver answered, with secrets masked."""

    attempt: int
    status: Outcome
    httpStatus: int | None = absent()
    failure: str | None = absent()
    durationMs: int
    startedAt: str
    response: str | None = absent()
    timings: Annotated[dict[str, int] | None, Field(description="Milliseconds of each phase")] = absent()

    @classmethod
    def of(cls, attempt: Attempt) -> "AttemptView":
        """As it is shown."""
        return cls(**_shown(attempt))


class AttemptDetail(AttemptView):
    """One attempt, with what was sent. Secrets are masked; `explanation` and `nextStep` say what a failure means."""

    url: str | None = absent()
    requestHeaders: dict[str, str]
    explanation: str | None = absent()
    nextStep: str | None = absent()

    @classmethod
    def in_detail(cls, row: DeliveryRow, attempt: Attempt) -> "AttemptDetail":
        """As it is shown by itself."""
        meaning = failures.meaning(attempt.failure) if attempt.failure else None
        return cls(
            **_shown(attempt),
            url=attempt.url,
            requestHeaders=sent_headers.shown(row.delivery, attempt),
            explanation=meaning and meaning.explanation,
            nextStep=meaning and meaning.next_step,
        )


class DeliveryView(BaseModel):
    """One event on its way to one webhook."""

    id: str
    eventId: str
    event: str
    state: DeliveryState
    createdAt: str
    attempts: list[AttemptView]
    nextAttemptAt: str | None = absent()

    @classmethod
    def of(cls, row: DeliveryRow) -> "DeliveryView":
        """As it is shown; times are to the millisecond."""
        return cls(**_head(row), attempts=[AttemptView.of(attempt) for attempt in row.delivery.attempts])


class DeliveryDetail(BaseModel):
    """One event on its way to one webhook, whole; `data` for as long as the event is kept."""

    id: str
    eventId: str
    event: str
    state: DeliveryState
    createdAt: str
    attempts: list[AttemptDetail]
    nextAttemptAt: str | None = absent()
    timestamp: Annotated[str, Field(description="The event's own time")]
    data: dict[str, Any] | None = absent()

    @classmethod
    def of(cls, row: DeliveryRow, data: str | None) -> "DeliveryDetail":
        """As it is shown; `data` is the event's canonical text."""
        return cls(
            **_head(row),
            attempts=[AttemptDetail.in_detail(row, attempt) for attempt in row.delivery.attempts],
            timestamp=row.timestamp,
            data=None if data is None else json.loads(data),
        )


class Durations(BaseModel):
    """How long attempts took, in milliseconds."""

    p50: int
    p95: int


class StatsWindow(BaseModel):
    """Attempts from `from` until now. `durations` is left out where none has ended."""

    model_config = ConfigDict(populate_by_name=True)

    since: Annotated[str, Field(alias="from")]
    attempts: int
    successful: int
    failed: int
    successRate: float
    durations: Durations | None = absent()
    codeClasses: Annotated[dict[str, int], Field(description="Attempts by the class of the answer's status")]
    failures: Annotated[dict[str, int], Field(description="Failed attempts by kind of failure")]

    @classmethod
    def of(cls, window: "Window") -> "StatsWindow":
        """As it is shown."""
        said = window.figures
        seen = said.p50 is not None and said.p95 is not None
        return cls(
            since=iso_seconds(window.since),
            attempts=said.successful + said.failed,
            successful=said.successful,
            failed=said.failed,
            successRate=said.success_rate,
            durations=Durations(p50=said.p50 or 0, p95=said.p95 or 0) if seen else None,
            codeClasses=dict(said.code_classes),
            failures=dict(said.failures),
        )


class WaitingCount(BaseModel):
    """How many deliveries wait: exactly `count`, or more."""

    count: int
    more: bool


class WebhookStats(BaseModel):
    """How a webhook does."""

    id: str
    last24Hours: StatsWindow
    last7Days: StatsWindow
    pending: WaitingCount
    retrying: WaitingCount

    @classmethod
    def of(cls, webhook_id: str, stats: "Stats") -> "WebhookStats":
        """As it is shown."""
        return cls(
            id=webhook_id,
            last24Hours=StatsWindow.of(stats.day),
            last7Days=StatsWindow.of(stats.week),
            pending=WaitingCount(count=stats.pending.count, more=stats.pending.more),
            retrying=WaitingCount(count=stats.retrying.count, more=stats.retrying.more),
        )


def _head(row: DeliveryRow) -> dict[str, Any]:
    delivery = row.delivery
    return {
        "id": delivery.id,
        "eventId": delivery.event_id,
        "event": delivery.event,
        "state": delivery.state,
        "createdAt": iso_millis(row.created_at),
        "nextAttemptAt": None if delivery.next_attempt_at is None else iso_millis(delivery.next_attempt_at),
    }


def _shown(attempt: Attempt) -> dict[str, Any]:
    return {
        "attempt": attempt.number,
        "status": attempt.status,
        "httpStatus": attempt.http_status,
        "failure": attempt.failure,
        "durationMs": attempt.duration_ms,
        "startedAt": iso_millis(attempt.started_at),
        "response": attempt.response,
        "timings": dict(attempt.timings) or None,
    }
