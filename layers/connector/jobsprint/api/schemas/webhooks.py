"""Requests and answers of the operations on webhooks."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, WithJsonSchema
from pydantic_core import InitErrorDetails, PydanticCustomError

from jobsprint.connectors.fields import Events, Headers, Name, Secret, Url, target_details
from jobsprint.core.clock import iso_seconds, iso_seconds_or_none
from jobsprint.core.errors import Detail, InvalidFields, wrong_fields
from jobsprint.core.models import SECRET, RequestModel, ResponseModel, Time, validate
from jobsprint.core.redaction import MASK
from jobsprint.delivery import subscriptions
from jobsprint.domain import event_patterns, integrations
from jobsprint.domain.events import EventName
from jobsprint.domain.integrations import DeliveryPolicy, Integration

if TYPE_CHECKING:
    from jobsprint.domain.delivery_stats import DeliveryMetrics
    from jobsprint.webhooks.service import Rotated
    from jobsprint.webhooks.stats import Stats, Window


def _bounded_schedule(schedule: list[int]) -> list[int]:
    integrations.check_schedule(schedule)
    return schedule


RetrySchedule = Annotated[
    list[Annotated[int, Field(ge=0, le=integrations.MAX_RETRY_WAIT_SECONDS)]],
    Field(
        min_length=1,
        max_length=integrations.MAX_TRIES,
        description="Seconds to wait before each attempt, the first one (at most 900) included, 14 days together; "
        "without it the service's own holds",
    ),
    AfterValidator(_bounded_schedule),
]
RateLimit = Annotated[
    int,
    Field(ge=1, le=integrations.MAX_RATE, description="Most deliveries per second; what is over it waits"),
]


def _flaw(flaw: event_patterns.Flaw) -> InitErrorDetails:
    return {
        "type": PydanticCustomError("value_error", "{reason}", {"reason": flaw.reason}),
        "loc": flaw.where,
        "input": None,
    }


def _pattern(value: dict[str, Any]) -> dict[str, Any]:
    try:
        event_patterns.Pattern.of(value, subscriptions.DOCUMENT_FIELDS)
    except event_patterns.PatternError as error:
        # Each flaw is named by its own path.
        raise ValidationError.from_exception_data("filter", [_flaw(flaw) for flaw in error.flaws]) from None
    return value


Filter = Annotated[
    dict[str, Any],
    AfterValidator(_pattern),
    WithJsonSchema(
        {
            "type": "object",
            "additionalProperties": True,
            "description": "An event pattern in EventBridge's syntax over `event`, `timestamp` and `data`;"
            " the webhook gets only the events that match",
        }
    ),
]


class WebhookView(ResponseModel):
    """A webhook; its secret stands only in the answer to its creation."""

    id: Annotated[str, Field(description="`wh_…`")]
    type: Annotated[
        Literal["polling", "mcp"] | None,
        Field(
            description="`polling` where clients poll for its events, `mcp` for that of an MCP client; else left out"
        ),
    ] = None
    name: Annotated[str, Field(description="What people call it")]
    url: Annotated[
        str | None,
        Field(description="Where events are sent; what looks like a credential is masked. A polling endpoint has none"),
    ] = None
    events: Annotated[list[str], Field(description="The events and families it gets")]
    headers: Annotated[
        dict[str, str] | None, Field(description="The names of its own headers, their values masked")
    ] = None
    secret: Annotated[
        str | None, Field(description="The signing secret, in the answer to the creation only"), SECRET
    ] = None
    active: Annotated[bool, Field(description="Whether it gets events; false while it is paused or disabled")]
    disabled_reason: Annotated[str | None, Field(description="Why it is not active")] = None
    retry_schedule: Annotated[
        list[int] | None,
        Field(description="Seconds to wait before each attempt; left out where the service's own schedule holds"),
    ] = None
    rate_limit: Annotated[int | None, Field(description="Most deliveries per second")] = None
    filter: Annotated[dict[str, Any] | None, Field(description="The event pattern that events must match")] = None
    expires_in: Annotated[
        int | None, Field(description="After how many seconds without a poll a polling endpoint is removed")
    ] = None
    expires_at: Annotated[
        Time | None, Field(description="When the subscription of an MCP client ends unless it is refreshed")
    ] = None
    last_polled_at: Annotated[
        Time | None, Field(description="When a client last polled; left out where none ever did")
    ] = None
    created_at: Annotated[Time, Field(description="When it was created")]

    @classmethod
    def of(cls, webhook: Integration, *, secret: str | None = None, last_polled: int | None = None) -> "WebhookView":
        """A webhook as it is shown: what looks like a credential in the URL is masked, header values always are.

        `last_polled` (ms) is when a client last polled it, where it is a polling endpoint.
        """
        policy = webhook.policy
        return cls(
            id=webhook.id,
            type="polling" if webhook.is_polling else "mcp" if webhook.is_mcp else None,
            name=webhook.name,
            url=None if policy.polling else webhook.shown_url,
            events=list(webhook.events),
            headers=dict.fromkeys(webhook.header_names, MASK) or None,
            secret=secret,
            active=webhook.status == "connected",
            disabled_reason=webhook.status_reason,
            retry_schedule=None if policy.retry_schedule is None else list(policy.retry_schedule),
            rate_limit=policy.rate_limit,
            filter=policy.filter,
            expires_in=policy.expires_in,
            expires_at=iso_seconds_or_none(policy.subscription.expires_at if policy.subscription else None),
            last_polled_at=iso_seconds_or_none(last_polled),
            created_at=iso_seconds(webhook.created_at),
        )


class PreviousSecret(ResponseModel):
    """A secret that signs too for a while."""

    expires_at: Annotated[Time, Field(description="Until when it signs")]


class RotatedSecret(ResponseModel):
    """A webhook's new signing secret, shown this once, and the old ones that still sign, newest first."""

    id: Annotated[str, Field(description="The webhook's id")]
    secret: Annotated[str, Field(description="The new signing secret"), SECRET]
    overlap_until: Annotated[Time | None, Field(description="When the secret before this one ends")] = None
    previous_secrets: Annotated[
        list[PreviousSecret], Field(description="The old secrets that still sign, newest first")
    ]

    @classmethod
    def of(cls, rotated: "Rotated") -> "RotatedSecret":
        """The outcome of a rotation as it is shown."""
        ends = [iso_seconds(end) for end in rotated.ends]
        return cls(
            id=rotated.webhook.id,
            secret=rotated.secret,
            overlap_until=ends[0] if ends else None,
            previous_secrets=[PreviousSecret(expires_at=end) for end in ends],
        )


