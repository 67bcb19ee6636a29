"""What the figures of a webhook show."""

from typing import TYPE_CHECKING, Annotated, NotRequired

from typing_extensions import TypedDict

from jobsprint.api.envelope import without_absent
from jobsprint.domain.inputs import Described
from jobsprint.domain.times import iso_seconds

if TYPE_CHECKING:
    from jobsprint.integrations.webhook_stats import Stats, Window


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
    said = window.figures
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
