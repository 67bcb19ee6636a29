"""Requests and answers of the operations on events and event types."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, SkipValidation, WithJsonSchema

from jobsprint.api.schemas.common import Problem, WrongField
from jobsprint.core.clock import iso_millis, iso_seconds
from jobsprint.core.errors import Detail, InvalidFields
from jobsprint.core.ids import made_at
from jobsprint.core.json_schema import check_schema
from jobsprint.core.models import RequestModel, ResponseModel
from jobsprint.delivery.subscriptions import Reason
from jobsprint.domain.deliveries import EventDeliveryState
from jobsprint.domain.events import CanonicalData, EventName, EventType, ExternalId, TenantEventName, Timestamp
from jobsprint.domain.integrations import MAX_DESCRIPTION, Integration

if TYPE_CHECKING:
    from jobsprint.delivery.event_history import DeliveredEvent
    from jobsprint.delivery.publisher import Published


class EventTaken(ResponseModel):
    """An event that was taken, the number of webhooks it goes to, and where it breaks the schema of its type."""

    id: str
    deliveries: int
    external_id: str | None = None
    warnings: list[WrongField] | None = None

    @classmethod
    def of(cls, published: "Published") -> "EventTaken":
        """A published event as it is answered."""
        return cls(
            id=published.id,
            deliveries=published.deliveries,
            external_id=published.external_id,
            warnings=WrongField.listed(published.warnings),
        )


class EventDeliveries(ResponseModel):
    """The deliveries of an event by their states; `queued` are those that wait in the queue for their first attempt."""

    total: int
    queued: int
    pending: int
    retrying: int
    delivered: int
    exhausted: int
    discarded: int

    @classmethod
    def of(cls, delivered: "DeliveredEvent") -> "EventDeliveries":
        """The deliveries of an event as they are counted."""
        counts = Counter[str](delivery.state for delivery in delivered.deliveries)
        return cls(total=counts.total(), **{state: counts[state] for state in cls.model_fields if state != "total"})


class EventView(ResponseModel):
    """A published event."""

    id: str
    event: str
    timestamp: Annotated[str, Field(description="The event's own time")]
    created_at: Annotated[str, Field(description="When it was published")]
    external_id: str | None = None
    warnings: list[WrongField] | None = None
    deliveries: EventDeliveries

    @classmethod
    def of(cls, delivered: "DeliveredEvent") -> "EventView":
        """An event as a list shows it."""
        return cls(**_head(delivered))


class EventWebhook(ResponseModel):
    """A webhook that an event goes to, and the state of that delivery."""

    webhook_id: str
    delivery_id: str
    state: EventDeliveryState


class EventDetail(ResponseModel):
    """A published event with its data. `webhooks` are there for a token that may read webhooks."""

    id: str
    event: str
    timestamp: Annotated[str, Field(description="The event's own time")]
    data: dict[str, Any]
    created_at: Annotated[str, Field(description="When it was published")]
    external_id: str | None = None
    warnings: list[WrongField] | None = None
    deliveries: EventDeliveries
    webhooks: list[EventWebhook] | None = None

    @classmethod
    def of(cls, delivered: "DeliveredEvent", *, with_webhooks: bool) -> "EventDetail":
        """An event as it is shown whole."""
        webhooks = [
            EventWebhook(webhook_id=delivery.webhook_id, delivery_id=delivery.id, state=delivery.state)
            for delivery in delivered.deliveries
        ]
        data = json.loads(delivered.event.data)
        return cls(**_head(delivered), data=data, webhooks=webhooks if with_webhooks else None)


def _head(delivered: "DeliveredEvent") -> dict[str, Any]:
    """What every view of an event shows."""
    event = delivered.event
    return {
        "id": event.id,
        "event": event.name,
        "timestamp": event.timestamp,
        "created_at": iso_millis(made_at(event.id)),
        "external_id": event.external_id,
        "warnings": WrongField.listed(event.warnings),
        "deliveries": EventDeliveries.of(delivered),
    }


class EventRefused(ResponseModel):
    """An event of a batch that was not taken."""

    error: Problem


class EventAnswer(ResponseModel):
    """The answer to one event."""

    success: Literal[True] = True
    data: EventTaken


class BatchAnswer(ResponseModel):
    """The answers to a batch, in its order; at least one event was taken."""

    success: Literal[True] = True
    data: list[EventTaken | EventRefused]


class BatchRefusal(ResponseModel):
    """The answer to a batch of which nothing was taken: a failure, with the reason for each event."""

    success: Literal[False] = False
    error: Problem
    data: list[EventRefused]
    request_id: str


class ReachedWebhook(ResponseModel):
    """Whether a webhook would get an event, and why; subscription and filter count before its state."""

    id: str
    name: str
    reached: bool
    reason: Reason


class Reach(ResponseModel):
    """What publishing an event would do; nothing is published or kept."""

    webhooks: list[ReachedWebhook]
    warnings: list[WrongField] | None = None

    @classmethod
    def of(cls, reasons: Sequence[tuple[Integration, Reason]], warnings: Sequence[Detail]) -> "Reach":
        """The webhooks with the reason of each, as they are answered."""
        webhooks = [
            ReachedWebhook(id=webhook.id, name=webhook.name, reached=reason == "subscribed", reason=reason)
            for webhook, reason in reasons
        ]
        return cls(webhooks=webhooks, warnings=WrongField.listed(warnings))


MAX_BATCH = 25


class PreviewEvent(RequestModel):
    """An event that is not published; it may be one of the service's own."""

    event: EventName
    data: CanonicalData
    id: ExternalId | None = None
    timestamp: Timestamp | None = None


