"""What describing a type of events takes. Class names are unique: they name OpenAPI components."""

import json
from typing import Annotated, Any, Literal

from msgspec import field

from jobsprint.domain.errors import InvalidFields
from jobsprint.domain.event_fields import EventName
from jobsprint.domain.inputs import Check, Described, Input, Length, Shown
from jobsprint.domain.json_schema import check_schema
from jobsprint.domain.models import EventType
from jobsprint.domain.rules import MAX_DESCRIPTION

MAX_SCHEMA_BYTES = 16 * 1024


def _schema(value: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(value)) > MAX_SCHEMA_BYTES:
        raise ValueError(f"up to {MAX_SCHEMA_BYTES // 1024} KB as JSON")
    check_schema(value)
    return value


DataSchema = Annotated[
    dict[str, Any],
    Check(_schema),
    Shown({"type": "object", "description": "JSON Schema of an event's `data`, 2020-12 unless it says else"}),
]


class EventTypePut(Input, frozen=True):
    """An event type, whole: what is left out is removed."""

    name: EventName
    description: Annotated[str, Length(most=MAX_DESCRIPTION)] | None = None
    data_schema: DataSchema | None = field(default=None, name="schema")
    mode: Annotated[Literal["off", "warn"], Described("warn: events that break the schema are taken and marked")] = (
        "off"
    )

    def event_type(self, now: int) -> EventType:
        """As it is kept; `now` in ms. Raises InvalidFields for mode `warn` without a schema."""
        if self.mode == "warn" and self.data_schema is None:
            raise InvalidFields.one("body.schema", "mode warn needs a schema")
        return EventType(
            name=self.name,
            mode=self.mode,
            created_at=now,
            updated_at=now,
            description=self.description,
            schema=self.data_schema,
        )
