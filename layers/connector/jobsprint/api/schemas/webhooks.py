"""What the operations on webhooks show."""

from typing import TYPE_CHECKING, Annotated, Any, NotRequired

from msgspec import UNSET, UnsetType
from typing_extensions import TypedDict

from jobsprint.api.schemas.common import without_absent
from jobsprint.connectors.fields import Events, Headers, Name, Secret, Url
from jobsprint.core.clock import iso_seconds
from jobsprint.core.errors import InvalidFields
from jobsprint.core.redaction import MASK
from jobsprint.delivery import subscriptions
from jobsprint.domain import event_patterns, integrations
from jobsprint.domain.events import EventName
from jobsprint.domain.inputs import Between, Check, Described, Input, Length, Shown
from jobsprint.domain.integrations import DeliveryPolicy, Integration

if TYPE_CHECKING:
    from jobsprint.webhooks.service import Rotated  # brings `cryptography`, which most operations never need


def _bounded_schedule(schedule: list[int]) -> list[int]:
    integrations.check_schedule(schedule)
    return schedule


RetrySchedule = Annotated[
    list[Annotated[int, Between(0, integrations.MAX_RETRY_WAIT_SECONDS)]],
    Length(1, integrations.MAX_TRIES),
    Described(
        "Seconds to wait before each attempt, the first one (at most 900) included, 14 days together; "
        "without it the service's own holds",
    ),
    Check(_bounded_schedule),
]
RateLimit = Annotated[
    int, Between(1, integrations.MAX_RATE), Described("Most deliveries per second; what is over it waits")
]


def _complaint(flaw: event_patterns.Flaw) -> "InitErrorDetails":
    from pydantic_core import PydanticCustomError

    kind = PydanticCustomError("pattern", "{reason}", {"reason": flaw.reason})
    return {"type": kind, "loc": flaw.where, "input": None}


def _pattern(value: dict[str, Any]) -> dict[str, Any]:
    try:
        event_patterns.Pattern.of(value, subscriptions.DOCUMENT_FIELDS)
    except event_patterns.PatternError as error:
        from pydantic_core import ValidationError

        # So that each flaw is named by its own path.
        raise ValidationError.from_exception_data("filter", [_complaint(flaw) for flaw in error.flaws]) from None
    return value


Filter = Annotated[
    dict[str, Any],
    Check(_pattern),
    Shown(
        {
            "type": "object",
            "description": "An event pattern in EventBridge's syntax over `event`, `timestamp` and `data`;"
            " the webhook gets only the events that match",
        }
    ),
]


class WebhookView(TypedDict):
    """A webhook; its secret stands only in the answer to its creation."""

    id: str
    name: str
    url: str
    events: list[str]
    headers: NotRequired[dict[str, str] | None]
    secret: NotRequired[str | None]
    active: bool
    disabledReason: NotRequired[str | None]
    retrySchedule: NotRequired[list[int] | None]
    rateLimit: NotRequired[int | None]
    filter: NotRequired[dict[str, Any] | None]
    createdAt: str


class PreviousSecret(TypedDict):
    """A secret that signs too for a while."""

    expiresAt: str


class RotatedSecret(TypedDict):
    """A webhook's new signing secret, shown this once, and the old ones that still sign, newest first."""

    id: str
    secret: str
    overlapUntil: NotRequired[Annotated[str | None, Described("When the secret before this one ends")]]
    previousSecrets: list[PreviousSecret]


def webhook_view(webhook: Integration, *, secret: str | None = None) -> WebhookView:
    """As the seed shows it. What looks like a credential in the URL is masked, header values always are."""
    policy = webhook.policy
    return without_absent(
        WebhookView(
            id=webhook.id,
            name=webhook.name,
            url=webhook.shown_url,
            events=list(webhook.events),
            headers=dict.fromkeys(webhook.header_names, MASK) or None,
            secret=secret,
            active=webhook.status == "connected",
            disabledReason=webhook.status_reason,
            retrySchedule=None if policy.retry_schedule is None else list(policy.retry_schedule),
            rateLimit=policy.rate_limit,
            filter=policy.filter,
            createdAt=iso_seconds(webhook.created_at),
        )
    )


def rotated_secret(rotated: "Rotated") -> RotatedSecret:
    """As it is answered."""
    ends = [iso_seconds(end) for end in rotated.ends]
    return without_absent(
        RotatedSecret(
            id=rotated.webhook.id,
            secret=rotated.secret,
            overlapUntil=ends[0] if ends else None,
            previousSecrets=[PreviousSecret(expiresAt=end) for end in ends],
        )
    )