class PublishEvent(PreviewEvent):
    """One event to publish."""

    event: TenantEventName


class PublishBatch(RequestModel):
    """Up to 25 events, each judged alone."""

    # Described here and validated one by one later, because a wrong one must not stop the others.
    events: Annotated[list[Annotated[PublishEvent, SkipValidation]], Field(min_length=1, max_length=MAX_BATCH)]


MAX_SCHEMA_BYTES = 16 * 1024


def _schema(value: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(value)) > MAX_SCHEMA_BYTES:
        raise ValueError(f"up to {MAX_SCHEMA_BYTES // 1024} KB as JSON")
    check_schema(value)
    return value


DataSchema = Annotated[
    dict[str, Any],
    AfterValidator(_schema),
    WithJsonSchema(
        {
            "type": "object",
            "additionalProperties": True,
            "description": "JSON Schema of an event's `data`, 2020-12 unless it says else",
        }
    ),
]


class EventTypePut(RequestModel):
    """An event type, whole: what is left out is removed."""

    name: TenantEventName
    description: Annotated[str, Field(max_length=MAX_DESCRIPTION)] | None = None
    data_schema: Annotated[DataSchema | None, Field(alias="schema")] = None
    mode: Annotated[
        Literal["off", "warn"], Field(description="warn: events that break the schema are taken and marked")
    ] = "off"

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


class EventTypeView(ResponseModel):
    """An event type."""

    name: str
    description: str | None = None
    data_schema: Annotated[dict[str, Any] | None, Field(alias="schema")] = None
    mode: Literal["off", "warn"]
    created_at: str
    updated_at: str

    @classmethod
    def of(cls, event_type: EventType) -> "EventTypeView":
        """An event type as it is shown."""
        return cls(
            name=event_type.name,
            description=event_type.description,
            data_schema=event_type.schema,
            mode=event_type.mode,
            created_at=iso_seconds(event_type.created_at),
            updated_at=iso_seconds(event_type.updated_at),
        )


class EventTypeDeleted(ResponseModel):
    """The name of the event type that was deleted."""

    name: str
    deleted: Literal[True] = True
