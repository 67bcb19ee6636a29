"""Events from the EventBridge bus, as they come through its queue.

A message body is EventBridge's own JSON: `id`, `source`, `time`, `detail-type` (the event's name) and `detail`:
{"tenant", "data", "id"?}. An invalid event goes to the queue of refused events with the reason, and is done.
"""

import json
from dataclasses import replace
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field

from jobsprint.core import aws, canonical_json
from jobsprint.core.clock import iso_seconds, now_ms, parse_iso
from jobsprint.core.config import settings
from jobsprint.core.errors import Detail, InvalidFields, JobsprintError, NotFound, wrong_fields
from jobsprint.core.ids import is_tenant
from jobsprint.core.models import RequestModel, validate
from jobsprint.core.observability import count, logger
from jobsprint.delivery.publisher import Draft, Origin, publish
from jobsprint.domain.events import CanonicalData, ExternalId, TenantEventName
from jobsprint.repositories import tenants

_MAX_REFUSED_BYTES = 1_000_000  # SQS takes 1,048,576
_PLAUSIBLE_MS = 86_400_000  # EventBridge tries to deliver for a day
_MAX_SHOWN_CHARACTERS = 80_000  # each has at most 12 bytes as ASCII JSON


def _tenant(text: str) -> str:
    if not is_tenant(text):
        raise ValueError("1 to 63 lower-case letters, digits, _ and -")
    return text


class BusDetail(RequestModel):
    """The publisher's part of an event."""

    tenant: Annotated[str, AfterValidator(_tenant)]
    data: CanonicalData
    id: ExternalId | None = None


class BusEvent(RequestModel):
    """The fields of EventBridge's envelope that are read. Its `id` is the same on every delivery of one event."""

    model_config = ConfigDict(extra="ignore")

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,60}$")]
    name: Annotated[TenantEventName, Field(alias="detail-type")]
    detail: BusDetail
    time: str = ""


def receive(body: str) -> None:
    """Publish the event in a message body, or refuse it. Raises when that fails on our side: then repeat it."""
    count({"BusEventsReceived": 1})
    try:
        event = _read(body)
        tenants.check(event.detail.tenant)
        [outcome] = publish(event.detail.tenant, [_draft(event, now_ms())])
    except (InvalidFields, NotFound) as error:
        _refuse(body, error)
    else:
        if isinstance(outcome, JobsprintError):
            _refuse(body, outcome)


def _read(body: str) -> BusEvent:
    try:
        value = canonical_json.parse(body)
    except canonical_json.UnreadableJson as error:
        raise InvalidFields.one("event", str(error), code="invalid_json") from error
    except canonical_json.UnrepresentableJson as error:
        raise wrong_fields(Detail(f"event.{flaw.path}", flaw.reason) for flaw in error.flaws) from error
    return validate(BusEvent, value, "event")


def _draft(event: BusEvent, now: int) -> Draft:
    """The event to publish. The bus delivers at least once: its own id identifies an event without another one."""
    try:
        at = parse_iso(event.time)
    except ValueError:
        at = None
    draft = Draft(event.name, event.detail.data, observed=None if at is None else iso_seconds(at))
    if event.detail.id:
        return replace(draft, external_id=event.detail.id)
    # A publisher may set any time; the event's id may carry it only where it is plausible.
    if at is not None and abs(now - at) < _PLAUSIBLE_MS:
        return replace(draft, origin=Origin(event.id, at))
    return replace(draft, external_id=f"bus:{event.id}")


def _refuse(body: str, error: JobsprintError) -> None:
    """Put an event into the queue of refused events, with the reason."""
    refusal: dict[str, Any] = {"reason": error.code, "message": error.message}
    if error.details:
        refusal["details"] = [{"field": detail.field, "message": detail.message} for detail in error.details]
    aws.sqs().send_message(QueueUrl=settings().refused_queue_url, MessageBody=_with_event(refusal, body))
    count({"BusEventsRefused": 1})
    logger.info("bus_event_refused", extra={"reason": error.code})


def _with_event(refusal: dict[str, Any], body: str) -> str:
    """The refusal with the event as it was received: as JSON, as text where it is none, cut where it is too long."""
    try:
        event: Any = canonical_json.parse(body)
    except canonical_json.CanonicalError:
        event = body
    text = json.dumps({**refusal, "event": event})
    if len(text) <= _MAX_REFUSED_BYTES:
        return text
    return json.dumps({**refusal, "event": body[:_MAX_SHOWN_CHARACTERS], "truncated": True})