_TYPE = "`webhook`, the default: events are sent to `url`. `polling`: they wait until a client polls for them"


def target_flaws(body: Mapping[str, object]) -> tuple[Detail, ...]:
    """What speaks against calling the `url` of a webhook's body, which asks the name servers."""
    return target_details(body.get("url"))


class WebhookCreate(RequestModel):
    """A subscription; a missing secret is made."""

    type: Annotated[Literal["webhook"], Field(description=_TYPE)] = "webhook"
    name: Annotated[Name, Field(description="What people call it")]
    url: Annotated[Url, Field(description="Where to send events: HTTPS, and no private address")]
    events: Annotated[
        Events, Field(description="Names such as `workflow.executed`, families such as `workflow.*`, or `*`")
    ]
    headers: Annotated[Headers | None, Field(description="Sent with every delivery")] = None
    secret: Annotated[Secret | None, Field(description="The signing secret; made where it is left out")] = None
    retry_schedule: RetrySchedule | None = None
    rate_limit: RateLimit | None = None
    filter: Filter | None = None

    def target(self) -> dict[str, object]:
        """Where to deliver which events, as far as it is given."""
        return self.model_dump(include={"url", "events", "headers", "secret"}, exclude_none=True)

    def policy(self) -> DeliveryPolicy:
        """How its deliveries are wanted."""
        schedule = None if self.retry_schedule is None else tuple(self.retry_schedule)
        return DeliveryPolicy(schedule, self.rate_limit, self.filter)


