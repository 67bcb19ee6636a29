"""Event names and what a webhook may subscribe to (docs/api-contract.md, Events)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from jobsprint.core import canonical_json
from jobsprint.core.canonical_json import JsonObject
from jobsprint.core.clock import iso_seconds, parse_iso
from jobsprint.core.errors import Detail


@dataclass(frozen=True)
class EventType:
    """What a tenant says of its events of one name. Times are Unix milliseconds.

    `schema` is a JSON Schema of their data; in mode `warn` an event that breaks it is taken and marked.
    """

    name: str
    mode: Literal["off", "warn"]
    created_at: int
    updated_at: int
    description: str | None = None
    schema: JsonObject | None = None


@dataclass(frozen=True)
class Event:
    """A published event. `data` is canonical JSON text (`core.canonical_json`), never a parsed value.

    `warnings` say where it breaks the schema of its type. `webhooks` are the ids of those that it was published to.
    `packed_key` is its key in an item that holds several events (`repositories.events`).
    """

    tenant: str
    id: str
    name: str
    timestamp: str
    data: str
    external_id: str | None = None
    about: str | None = None
    warnings: tuple[Detail, ...] = ()
    webhooks: tuple[str, ...] = ()
    packed_key: str | None = None


@dataclass(frozen=True)
class EventFilter:
    """Which events a list shows; None matches all. `from_ms` and `to_ms` (both included) bound their publishing."""

    event: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None

    def matches(self, event: Event) -> bool:
        """Whether an event matches, apart from its time."""
        return self.event in (None, event.name)


MAX_LENGTH = 200
"""Characters of a name. EventBridge carries at most 128 in a detail-type; the API takes a few more."""

PATTERN = r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*"
ALL = "*"
OWN = frozenset(
    {
        *("integration.connected", "integration.disconnected", "integration.unhealthy", "integration.recovered"),
        *("webhook.failing", "webhook.disabled", "webhook.recovered", "delivery.exhausted"),
        "action.approval_requested",
    }
)
"""The events that the service publishes (docs/api-contract.md, Operational events)."""

RESERVED_FAMILIES = ("integration.", "webhook.", "jobsprint.")
"""Beginnings of names that only the service may publish, beside those in `OWN`."""

_NAME = re.compile(PATTERN)
_FAMILY_END = ".*"


def is_name(text: str) -> bool:
    """Whether `text` may name an event: `workflow.executed`."""
    return len(text) <= MAX_LENGTH and _NAME.fullmatch(text) is not None


def is_subscription(text: str) -> bool:
    """Whether `text` is an event name, a family such as `workflow.*`, or `*`."""
    return text == ALL or is_name(text.removesuffix(_FAMILY_END))


def matches(subscription: str, name: str) -> bool:
    """Whether a subscription covers an event.

    `workflow.*` covers `workflow.x` and `workflow.x.y`, but not `workflow`. Upper and lower case differ.
    """
    if subscription in (ALL, name):
        return True
    return subscription.endswith(_FAMILY_END) and name.startswith(subscription.removesuffix(ALL))


def is_own(name: str) -> bool:
    """Whether the service publishes events of this name: failing to deliver one never publishes another."""
    return name in OWN


def is_reserved(name: str) -> bool:
    """Whether only the service may publish and describe events of this name."""
    return is_own(name) or name.startswith(RESERVED_FAMILIES)


def covers(subscriptions: Iterable[str], name: str) -> bool:
    """Whether any of the subscriptions covers the event."""
    return any(matches(subscription, name) for subscription in subscriptions)


MAX_DATA_BYTES = 200 * 1024
"""UTF-8 bytes of an event's data as canonical JSON."""

_EXTERNAL_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


def _name(text: str) -> str:
    if not is_name(text):
        raise ValueError(f"words of letters, digits, _ and - with dots between them, up to {MAX_LENGTH} characters")
    return text


def _not_reserved(text: str) -> str:
    if is_reserved(text):
        raise ValueError("reserved for events that the service publishes")
    return text


def _external_id(text: str) -> str:
    if not _EXTERNAL_ID.fullmatch(text):
        raise ValueError("1 to 64 letters, digits and _ . : -")
    return text


def _timestamp(text: str) -> str:
    try:
        return iso_seconds(parse_iso(text))
    except ValueError:
        raise ValueError("an ISO 8601 time such as 2025-01-06T12:00:00Z") from None


def canonical_data(value: Any) -> str:
    """The canonical JSON text of an event's data. Raises ValueError for what is no object or too large."""
    if not isinstance(value, dict):
        raise ValueError("an object")
    try:
        text = canonical_json.dumps(value)
    except canonical_json.UnrepresentableJson as error:
        raise ValueError(str(error)) from None
    if len(text.encode()) > MAX_DATA_BYTES:
        raise ValueError(f"up to {MAX_DATA_BYTES // 1024} KB as JSON")
    return text


EventName = Annotated[
    str,
    AfterValidator(_name),
    Field(
        description="Such as `workflow.executed`",
        json_schema_extra={"pattern": f"^{PATTERN}$", "maxLength": MAX_LENGTH},
    ),
]
TenantEventName = Annotated[EventName, AfterValidator(_not_reserved)]
"""The name of an event that a tenant publishes or describes."""

ExternalId = Annotated[
    str,
    AfterValidator(_external_id),
    Field(
        description="Your own id of the event: the same id and body are one event, another body is a 409",
        json_schema_extra={"pattern": f"^{_EXTERNAL_ID.pattern}$"},
    ),
]
Timestamp = Annotated[
    str,
    AfterValidator(_timestamp),
    Field(
        description="When it happened, ISO 8601; kept in UTC to the second. Now, if it is left out",
        json_schema_extra={"format": "date-time"},
    ),
]
CanonicalData = Annotated[
    str,
    BeforeValidator(canonical_data),
    WithJsonSchema(
        {"type": "object", "additionalProperties": True, "description": f"Up to {MAX_DATA_BYTES // 1024} KB as JSON"}
    ),
]
