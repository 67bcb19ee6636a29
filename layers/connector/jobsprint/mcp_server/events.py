"""MCP Events (SEP-3415): `events/list`, `events/subscribe`, `events/unsubscribe` and `events/poll`."""

import json
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, ConfigDict, Field

from jobsprint.api.schemas.webhooks import Filter
from jobsprint.audit import trail
from jobsprint.connectors.fields import Secret
from jobsprint.core import json_schema
from jobsprint.core.canonical_json import JsonObject, JsonValue
from jobsprint.core.clock import iso_seconds, now_ms
from jobsprint.core.errors import Conflict, Detail, InvalidFields
from jobsprint.core.models import RequestModel, validate
from jobsprint.core.shown_url import shown_url
from jobsprint.delivery import event_cursors
from jobsprint.domain import integrations, mcp_events
from jobsprint.domain.audit import Client
from jobsprint.domain.callers import Caller, read_only
from jobsprint.domain.event_patterns import Pattern
from jobsprint.domain.events import Event, EventType, is_name
from jobsprint.mcp_server import protocol
from jobsprint.mcp_server.protocol import Refused, Request
from jobsprint.repositories.event_types import EventTypeStore
from jobsprint.webhooks import mcp_subscriptions
from jobsprint.webhooks.callback_verification import CallbackFailed
from jobsprint.webhooks.mcp_subscriptions import Wanted

EXTENSION = "io.modelcontextprotocol/events"
UNKNOWN_EVENT, EXHAUSTED, UNSUPPORTED, CALLBACK_FAILED = -32011, -32013, -32014, -32015
_DELIVERY: list[JsonValue] = ["webhook", "poll"]
_PAGE = 100
_MOST = 100
_NEXT_POLL_MS = 10_000
_ANY_OBJECT: JsonObject = {"type": "object"}


def _client_secret(secret: str) -> str:
    if not secret.startswith("whsec_"):
        raise ValueError("starts with whsec_, and the rest is base64 of 24 to 64 bytes")
    return secret


def _cursor(text: str) -> str:
    if not event_cursors.is_cursor(text):
        raise ValueError("a cursor of this server's")
    return text


class _Params(RequestModel):
    """Parameters of a method; those of later revisions are left aside."""

    model_config = ConfigDict(extra="ignore")


_Model = TypeVar("_Model", bound=_Params)


class Callback(_Params):
    """Where events are sent."""

    mode: str
    url: Annotated[str, Field(min_length=1, max_length=integrations.MAX_URL)]


class SignedCallback(Callback):
    """Where events are sent, and what signs them."""

    secret: Annotated[Secret, AfterValidator(_client_secret)]


class _Chosen(_Params):
    name: Annotated[str, Field(max_length=200)]
    arguments: dict[str, Any] | None = None


class _From(_Chosen):
    cursor: Annotated[str, AfterValidator(_cursor)] | None = None
    max_age_ms: Annotated[int, Field(ge=0)] | None = None

    def start(self) -> event_cursors.Start | None:
        """Where to begin, if a position is given."""
        return event_cursors.Start(self.cursor, self.max_age_ms) if self.cursor else None


class Subscribe(_From):
    """The parameters of `events/subscribe`; a `ttl_ms` of null asks for the longest time."""

    delivery: SignedCallback
    ttl_ms: Annotated[int, Field(gt=0)] | None = None

    def ttl(self) -> int:
        """For how many milliseconds."""
        if "ttl_ms" not in self.model_fields_set:
            return mcp_subscriptions.DEFAULT_TTL_MS
        return self.ttl_ms or mcp_subscriptions.MAX_TTL_MS


class Unsubscribe(_Chosen):
    """The parameters of `events/unsubscribe`."""

    delivery: Callback


class Poll(_From):
    """The parameters of `events/poll`."""

    max_events: Annotated[int, Field(gt=0)] | None = None


class _Where(RequestModel):
    where: Filter | None = None


def list_(caller: Caller, request: Request) -> JsonObject:
    """The events that the tenant has described, in the order of their names."""
    after = request.params.get("cursor")
    if after is not None and not (isinstance(after, str) and is_name(after)):
        raise Refused(protocol.INVALID_PARAMS, "params.cursor: begin again without a cursor", status=200)
    found, position = EventTypeStore(caller.tenant).page(limit=_PAGE, position=after)
    listed: JsonObject = {"events": [_definition(event_type) for event_type in found]}
    return listed | ({"nextCursor": position} if position else {})


