"""The fields that making and changing a webhook share."""

from typing import TYPE_CHECKING, Annotated, Any

from jobsprint.delivery import routing
from jobsprint.domain import patterns, rules
from jobsprint.domain.inputs import Between, Check, Described, Length, Shown

if TYPE_CHECKING:
    from pydantic_core import InitErrorDetails


def _bounded_schedule(schedule: list[int]) -> list[int]:
    rules.check_schedule(schedule)
    return schedule


RetrySchedule = Annotated[
    list[Annotated[int, Between(0, rules.MAX_RETRY_WAIT_SECONDS)]],
    Length(1, rules.MAX_TRIES),
    Described(
        "Seconds to wait before each attempt, the first one (at most 900) included, 14 days together; "
        "without it the service's own holds",
    ),
    Check(_bounded_schedule),
]
RateLimit = Annotated[int, Between(1, rules.MAX_RATE), Described("Most deliveries per second; what is over it waits")]


def _complaint(flaw: patterns.Flaw) -> "InitErrorDetails":
    from pydantic_core import PydanticCustomError

    kind = PydanticCustomError("pattern", "{reason}", {"reason": flaw.reason})
    return {"type": kind, "loc": flaw.where, "input": None}


def _pattern(value: dict[str, Any]) -> dict[str, Any]:
    try:
        patterns.Pattern.of(value, routing.DOCUMENT_FIELDS)
    except patterns.PatternError as error:
        from pydantic_core import ValidationError

        # So that each flaw is named by its own path.
        raise ValidationError.from_exception_data("filter", [_complaint(flaw) for flaw in error.flaws]) from None
    return value


Filter = Annotated[
    dict[str, Any],
    Check(_pattern),
    Shown(
        {
            "type": "object",
            "description": "An event pattern in EventBridge's syntax over `event`, `timestamp` and `data`;"
            " the webhook gets only the events that match",
        }
    ),
]
