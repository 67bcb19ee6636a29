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
from jobsprint.core.models import PAYLOAD, RequestModel, ResponseModel, Time
from jobsprint.delivery.subscriptions import Reason
from jobsprint.domain.deliveries import EventDeliveryState
from jobsprint.domain.events import CanonicalData, EventName, EventType, ExternalId, TenantEventName, Timestamp
from jobsprint.domain.integrations import MAX_DESCRIPTION, Integration

if TYPE_CHECKING:
    from jobsprint.delivery.event_history import DeliveredEvent
    from jobsprint.delivery.publisher import Published


class EventTaken(ResponseModel):
    """An event that was taken, the number of webhooks it goes to, and where it breaks the schema of its type."""

    id: Annotated[str, Field(description="`evt_…`")]
    deliveries: Annotated[int, Field(description="How many webhooks it goes to")]
    external_id: Annotated[str | None, Field(description="The id that the caller gave it")] = None
    warnings: Annotated[list[WrongField] | None, Field(description="Where it breaks the schema of its event type")] = (
        None
    )

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

    total: Annotated[int, Field(description="All deliveries")]
    queued: Annotated[int, Field(description="Those that wait in the queue for their first attempt")]
    pending: Annotated[int, Field(description="Those that wait longer for their first attempt, or are at it")]
    retrying: Annotated[int, Field(description="Those that failed and are tried again")]
    delivered: Annotated[int, Field(description="Those that were answered with 2xx")]
    exhausted: Annotated[int, Field(description="Those that failed at every attempt")]
    discarded: Annotated[
        int, Field(description="Those that ended without another attempt, as their webhook takes no more")
    ]

    @classmethod
    def of(cls, delivered: "DeliveredEvent") -> "EventDeliveries":
        """The deliveries of an event as they are counted."""
        counts = Counter[str](delivery.state for delivery in delivered.deliveries)
        return cls(total=counts.total(), **{state: counts[state] for state in cls.model_fields if state != "total"})


class EventHead(ResponseModel):
    """The fields that every view of an event shows."""

    id: Annotated[str, Field(description="`evt_…`")]
    event: Annotated[str, Field(description="The event's name")]
    timestamp: Annotated[Time, Field(description="The event's own time")]
    created_at: Annotated[Time, Field(description="When it was published")]
    external_id: Annotated[str | None, Field(description="The id that its publisher gave it")] = None
    warnings: Annotated[
        list[WrongField] | None, Field(description="Where it breaks the schema of its event type"), PAYLOAD
    ] = None
    deliveries: Annotated[EventDeliveries, Field(description="Its deliveries by state")]


class EventView(EventHead):
    """A published event."""

    @classmethod
    def of(cls, delivered: "DeliveredEvent") -> "EventView":
        """An event as a list shows it."""
        return cls(**_head(delivered))


class EventWebhook(ResponseModel):
    """A webhook that an event goes to, and the state of that delivery."""

    webhook_id: Annotated[str, Field(description="`wh_…`")]
    delivery_id: Annotated[str, Field(description="`dlv_…`")]
    state: Annotated[EventDeliveryState, Field(description="How far the delivery got")]


class EventDetail(EventHead):
    """A published event with its data. `webhooks` are there for a token that may read webhooks."""

    data: Annotated[dict[str, Any], Field(description="Its data, as webhooks get it"), PAYLOAD]
    webhooks: Annotated[list[EventWebhook] | None, Field(description="The webhooks that it goes to")] = None

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

    error: Annotated[Problem, Field(description="Why it was not taken")]


class EventAnswer(ResponseModel):
    """The answer to one event."""

    success: Annotated[Literal[True], Field(description="Always true")] = True
    data: Annotated[EventTaken, Field(description="The event that was taken")]


class BatchAnswer(ResponseModel):
    """The answers to a batch, in its order; at least one event was taken."""

    success: Annotated[Literal[True], Field(description="Always true")] = True
    data: Annotated[
        list[EventTaken | EventRefused], Field(description="What each event gave, in the order of the request")
    ]


class BatchRefusal(ResponseModel):
    """The answer to a batch of which nothing was taken: a failure, with the reason for each event."""

    success: Annotated[Literal[False], Field(description="Always false")] = False
    error: Annotated[Problem, Field(description="Why nothing was taken")]
    data: Annotated[list[EventRefused], Field(description="The reason for each event, in the order of the request")]
    request_id: Annotated[str, Field(description="Names the request in the logs")]


class ReachedWebhook(ResponseModel):
    """Whether a webhook would get an event, and why; subscription and filter count before its state."""

    id: Annotated[str, Field(description="`wh_…`")]
    name: Annotated[str, Field(description="The webhook's name")]
    reached: Annotated[bool, Field(description="Whether it would get the event")]
    reason: Annotated[Reason, Field(description="Why, or why not")]


class Reach(ResponseModel):
    """What publishing an event would do; nothing is published or kept."""

    webhooks: Annotated[list[ReachedWebhook], Field(description="Every webhook")]
    warnings: Annotated[list[WrongField] | None, Field(description="Where the event breaks the schema of its type")] = (
        None
    )

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
    events: Annotated[
        list[Annotated[PublishEvent, SkipValidation]],
        Field(min_length=1, max_length=MAX_BATCH, description="The events, in the order of publishing"),
    ]


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
    description: Annotated[
        Annotated[str, Field(max_length=MAX_DESCRIPTION)] | None, Field(description="What the event means")
    ] = None
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

    name: Annotated[str, Field(description="The event's name")]
    description: Annotated[str | None, Field(description="What the event means")] = None
    data_schema: Annotated[
        dict[str, Any] | None, Field(alias="schema", description="JSON Schema of the event's `data`")
    ] = None
    mode: Annotated[
        Literal["off", "warn"], Field(description="`warn`: events that break the schema are taken and marked")
    ]
    created_at: Annotated[Time, Field(description="When it was first described")]
    updated_at: Annotated[Time, Field(description="When it was last changed")]

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

    name: Annotated[str, Field(description="The name of what was deleted")]
    deleted: Annotated[Literal[True], Field(description="Always true")] = True
