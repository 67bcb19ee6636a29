"""What the operations on event types show."""

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from jobsprint.api.envelope import without_absent
from jobsprint.domain.models import EventType
from jobsprint.domain.times import iso_seconds


class EventTypeView(TypedDict):
    """An event type."""

    name: str
    description: NotRequired[str | None]
    schema: NotRequired[dict[str, Any] | None]
    mode: Literal["off", "warn"]
    createdAt: str
    updatedAt: str


def event_type_view(event_type: EventType) -> EventTypeView:
    """As it is shown."""
    return without_absent(
        EventTypeView(
            name=event_type.name,
            description=event_type.description,
            schema=event_type.schema,
            mode=event_type.mode,
            createdAt=iso_seconds(event_type.created_at),
            updatedAt=iso_seconds(event_type.updated_at),
        )
    )