class PollingEndpointCreate(RequestModel):
    """A subscription whose events wait until a client polls for them; a missing secret is made."""

    type: Annotated[Literal["polling"], Field(description=_TYPE)]
    name: Annotated[Name, Field(description="What people call it")]
    events: Annotated[
        Events, Field(description="Names such as `workflow.executed`, families such as `workflow.*`, or `*`")
    ]
    secret: Annotated[Secret | None, Field(description="The signing secret; made where it is left out")] = None
    retry_schedule: RetrySchedule | None = None
    filter: Filter | None = None
    expires_in: Annotated[
        Annotated[int, Field(ge=integrations.MIN_EXPIRES_IN, le=integrations.MAX_EXPIRES_IN)] | None,
        Field(
            description="A polling endpoint is removed once nobody has polled for so many seconds; without it, never"
        ),
    ] = None

    def target(self) -> dict[str, object]:
        """Which events it gets, and its secret."""
        return self.model_dump(include={"events", "secret"}, exclude_none=True)

    def policy(self) -> DeliveryPolicy:
        """How its deliveries are wanted."""
        schedule = None if self.retry_schedule is None else tuple(self.retry_schedule)
        return DeliveryPolicy(schedule, filter=self.filter, polling=True, expires_in=self.expires_in)


def creation(body: Mapping[str, object]) -> WebhookCreate | PollingEndpointCreate:
    """The body that creates a webhook, by its `type`. Raises InvalidFields with every wrong field."""
    kind = body.get("type", "webhook")
    if kind == "polling":
        wrong = [Detail(f"body.{name}", why) for name, why in integrations.NOT_POLLING.items() if name in body]
        rest = {name: value for name, value in body.items() if name not in integrations.NOT_POLLING}
        endpoint = validate(PollingEndpointCreate, rest, also=lambda: wrong)
        if wrong:
            raise wrong_fields(wrong)
        return endpoint
    if kind != "webhook":
        raise InvalidFields.one("body.type", "send webhook or polling")
    return validate(WebhookCreate, body, also=lambda: target_flaws(body))


class WebhookChange(RequestModel):
    """What to change of a webhook; `active: false` pauses it."""

    name: Annotated[Name | None, Field(description="What people call it")] = None
    url: Annotated[Url | None, Field(description="Where to send events; another host needs the headers again")] = None
    events: Annotated[Events | None, Field(description="Replaces the events it gets")] = None
    headers: Annotated[Headers | None, Field(description="Replaces its headers; `{}` removes them")] = None
    active: Annotated[bool | None, Field(description="false pauses it, true lets it go on")] = None
    retry_schedule: RetrySchedule | None = None
    rate_limit: RateLimit | None = None
    filter: Filter | None = None

    def target(self) -> dict[str, object]:
        """Where to deliver which events, as far as it is to change."""
        return self.model_dump(include={"url", "events", "headers"}, exclude_none=True)

    def policy(self) -> dict[str, Any]:
        """The fields of a DeliveryPolicy that are to change; a null takes the service's default again."""
        schedule = None if self.retry_schedule is None else tuple(self.retry_schedule)
        asked = {"retry_schedule": schedule, "rate_limit": self.rate_limit, "filter": self.filter}
        return {name: value for name, value in asked.items() if name in self.model_fields_set}


class SecretRotation(RequestModel):
    """A new signing secret; what was the newest signs too until the overlap has passed."""

    overlap_seconds: Annotated[
        Annotated[int, Field(ge=0, le=integrations.MAX_OVERLAP_SECONDS)] | None,
        Field(description=f"How long the old secret signs too; {integrations.OVERLAP_SECONDS} by default"),
    ] = None
    revoke_now: Annotated[bool, Field(description="Ends every old secret at once, like an overlap of 0")] = False
    secret: Annotated[Secret | None, Field(description="The new secret; without one it is made")] = None

    def overlap(self) -> int:
        """The overlap in seconds. Raises InvalidFields where the two fields contradict each other."""
        if self.revoke_now and self.overlap_seconds:
            raise InvalidFields.one("body.revokeNow", "it leaves no overlap: send this or overlapSeconds")
        if self.revoke_now:
            return 0
        return integrations.OVERLAP_SECONDS if self.overlap_seconds is None else self.overlap_seconds


