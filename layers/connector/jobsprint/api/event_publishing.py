"""POST /v1/events: one event, or a batch of which each is judged alone (contract, sections 4 and 6)."""

from typing import TypeAlias

from jobsprint.api.event_requests import PublishBatch, PublishEvent
from jobsprint.api.event_views import BatchAnswer, BatchRefusal, EventAnswer, EventRefused, EventTaken, problem, taken
from jobsprint.delivery.publish import Draft, Published, publish
from jobsprint.domain.errors import InvalidFields, JobsprintError
from jobsprint.domain.validation import validate

PublishAnswer: TypeAlias = EventAnswer | BatchAnswer | BatchRefusal
_ACCEPTED, _REFUSED = 202, 422


def answer(tenant: str, body: object, request_id: str) -> tuple[PublishAnswer, int]:
    """Publishes what the body holds; the answer and its HTTP status.

    `{"events": […]}` is a batch: 202 when at least one event was taken, else 422. Anything else is one event, whose
    InvalidFields or Conflict is raised.
    """
    if not isinstance(body, dict):
        raise InvalidFields.one("body", "an event, or a batch of them in `events`")
    if "events" not in body:
        return _answer_one(tenant, body), _ACCEPTED
    batch = validate(PublishBatch, body)
    return _answer_batch(_publish_each(tenant, batch.events), request_id)


def _answer_one(tenant: str, body: dict[str, object]) -> EventAnswer:
    [outcome] = publish(tenant, [validate(PublishEvent, body).draft()])
    if isinstance(outcome, JobsprintError):
        raise outcome
    return EventAnswer(success=True, data=taken(outcome))


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
        return BatchAnswer(success=True, data=[_answered(outcome) for outcome in outcomes]), _ACCEPTED
    summary = InvalidFields(
        "No event of this batch was taken; `data` says why",
        code="no_event_taken",
        details=[detail for error in refused for detail in error.details],
    )
    reasons = [EventRefused(error=problem(error)) for error in refused]
    return BatchRefusal(success=False, error=problem(summary), data=reasons, requestId=request_id), _REFUSED


def _answered(outcome: Published | JobsprintError) -> EventTaken | EventRefused:
    if isinstance(outcome, Published):
        return taken(outcome)
    return EventRefused(error=problem(outcome))
