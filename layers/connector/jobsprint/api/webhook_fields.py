"""The fields that making and changing a webhook share."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, ValidationError, WithJsonSchema
from pydantic_core import InitErrorDetails, PydanticCustomError

from jobsprint.delivery import routing
from jobsprint.domain import patterns, rules


def _bounded_schedule(schedule: list[int]) -> list[int]:
    rules.check_schedule(schedule)
    return schedule


RetrySchedule = Annotated[
    list[Annotated[int, Field(ge=0, le=rules.MAX_RETRY_WAIT_SECONDS)]],
    Field(
        min_length=1,
        max_length=rules.MAX_TRIES,
        description="Seconds to wait before each attempt, the first one (at most 900) included, 14 days together; "
        "without it the service's own holds",
    ),
    AfterValidator(_bounded_schedule),
]
RateLimit = Annotated[
    int, Field(ge=1, le=rules.MAX_RATE, description="Most deliveries per second; what is over it waits")
]


def _complaint(flaw: patterns.Flaw) -> InitErrorDetails:
    kind = PydanticCustomError("pattern", "{reason}", {"reason": flaw.reason})
    return {"type": kind, "loc": flaw.where, "input": None}


def _pattern(value: dict[str, Any]) -> dict[str, Any]:
    try:
        patterns.Pattern.of(value, routing.DOCUMENT_FIELDS)
    except patterns.PatternError as error:
        # So that each flaw is named by its own path.
        raise ValidationError.from_exception_data("filter", [_complaint(flaw) for flaw in error.flaws]) from None
    return value


Filter = Annotated[
    dict[str, Any],
    AfterValidator(_pattern),
    WithJsonSchema(
        {
            "type": "object",
            "description": "An event pattern in EventBridge's syntax over `event`, `timestamp` and `data`;"
            " the webhook gets only the events that match",
        }
    ),
]

_POLICY_FIELDS = {"retrySchedule": "retry_schedule", "rateLimit": "rate_limit", "filter": "filter"}


def policy_of(body: BaseModel) -> dict[str, Any]:
    """The fields of a DeliveryPolicy that a body holds."""
    asked = {field: getattr(body, name) for name, field in _POLICY_FIELDS.items() if name in body.model_fields_set}
    schedule = asked.get("retry_schedule")
    return {**asked, "retry_schedule": tuple(schedule)} if schedule else asked
