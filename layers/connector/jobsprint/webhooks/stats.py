"""How a webhook does: figures over the last day and week, and what waits."""

from collections import Counter
from dataclasses import dataclass

from jobsprint.core.clock import now_ms
from jobsprint.domain.deliveries import DeliveryState
from jobsprint.domain.delivery_stats import Figures, figures
from jobsprint.repositories.deliveries import DeliveryStore
from jobsprint.repositories.delivery_stats import HOUR_MS, StatsStore
from jobsprint.repositories.integrations import IntegrationStore

MOST_COUNTED = 1000
"""Waiting deliveries are counted up to here: a count reads every entry."""

_DAY, _WEEK = 24, 7 * 24


@dataclass(frozen=True)
class Window:
    """Figures of the whole hours from `since` (Unix ms) until now."""

    since: int
    figures: Figures


@dataclass(frozen=True)
class Waiting:
    """How many deliveries wait; `more` than `count` if so."""

    count: int
    more: bool


@dataclass(frozen=True)
class Stats:
    """How a webhook does. `pending` ones wait for a first attempt, `retrying` ones for another."""

    day: Window
    week: Window
    pending: Waiting
    retrying: Waiting


def of(tenant: str, webhook_id: str, now: int | None = None) -> Stats:
    """The stats of a webhook at `now` (ms). Raises NotFound."""
    IntegrationStore(tenant).webhook(webhook_id)
    hour = (now_ms() if now is None else now) // HOUR_MS
    hours = StatsStore(tenant).hours(webhook_id, hour - _WEEK + 1)

    def window(length: int) -> Window:
        first = hour - length + 1
        total: Counter[str] = Counter()
        for number, counts in hours.items():
            if number >= first:
                total.update(counts)
        return Window(first * HOUR_MS, figures(total))

    def waiting(state: DeliveryState) -> Waiting:
        return Waiting(*DeliveryStore(tenant).count_listed(webhook_id, state, MOST_COUNTED))

    return Stats(window(_DAY), window(_WEEK), waiting("pending"), waiting("retrying"))