class WebhookCreate(Input, frozen=True):
    """A subscription; a missing secret is made."""

    name: Name
    url: Url
    events: Events
    headers: Headers | None = None
    secret: Secret | None = None
    retrySchedule: RetrySchedule | None = None
    rateLimit: RateLimit | None = None
    filter: Filter | None = None

    def target(self) -> dict[str, object]:
        """Where to deliver what, as far as it is said."""
        said = {"url": self.url, "events": self.events, "headers": self.headers, "secret": self.secret}
        return {name: value for name, value in said.items() if value is not None}

    def policy(self) -> DeliveryPolicy:
        """How its deliveries are wanted."""
        schedule = None if self.retrySchedule is None else tuple(self.retrySchedule)
        return DeliveryPolicy(schedule, self.rateLimit, self.filter)


class WebhookChange(Input, frozen=True):
    """What to change of a webhook; `active: false` pauses it."""

    name: Name | None = None
    url: Url | None = None
    events: Events | None = None
    headers: Headers | None = None
    active: bool | None = None
    retrySchedule: RetrySchedule | UnsetType | None = UNSET
    rateLimit: RateLimit | UnsetType | None = UNSET
    filter: Filter | UnsetType | None = UNSET

    def target(self) -> dict[str, object]:
        """Where to deliver what, as far as it is to change."""
        said = {"url": self.url, "events": self.events, "headers": self.headers}
        return {name: value for name, value in said.items() if value is not None}

    def policy(self) -> dict[str, Any]:
        """The fields of a DeliveryPolicy that are to change; a null takes the service's default again."""
        schedule = tuple(self.retrySchedule) if isinstance(self.retrySchedule, list) else self.retrySchedule
        asked = {"retry_schedule": schedule, "rate_limit": self.rateLimit, "filter": self.filter}
        return {name: value for name, value in asked.items() if value is not UNSET}


if TYPE_CHECKING:
    from pydantic_core import InitErrorDetails


class SecretRotation(Input, frozen=True):
    """A new signing secret; what was the newest signs too until the overlap has passed."""

    overlapSeconds: Annotated[
        Annotated[int, Between(0, integrations.MAX_OVERLAP_SECONDS)] | None,
        Described(f"How long the old secret signs too; {integrations.OVERLAP_SECONDS} by default"),
    ] = None
    revokeNow: Annotated[bool, Described("Ends every old secret at once, like an overlap of 0")] = False
    secret: Annotated[Secret | None, Described("The new secret; without one it is made")] = None

    def overlap(self) -> int:
        """The overlap in seconds. Raises InvalidFields where the two fields contradict each other."""
        if self.revokeNow and self.overlapSeconds:
            raise InvalidFields.one("body.revokeNow", "it leaves no overlap: send this or overlapSeconds")
        if self.revokeNow:
            return 0
        return integrations.OVERLAP_SECONDS if self.overlapSeconds is None else self.overlapSeconds


class SampleRequest(Input, frozen=True):
    """Which event to send a sample of."""

    event: EventName = "ping"


if TYPE_CHECKING:
    from jobsprint.webhooks.stats import Stats, Window


class Durations(TypedDict):
    """How long attempts took, in milliseconds."""

    p50: int
    p95: int


# In this form because one of its names is a word of Python.
StatsWindow = TypedDict(
    "StatsWindow",
    {
        "from": str,
        "attempts": int,
        "successful": int,
        "failed": int,
        "successRate": float,
        "durations": NotRequired[Durations | None],
        "codeClasses": Annotated[dict[str, int], Described("Attempts by the class of the answer's status")],
        "failures": Annotated[dict[str, int], Described("Failed attempts by kind of failure")],
    },
)
StatsWindow.__doc__ = "Attempts from `from` until now. `durations` is left out where none has ended."


class WaitingCount(TypedDict):
    """How many deliveries wait: exactly `count`, or more."""

    count: int
    more: bool


class WebhookStats(TypedDict):
    """How a webhook does."""

    id: str
    last24Hours: StatsWindow
    last7Days: StatsWindow
    pending: WaitingCount
    retrying: WaitingCount


def webhook_stats_view(webhook_id: str, stats: "Stats") -> WebhookStats:
    """As it is shown."""
    return WebhookStats(
        id=webhook_id,
        last24Hours=_window(stats.day),
        last7Days=_window(stats.week),
        pending=WaitingCount(count=stats.pending.count, more=stats.pending.more),
        retrying=WaitingCount(count=stats.retrying.count, more=stats.retrying.more),
    )


def _window(window: "Window") -> StatsWindow:
    said = window.metrics
    seen = said.p50 is not None and said.p95 is not None
    return without_absent(
        StatsWindow(
            {
                "from": iso_seconds(window.since),
                "attempts": said.successful + said.failed,
                "successful": said.successful,
                "failed": said.failed,
                "successRate": float(said.success_rate),
                "durations": Durations(p50=said.p50 or 0, p95=said.p95 or 0) if seen else None,
                "codeClasses": dict(said.code_classes),
                "failures": dict(said.failures),
            }
        )
    )
