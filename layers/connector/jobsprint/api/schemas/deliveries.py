"""Answers of the operations on deliveries."""

import json
from typing import Annotated, Any

from pydantic import Field

from jobsprint.core.clock import iso_millis
from jobsprint.core.models import PAYLOAD, ResponseModel, Time
from jobsprint.domain import delivery_failures, delivery_headers
from jobsprint.domain.deliveries import Attempt, AttemptStatus, DeliveryRow, DeliveryState


class AttemptView(ResponseModel):
    """One attempt at a delivery; `response` is the start of what the receiver answered, with secrets masked."""

    attempt: Annotated[int, Field(description="Its number, from 1")]
    status: Annotated[AttemptStatus, Field(description="`unknown`: the worker ended before it knew")]
    http_status: Annotated[int | None, Field(description="The status of the answer")] = None
    failure: Annotated[str | None, Field(description="The code of a failure, such as `http_5xx` or `timeout`")] = None
    warning: Annotated[
        str | None, Field(description="What was wrong with the answer's body, such as timeout_body; it decides nothing")
    ] = None
    duration_ms: Annotated[int, Field(description="Milliseconds from the start to the end of the answer")]
    started_at: Annotated[Time, Field(description="When it began")]
    response: Annotated[
        str | None, Field(description="The start of the answer's body, with secrets masked"), PAYLOAD
    ] = None
    timings: Annotated[dict[str, int] | None, Field(description="Milliseconds of each phase")] = None

    @classmethod
    def of(cls, attempt: Attempt) -> "AttemptView":
        """An attempt as it is shown."""
        return cls(**_shown(attempt))


class AttemptDetail(AttemptView):
    """One attempt, with what was sent. Secrets are masked; `explanation` and `nextStep` say what a failure means."""

    url: Annotated[str | None, Field(description="Where it was sent; what looks like a credential is masked")] = None
    request_headers: Annotated[dict[str, str], Field(description="The headers that were sent; secret values masked")]
    explanation: Annotated[str | None, Field(description="What the failure means")] = None
    next_step: Annotated[str | None, Field(description="What to do about it")] = None

    @classmethod
    def in_detail(cls, row: DeliveryRow, attempt: Attempt) -> "AttemptDetail":
        """An attempt as it is shown with its delivery."""
        meaning = delivery_failures.explained(attempt.failure, attempt.warning, row.delivery.state)
        return cls(
            **_shown(attempt),
            url=attempt.url,
            request_headers=delivery_headers.shown(row.delivery, attempt),
            explanation=meaning.explanation if meaning else None,
            next_step=meaning.next_step if meaning else None,
        )


class DeliveryView(ResponseModel):
    """One event on its way to one webhook."""

    id: Annotated[str, Field(description="`dlv_…`")]
    event_id: Annotated[str, Field(description="`evt_…`")]
    event: Annotated[str, Field(description="The event's name")]
    state: Annotated[DeliveryState, Field(description="How far it got")]
    created_at: Annotated[Time, Field(description="When the event was published")]
    attempts: Annotated[list[AttemptView], Field(description="Its attempts, oldest first")]
    next_attempt_at: Annotated[Time | None, Field(description="When the next attempt is due")] = None

    @classmethod
    def of(cls, row: DeliveryRow) -> "DeliveryView":
        """A delivery as it is shown; times are to the millisecond."""
        return cls(**_head(row), attempts=[AttemptView.of(attempt) for attempt in row.delivery.attempts])


class DeliveryDetail(ResponseModel):
    """One event on its way to one webhook, whole; `data` for as long as the event is kept."""

    id: Annotated[str, Field(description="`dlv_…`")]
    event_id: Annotated[str, Field(description="`evt_…`")]
    event: Annotated[str, Field(description="The event's name")]
    state: Annotated[DeliveryState, Field(description="How far it got")]
    created_at: Annotated[Time, Field(description="When the event was published")]
    attempts: Annotated[list[AttemptDetail], Field(description="Its attempts, oldest first")]
    next_attempt_at: Annotated[Time | None, Field(description="When the next attempt is due")] = None
    timestamp: Annotated[Time, Field(description="The event's own time")]
    data: Annotated[
        dict[str, Any] | None, Field(description="The event's data, for as long as the event is kept"), PAYLOAD
    ] = None

    @classmethod
    def of(cls, row: DeliveryRow, data: str | None) -> "DeliveryDetail":
        """A delivery as it is shown whole; `data` is the event's canonical text."""
        return cls(
            **_head(row),
            attempts=[AttemptDetail.in_detail(row, attempt) for attempt in row.delivery.attempts],
            timestamp=row.timestamp,
            data=None if data is None else json.loads(data),
        )


def _head(row: DeliveryRow) -> dict[str, Any]:
    """What every view of a delivery shows."""
    delivery = row.delivery
    return {
        "id": delivery.id,
        "event_id": delivery.event_id,
        "event": delivery.event,
        "state": delivery.state,
        "created_at": iso_millis(row.created_at),
        "next_attempt_at": None if delivery.next_attempt_at is None else iso_millis(delivery.next_attempt_at),
    }


def _shown(attempt: Attempt) -> dict[str, Any]:
    """What every view of an attempt shows."""
    return {
        "attempt": attempt.number,
        "status": attempt.status,
        "http_status": attempt.http_status,
        "failure": attempt.failure,
        "warning": attempt.warning,
        "duration_ms": attempt.duration_ms,
        "started_at": iso_millis(attempt.started_at),
        "response": attempt.response,
        "timings": dict(attempt.timings) or None,
    }
