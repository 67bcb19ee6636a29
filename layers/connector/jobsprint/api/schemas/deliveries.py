"""Answers of the operations on deliveries."""

import json
from typing import Annotated, Any

from pydantic import Field

from jobsprint.core.clock import iso_millis
from jobsprint.core.models import ResponseModel
from jobsprint.domain import delivery_failures, delivery_headers
from jobsprint.domain.deliveries import Attempt, AttemptStatus, DeliveryRow, DeliveryState


class AttemptView(ResponseModel):
    """One attempt at a delivery; `response` is the start of what the receiver answered, with secrets masked."""

    attempt: int
    status: AttemptStatus
    http_status: int | None = None
    failure: str | None = None
    warning: Annotated[
        str | None, Field(description="What was wrong with the answer's body, such as timeout_body; it decides nothing")
    ] = None
    duration_ms: int
    started_at: str
    response: str | None = None
    timings: Annotated[dict[str, int] | None, Field(description="Milliseconds of each phase")] = None

    @classmethod
    def of(cls, attempt: Attempt) -> "AttemptView":
        """An attempt as it is shown."""
        return cls(**_shown(attempt))


class AttemptDetail(AttemptView):
    """One attempt, with what was sent. Secrets are masked; `explanation` and `nextStep` say what a failure means."""

    url: str | None = None
    request_headers: dict[str, str]
    explanation: str | None = None
    next_step: str | None = None

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

    id: str
    event_id: str
    event: str
    state: DeliveryState
    created_at: str
    attempts: list[AttemptView]
    next_attempt_at: str | None = None

    @classmethod
    def of(cls, row: DeliveryRow) -> "DeliveryView":
        """A delivery as it is shown; times are to the millisecond."""
        return cls(**_head(row), attempts=[AttemptView.of(attempt) for attempt in row.delivery.attempts])


class DeliveryDetail(ResponseModel):
    """One event on its way to one webhook, whole; `data` for as long as the event is kept."""

    id: str
    event_id: str
    event: str
    state: DeliveryState
    created_at: str
    attempts: list[AttemptDetail]
    next_attempt_at: str | None = None
    timestamp: Annotated[str, Field(description="The event's own time")]
    data: dict[str, Any] | None = None

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
