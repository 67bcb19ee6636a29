"""Statistics of a webhook: metrics of the last day and week, and the deliveries that wait."""

from collections import Counter
from dataclasses import dataclass

from jobsprint.core.clock import now_ms
from jobsprint.domain.deliveries import DeliveryState
from jobsprint.domain.delivery_stats import DeliveryMetrics, metrics_of
from jobsprint.domain.integrations import Integration
from jobsprint.repositories.delivery_lists import DeliveryLists
from jobsprint.repositories.delivery_stats import HOUR_MS, StatsStore
from jobsprint.repositories.integrations import IntegrationStore
from jobsprint.repositories.poll_queue import PollQueue

MAX_COUNTED = 1000
"""Waiting deliveries are counted up to here: a count reads every entry."""

_DAY, _WEEK = 24, 7 * 24


@dataclass(frozen=True)
class Window:
    """Metrics of the whole hours from `since` (Unix ms) until now."""

    since: int
    metrics: DeliveryMetrics


@dataclass(frozen=True)
class Waiting:
    """How many deliveries wait; `more` than `count` if so."""

    count: int
    more: bool


@dataclass(frozen=True)
class Stats:
    """Statistics of a webhook. `pending` deliveries wait for a first attempt, `retrying` ones for another."""

    day: Window
    week: Window
    hours: list[Window]
    """Each hour of the week that had an attempt, oldest first."""
    pending: Waiting
    retrying: Waiting


def of(tenant: str, webhook_id: str, now: int | None = None) -> Stats:
    """The stats of a webhook at `now` (ms). Raises NotFound."""
    webhook = IntegrationStore(tenant).webhook(webhook_id)
    hour = (now_ms() if now is None else now) // HOUR_MS
    hours = StatsStore(tenant).hours(webhook_id, hour - _WEEK + 1)

    def window(length: int) -> Window:
        first = hour - length + 1
        total: Counter[str] = Counter()
        for number, counts in hours.items():
            if number >= first:
                total.update(counts)
        return Window(first * HOUR_MS, metrics_of(total))

    def waiting(state: DeliveryState) -> Waiting:
        return Waiting(*DeliveryLists(tenant).count_listed(webhook_id, state, MAX_COUNTED))

    retrying = waiting("retrying")
    pending = _never_acknowledged(webhook, retrying) if webhook.is_polling else waiting("pending")
    single = [Window(number * HOUR_MS, metrics_of(counts)) for number, counts in sorted(hours.items())]
    return Stats(window(_DAY), window(_WEEK), single, pending, retrying)


def _never_acknowledged(webhook: Integration, retrying: Waiting) -> Waiting:
    """What waits at a polling endpoint for its first attempt, or is at it."""
    count, more = PollQueue(webhook.tenant, webhook.id).count(MAX_COUNTED)
    return Waiting(max(0, count - retrying.count), more)
