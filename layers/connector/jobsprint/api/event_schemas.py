"""What publishing events takes and gives, and what a list of deliveries shows.

Class names are unique: they name OpenAPI components. An optional value that is absent is omitted, never null.
"""

from typing import Annotated, Literal

from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BaseModel, ConfigDict, Field, SkipValidation

from jobsprint.api.envelope import absent
from jobsprint.delivery.publish import Draft, Published
from jobsprint.domain.deliveries import DeliveryRow
from jobsprint.domain.errors import JobsprintError
from jobsprint.domain.event_fields import CanonicalData, EventName, ExternalId, Timestamp
from jobsprint.domain.models import Attempt, DeliveryState, Outcome
from jobsprint.domain.times import iso_millis

MAX_BATCH = 25

StateFilter = Annotated[DeliveryState | None, Query(description="Filter by state")]


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


class EventTaken(BaseModel):
    """An event that was taken, and the number of webhooks it goes to."""

    id: str
    deliveries: int
    externalId: str | None = absent()

    @classmethod
    def of(cls, published: Published) -> "EventTaken":
        """As it is answered."""
        return cls(id=published.id, deliveries=published.deliveries, externalId=published.external_id)


class WrongField(BaseModel):
    """One wrong field and what to do."""

    field: str
    message: str


class Problem(BaseModel):
    """Why something was refused."""

    code: str
    message: str
    details: list[WrongField] | None = absent()

    @classmethod
    def of(cls, error: JobsprintError) -> "Problem":
        """As it is answered."""
        details = [WrongField(field=detail.field, message=detail.message) for detail in error.details]
        return cls(code=error.code, message=error.message, details=details or None)


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


class AttemptView(BaseModel):
    """One attempt at a delivery; `response` is the start of what the receiver answered, with secrets masked."""

    attempt: int
    status: Outcome
    httpStatus: int | None = absent()
    failure: str | None = absent()
    durationMs: int
    startedAt: str
    response: str | None = absent()

    @classmethod
    def of(cls, attempt: Attempt) -> "AttemptView":
        """As it is shown."""
        return cls(
            attempt=attempt.number,
            status=attempt.status,
            httpStatus=attempt.http_status,
            failure=attempt.failure,
            durationMs=attempt.duration_ms,
            startedAt=iso_millis(attempt.started_at),
            response=attempt.response,
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
        delivery = row.delivery
        return cls(
            id=delivery.id,
            eventId=delivery.event_id,
            event=delivery.event,
            state=delivery.state,
            createdAt=iso_millis(row.created_at),
            attempts=[AttemptView.of(attempt) for attempt in delivery.attempts],
            nextAttemptAt=None if delivery.next_attempt_at is None else iso_millis(delivery.next_attempt_at),
        )
