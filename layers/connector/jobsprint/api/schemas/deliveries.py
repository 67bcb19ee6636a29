"""What the operations on deliveries show."""

import json
from typing import Annotated, Any, NotRequired

from typing_extensions import TypedDict

from jobsprint.api.schemas.common import without_absent
from jobsprint.core.clock import iso_millis
from jobsprint.domain.deliveries import Attempt, AttemptStatus, DeliveryRow, DeliveryState
from jobsprint.domain.inputs import Described


class AttemptView(TypedDict):
    """One attempt at a delivery; `response` is the start of what the receiver answered, with secrets masked."""

    attempt: int
    status: AttemptStatus
    httpStatus: NotRequired[int | None]
    failure: NotRequired[str | None]
    durationMs: int
    startedAt: str
    response: NotRequired[str | None]
    timings: NotRequired[Annotated[dict[str, int] | None, Described("Milliseconds of each phase")]]


class AttemptDetail(AttemptView):
    """One attempt, with what was sent. Secrets are masked; `explanation` and `nextStep` say what a failure means."""

    url: NotRequired[str | None]
    requestHeaders: dict[str, str]
    explanation: NotRequired[str | None]
    nextStep: NotRequired[str | None]


class DeliveryHead(TypedDict):
    """What every view of a delivery begins with."""

    id: str
    eventId: str
    event: str
    state: DeliveryState
    createdAt: str


class DeliveryView(DeliveryHead):
    """One event on its way to one webhook."""

    attempts: list[AttemptView]
    nextAttemptAt: NotRequired[str | None]


class DeliveryDetail(DeliveryHead):
    """One event on its way to one webhook, whole; `data` for as long as the event is kept."""

    attempts: list[AttemptDetail]
    nextAttemptAt: NotRequired[str | None]
    timestamp: Annotated[str, Described("The event's own time")]
    data: NotRequired[dict[str, Any] | None]


def delivery_view(row: DeliveryRow) -> DeliveryView:
    """As it is shown; times are to the millisecond."""
    attempts = [_attempt(attempt) for attempt in row.delivery.attempts]
    return without_absent(DeliveryView(**_head(row), attempts=attempts, nextAttemptAt=_next_attempt_at(row)))


def delivery_detail(row: DeliveryRow, data: str | None) -> DeliveryDetail:
    """As it is shown; `data` is the event's canonical text."""
    return without_absent(
        DeliveryDetail(
            **_head(row),
            attempts=[_attempt_in_detail(row, attempt) for attempt in row.delivery.attempts],
            nextAttemptAt=_next_attempt_at(row),
            timestamp=row.timestamp,
            data=None if data is None else json.loads(data),
        )
    )


def _head(row: DeliveryRow) -> DeliveryHead:
    delivery = row.delivery
    return {
        "id": delivery.id,
        "eventId": delivery.event_id,
        "event": delivery.event,
        "state": delivery.state,
        "createdAt": iso_millis(row.created_at),
    }


def _next_attempt_at(row: DeliveryRow) -> str | None:
    return None if row.delivery.next_attempt_at is None else iso_millis(row.delivery.next_attempt_at)


def _attempt(attempt: Attempt) -> AttemptView:
    return without_absent(
        AttemptView(
            attempt=attempt.number,
            status=attempt.status,
            httpStatus=attempt.http_status,
            failure=attempt.failure,
            durationMs=attempt.duration_ms,
            startedAt=iso_millis(attempt.started_at),
            response=attempt.response,
            timings=dict(attempt.timings) or None,
        )
    )


def _attempt_in_detail(row: DeliveryRow, attempt: Attempt) -> AttemptDetail:
    # Imported here: a list of deliveries explains nothing.
    from jobsprint.delivery import attempt as sent_headers
    from jobsprint.domain import delivery_failures

    meaning = delivery_failures.meaning(attempt.failure) if attempt.failure else None
    return without_absent(
        AttemptDetail(
            **_attempt(attempt),
            url=attempt.url,
            requestHeaders=sent_headers.shown_headers(row.delivery, attempt),
            explanation=meaning.explanation if meaning else None,
            nextStep=meaning.next_step if meaning else None,
        )
    )
