"""What publishing and previewing events show."""

from collections.abc import Sequence
from typing import Literal, NotRequired

from typing_extensions import TypedDict

from jobsprint.api.envelope import without_absent
from jobsprint.delivery.publish import Published
from jobsprint.delivery.routing import Reason
from jobsprint.domain.errors import Detail, JobsprintError
from jobsprint.domain.models import Integration


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
