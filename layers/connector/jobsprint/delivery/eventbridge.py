"""Events from the EventBridge bus, as they come through its queue (contract, section 4).

A message body is EventBridge's own JSON: `id`, `source`, `time`, `detail-type` (the event's name) and `detail`:
{"tenant", "data", "id"?}. What breaks the contract goes to the queue of refused events with its reason and is done
with; what fails on our side comes back.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field

from jobsprint.core import aws, canonical_json
from jobsprint.core.clock import iso_seconds, now_ms, parse_iso
from jobsprint.core.config import settings
from jobsprint.core.errors import Detail, InvalidFields, JobsprintError, wrong_fields
from jobsprint.core.ids import is_tenant
from jobsprint.core.models import RequestModel, validate
from jobsprint.core.observability import count, logger
from jobsprint.delivery.publisher import Draft, Origin, publish
from jobsprint.domain.events import CanonicalData, EventName, ExternalId

_MAX_REFUSED_BYTES = 1_000_000  # SQS takes 1,048,576
_TRUE_WITHIN_MS = 86_400_000  # EventBridge tries to deliver for a day
_MAX_SHOWN_CHARACTERS = 80_000  # each has at most 12 bytes as ASCII JSON


def _tenant(text: str) -> str:
    if not is_tenant(text):
        raise ValueError("1 to 63 lower-case letters, digits, _ and -")
    return text


class BusDetail(RequestModel):
    """What the publisher put into `detail`."""

    tenant: Annotated[str, AfterValidator(_tenant)]
    data: CanonicalData
    id: ExternalId | None = None


class BusEvent(RequestModel):
    """What is read of EventBridge's envelope. Its `id` is the same on every delivery of one event."""

    model_config = ConfigDict(extra="ignore")

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,60}$")]
    name: Annotated[EventName, Field(alias="detail-type")]
    detail: BusDetail
    time: str = ""


@dataclass(frozen=True)
class _Received:
    """A record of the queue and the draft in it."""

    message_id: str
    body: str
    draft: Draft


def receive(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Publishes what SQS records carry; gives the ids of the messages that must come back."""
    failed: list[str] = []
    now = now_ms()
    by_tenant: dict[str, list[_Received]] = {}
    for record in records:
        message_id, body = str(record["messageId"]), str(record["body"])
        try:
            event = _read(body)
        except JobsprintError as error:
            failed += _refuse(message_id, body, error)
        else:
            received = _Received(message_id, body, _draft(event, now))
            by_tenant.setdefault(event.detail.tenant, []).append(received)
    for tenant, received_ones in by_tenant.items():
        failed += _publish(tenant, received_ones)
    count({"BusEventsReceived": len(records), "BusEventsReturned": len(failed)})
    return failed


def _read(body: str) -> BusEvent:
    try:
        value = canonical_json.parse(body)
    except canonical_json.UnreadableJson as error:
        raise InvalidFields.one("event", str(error), code="invalid_json") from error
    except canonical_json.UnrepresentableJson as error:
        raise wrong_fields(Detail(f"event.{flaw.path}", flaw.reason) for flaw in error.flaws) from error
    return validate(BusEvent, value, "event")


def _draft(event: BusEvent, now: int) -> Draft:
    """What to publish. The bus delivers at least once: its own id keeps an event that has none from coming twice."""
    try:
        at = parse_iso(event.time)
    except ValueError:
        at = None
    draft = Draft(event.name, event.detail.data, observed=None if at is None else iso_seconds(at))
    if event.detail.id:
        return replace(draft, external_id=event.detail.id)
    # A publisher may put any time into an event; it may become that of its id only where it can be the true one.
    if at is not None and abs(now - at) < _TRUE_WITHIN_MS:
        return replace(draft, derived_from=Origin(event.id, at))
    return replace(draft, external_id=f"bus:{event.id}")


def _publish(tenant: str, received: Sequence[_Received]) -> list[str]:
    try:
        outcomes = publish(tenant, [one.draft for one in received])
    except Exception:  # noqa: BLE001 - our own fault: the queue brings them back, and publishing repeats safely
        logger.exception("bus_events_failed", extra={"tenant": tenant, "events": len(received)})
        return [one.message_id for one in received]
    failed: list[str] = []
    for one, outcome in zip(received, outcomes, strict=True):
        if isinstance(outcome, JobsprintError):
            failed += _refuse(one.message_id, one.body, outcome)
    return failed


def _refuse(message_id: str, body: str, error: JobsprintError) -> list[str]:
    """Puts a refused event aside with the reason; the message's id where even that failed."""
    refusal: dict[str, Any] = {"reason": error.code, "message": error.message}
    if error.details:
        refusal["details"] = [{"field": detail.field, "message": detail.message} for detail in error.details]
    try:
        aws.sqs().send_message(QueueUrl=settings().refused_queue_url, MessageBody=_with_event(refusal, body))
    except Exception:  # noqa: BLE001 - our own fault: the queue brings it back
        logger.exception("refused_event_not_kept", extra={"messageId": message_id})
        return [message_id]
    count({"BusEventsRefused": 1})
    logger.info("bus_event_refused", extra={"messageId": message_id, "reason": error.code})
    return []


def _with_event(refusal: dict[str, Any], body: str) -> str:
    """The refusal with the event as it came: as JSON, as text where it is none, cut where it is too long."""
    try:
        event: Any = canonical_json.parse(body)
    except canonical_json.CanonicalError:
        event = body
    text = json.dumps({**refusal, "event": event})
    if len(text) <= _MAX_REFUSED_BYTES:
        return text
    return json.dumps({**refusal, "event": body[:_MAX_SHOWN_CHARACTERS], "truncated": True})
