"""The fields of an event as a caller sends them, checked and brought into their one form.

`POST /v1/events` and the EventBridge bus take the same fields, so both build their models from these (contract,
sections 4 and 6).
"""

import re
from typing import Annotated, Any

from jobsprint.domain import canonical, event_names
from jobsprint.domain.inputs import Before, Check, Described, Shown
from jobsprint.domain.times import iso_seconds, parse_iso

MAX_DATA_BYTES = 200 * 1024
"""UTF-8 bytes of an event's data as canonical JSON."""

_EXTERNAL_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


def _name(text: str) -> str:
    if not event_names.is_name(text):
        raise ValueError(
            f"words of letters, digits, _ and - with dots between them, up to {event_names.MAX_LENGTH} characters"
        )
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
        text = canonical.dumps(value)
    except canonical.UnrepresentableJson as error:
        raise ValueError(str(error)) from None
    if len(text.encode()) > MAX_DATA_BYTES:
        raise ValueError(f"up to {MAX_DATA_BYTES // 1024} KB as JSON")
    return text


EventName = Annotated[
    str,
    Check(_name),
    Described("Such as `workflow.executed`", pattern=f"^{event_names.PATTERN}$", maxLength=event_names.MAX_LENGTH),
]
ExternalId = Annotated[
    str,
    Check(_external_id),
    Shown({"type": "string", "pattern": f"^{_EXTERNAL_ID.pattern}$"}),
    Described("Your own id of the event: the same id and body are one event, another body is a 409"),
]
Timestamp = Annotated[
    str,
    Check(_timestamp),
    Described("When it happened, ISO 8601; kept in UTC to the second. Now, if it is left out"),
]
CanonicalData = Annotated[
    str,
    Before(canonical_data),
    Shown({"type": "object", "description": f"Up to {MAX_DATA_BYTES // 1024} KB as JSON"}),
]