def subscribe(caller: Caller, request: Request, *, client: Client, request_id: str | None) -> JsonObject:
    """Make or refresh a subscription, recorded in the audit trail."""
    _require_writing(caller)
    asked = _read(Subscribe, request)
    pattern, wanted = _pattern(caller, asked), _wanted(asked, asked.delivery)
    try:
        with _recorded(caller, "webhook.create", wanted, client, request_id):
            granted = mcp_subscriptions.subscribe(
                caller,
                wanted,
                pattern,
                asked.delivery.secret,
                ttl_ms=asked.ttl(),
                replay=asked.start(),
                now=now_ms(),
            )
    except CallbackFailed as error:
        raise Refused(CALLBACK_FAILED, "Callback endpoint error", status=200, data={"reason": error.reason}) from error
    except Conflict as error:
        raise Refused(EXHAUSTED, error.message, status=200, data={"code": error.code}) from error
    return {
        "id": granted.id,
        "refreshBefore": iso_seconds(granted.expires_at),
        "cursor": granted.cursor,
        "truncated": granted.truncated,
    }


def unsubscribe(caller: Caller, request: Request, *, client: Client, request_id: str | None) -> JsonObject:
    """End a subscription, recorded in the audit trail; without one nothing happens."""
    _require_writing(caller)
    asked = _read(Unsubscribe, request)
    wanted = _wanted(asked, asked.delivery)
    with _recorded(caller, "webhook.delete", wanted, client, request_id):
        mcp_subscriptions.unsubscribe(caller, wanted, now_ms())
    return {}


def poll(caller: Caller, request: Request) -> JsonObject:
    """The kept events after a cursor; without one a cursor for what comes from now on."""
    asked, now = _read(Poll, request), now_ms()
    pattern, start = _pattern(caller, asked), asked.start()
    batch = event_cursors.Batch([], event_cursors.at(now))
    if start:
        read = Pattern.of(pattern) if pattern else None
        limit = min(asked.max_events or _MOST, _MOST)
        batch = event_cursors.poll(caller.tenant, start, asked.name, read, limit=limit, now=now)
    return {
        "events": [_occurrence(event) for event in batch.events],
        "cursor": batch.cursor,
        "hasMore": batch.has_more,
        "truncated": batch.truncated,
        "nextPollMs": 0 if batch.has_more else _NEXT_POLL_MS,
    }


def _definition(event_type: EventType) -> JsonObject:
    return {
        "name": event_type.name,
        "description": event_type.description or f"Events named {event_type.name}",
        "delivery": _DELIVERY,
        "inputSchema": mcp_events.input_schema(event_type.schema),
        "payloadSchema": event_type.schema or _ANY_OBJECT,
    }


def _occurrence(event: Event) -> JsonObject:
    found: JsonObject = json.loads(mcp_events.occurrence(event.id, event.name, event.timestamp, event.data))
    return found


def _require_writing(caller: Caller) -> None:
    if caller.limits.read_only:
        raise read_only("and a subscription changes something: poll for events instead")


def _wanted(asked: Subscribe | Unsubscribe, delivery: Callback) -> Wanted:
    if delivery.mode != "webhook":
        raise Refused(UNSUPPORTED, "params.delivery.mode: webhook", status=200)
    return Wanted(asked.name, asked.arguments or {}, delivery.url)


def _recorded(
    caller: Caller, kind: str, wanted: Wanted, client: Client, request_id: str | None
) -> AbstractContextManager[object]:
    return trail.recorded(
        caller,
        kind,
        subject=mcp_subscriptions.id_of(caller, wanted),
        arguments={"event": wanted.event, "arguments": wanted.arguments, "url": shown_url(wanted.url)},
        client=client,
        request_id=request_id,
    )


def _read(model: type[_Model], request: Request) -> _Model:
    """The parameters of a request. Raises Refused."""
    try:
        return validate(model, {name: value for name, value in request.params.items() if name != "_meta"}, "params")
    except InvalidFields as error:
        raise _invalid(error.details) from error


def _pattern(caller: Caller, asked: _Chosen) -> JsonObject | None:
    """The event pattern of the arguments. Raises Refused for an unknown event, and wrong arguments."""
    event_type = EventTypeStore(caller.tenant).find(asked.name) if is_name(asked.name) else None
    if event_type is None:
        raise Refused(UNKNOWN_EVENT, f"Unknown event: {asked.name[:100]}", status=200)
    arguments = asked.arguments or {}
    checker = json_schema.Checker(mcp_events.input_schema(event_type.schema))
    if wrong := checker.details(arguments, "params.arguments"):
        raise _invalid(wrong)
    try:
        pattern = mcp_events.pattern(arguments)
        validate(_Where, {"where": pattern}, "params.arguments")
    except ValueError as error:
        raise _invalid([Detail(f"params.arguments.{mcp_events.WHERE}", str(error))]) from error
    except InvalidFields as error:
        raise _invalid(error.details) from error
    return pattern


def _invalid(details: Iterable[Detail]) -> Refused:
    named: list[Any] = [{"field": detail.field, "message": detail.message} for detail in details]
    shown = "; ".join(f"{detail['field']}: {detail['message']}" for detail in named)
    return Refused(protocol.INVALID_PARAMS, shown[:1000], status=200, data={"details": named})