class SampleRequest(RequestModel):
    """Which event to send a sample of."""

    event: Annotated[EventName, Field(description="The event to send a sample of")] = "ping"


class Durations(ResponseModel):
    """How long attempts took, in milliseconds."""

    p50: Annotated[int, Field(description="Half of the attempts took at most this long")]
    p95: Annotated[int, Field(description="95 of 100 attempts took at most this long")]

    @classmethod
    def of(cls, said: "DeliveryMetrics") -> "Durations | None":
        """How long attempts took; None where none has ended."""
        return None if said.p50 is None or said.p95 is None else cls(p50=said.p50, p95=said.p95)


class StatsWindow(ResponseModel):
    """Attempts from `from` until now. `durations` is left out where none has ended."""

    since: Annotated[Time, Field(alias="from", description="When the window begins")]
    attempts: Annotated[int, Field(description="All attempts")]
    successful: Annotated[int, Field(description="Those that were answered with 2xx")]
    failed: Annotated[int, Field(description="All others")]
    success_rate: Annotated[float, Field(description="The share of attempts that succeeded, from 0 to 1")]
    durations: Annotated[Durations | None, Field(description="How long the attempts took")] = None
    code_classes: Annotated[dict[str, int], Field(description="Attempts by the class of the answer's status")]
    failures: Annotated[dict[str, int], Field(description="Failed attempts by kind of failure")]

    @classmethod
    def of(cls, window: "Window") -> "StatsWindow":
        """The attempts of a window as they are shown."""
        said = window.metrics
        return cls(
            since=iso_seconds(window.since),
            attempts=said.successful + said.failed,
            successful=said.successful,
            failed=said.failed,
            success_rate=float(said.success_rate),
            durations=Durations.of(said),
            code_classes=dict(said.code_classes),
            failures=dict(said.failures),
        )


class StatsHour(ResponseModel):
    """The attempts of an hour. `durations` is left out where none has ended."""

    since: Annotated[str, Field(alias="from", description="When the hour begins")]
    attempts: Annotated[int, Field(description="All attempts")]
    failed: Annotated[int, Field(description="Those that were not answered with 2xx")]
    durations: Annotated[Durations | None, Field(description="How long the attempts took")] = None

    @classmethod
    def of(cls, hour: "Window") -> "StatsHour":
        """The attempts of an hour as they are shown."""
        said = hour.metrics
        return cls(
            since=iso_seconds(hour.since),
            attempts=said.successful + said.failed,
            failed=said.failed,
            durations=Durations.of(said),
        )


class WaitingCount(ResponseModel):
    """How many deliveries wait: exactly `count`, or more."""

    count: Annotated[int, Field(description="How many wait, at least")]
    more: Annotated[bool, Field(description="Whether there are more")]


class WebhookStats(ResponseModel):
    """How a webhook does."""

    id: Annotated[str, Field(description="The webhook's id")]
    last_24_hours: Annotated[StatsWindow, Field(alias="last24Hours", description="The attempts of the last 24 hours")]
    last_7_days: Annotated[StatsWindow, Field(alias="last7Days", description="The attempts of the last seven days")]
    hours: Annotated[
        list[StatsHour], Field(description="Each hour of the last seven days that had an attempt, oldest first")
    ]
    pending: Annotated[WaitingCount, Field(description="Deliveries that wait for their first attempt")]
    retrying: Annotated[WaitingCount, Field(description="Deliveries that wait for another attempt")]

    @classmethod
    def of(cls, webhook_id: str, stats: "Stats") -> "WebhookStats":
        """A webhook's figures as they are shown."""
        return cls(
            id=webhook_id,
            last_24_hours=StatsWindow.of(stats.day),
            last_7_days=StatsWindow.of(stats.week),
            hours=[StatsHour.of(hour) for hour in stats.hours],
            pending=WaitingCount(count=stats.pending.count, more=stats.pending.more),
            retrying=WaitingCount(count=stats.retrying.count, more=stats.retrying.more),
        )
