"""POST /v1/events: publish one event, or a batch of which each is judged alone (docs/api-contract.md, Events)."""

from typing import Any, TypeAlias

from jobsprint.api.schemas.common import Problem
from jobsprint.api.schemas.events import (
    BatchAnswer,
    BatchRefusal,
    EventAnswer,
    EventRefused,
    EventTaken,
    PreviewEvent,
    PublishBatch,
    PublishEvent,
)
from jobsprint.core.errors import InvalidFields, JobsprintError
from jobsprint.core.models import validate
from jobsprint.delivery.publisher import Draft, Published, publish

PublishAnswer: TypeAlias = EventAnswer | BatchAnswer | BatchRefusal
_ACCEPTED, _REFUSED = 202, 422


def answer(tenant: str, body: dict[str, Any], request_id: str) -> tuple[PublishAnswer, int]:
    """Publish what the body holds; the answer and its HTTP status.

    `{"events": […]}` is a batch: 202 when at least one event was taken, else 422. Anything else is one event, whose
    InvalidFields or Conflict is raised.
    """
    if "events" not in body:
        return _answer_one(tenant, body), _ACCEPTED
    batch = validate(PublishBatch, body)
    return _answer_batch(_publish_each(tenant, batch.events), request_id)


def draft(event: PreviewEvent) -> Draft:
    """The event of a request as `delivery.publisher` takes it."""
    return Draft(event.event, event.data, external_id=event.id, timestamp=event.timestamp)


def _answer_one(tenant: str, body: dict[str, Any]) -> EventAnswer:
    [outcome] = publish(tenant, [draft(validate(PublishEvent, body))])
    if isinstance(outcome, JobsprintError):
        raise outcome
    return EventAnswer(data=EventTaken.of(outcome))


def _publish_each(tenant: str, elements: list[PublishEvent]) -> list[Published | JobsprintError]:
    judged = [_draft_or_error(element, index) for index, element in enumerate(elements)]
    drafts = [draft for draft in judged if isinstance(draft, Draft)]
    outcomes = iter(publish(tenant, drafts)) if drafts else iter(())
    return [next(outcomes) if isinstance(one, Draft) else one for one in judged]


def _draft_or_error(element: object, index: int) -> Draft | JobsprintError:
    try:
        return draft(validate(PublishEvent, element, f"body.events[{index}]"))
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
