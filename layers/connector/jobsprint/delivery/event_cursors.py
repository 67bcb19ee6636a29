"""Positions in a tenant's kept events, for MCP clients: polling from one on, and sending again what came after it.

A position is the id of an event, or a text of that form which stands for a time: ids sort by the time of publishing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from jobsprint.core.config import settings
from jobsprint.core.ids import first_at, is_id, made_at
from jobsprint.delivery import publisher, queue
from jobsprint.delivery.subscriptions import Routed
from jobsprint.domain.event_patterns import Exhausted, Pattern
from jobsprint.domain.events import Event, EventFilter
from jobsprint.domain.integrations import Integration
from jobsprint.repositories.event_lists import EventLists
from jobsprint.repositories.events import event_key
from jobsprint.repositories.replay_candidates import ReplayCandidates

SETTLE_MS = 5_000
"""How old an event is before a poll shows it: until then, one with a smaller id may still be on its way into the
table."""

MAX_REPLAYED = 1_000
MAX_BATCH_BYTES = 2 * 1024 * 1024
"""Of data in a batch, but for its first event: an answer may have 6 MB."""

_READ = 200
_CHUNK = 100  # events whose data is read at once
_DAY_MS = 86_400_000
_FIRST, _LAST = "0" * 16, "z" * 16


@dataclass(frozen=True)
class Start:
    """Where to begin: behind a position, and with nothing older than `max_age_ms`."""

    cursor: str
    max_age_ms: int | None = None

    def earliest(self, now: int) -> int:
        """The time (Unix ms) from which on events are wanted and kept, at `now` (ms)."""
        ages = (settings().log_retention_days * _DAY_MS, self.max_age_ms)
        return max(made_at(self.cursor), now - min(age for age in ages if age is not None))

    def misses(self, now: int) -> bool:
        """Whether events after the position are not kept any more, or too old, at `now` (ms)."""
        return self.earliest(now) > made_at(self.cursor)


@dataclass(frozen=True)
class Batch:
    """Events with their data, oldest first, the position behind them, and whether there is more or something is
    missing."""

    events: list[Event]
    cursor: str
    has_more: bool = False
    truncated: bool = False


def is_cursor(text: str) -> bool:
    """Whether a text has the form of a position."""
    return is_id(text, "evt")


def at(ms: int) -> str:
    """The position before everything published from `ms` (Unix ms) on."""
    return f"evt_{first_at(ms)}{_FIRST}"


def poll(tenant: str, start: Start, name: str, pattern: Pattern | None, *, limit: int, now: int) -> Batch:
    """The next events of that name that match, at most `limit` and `MAX_BATCH_BYTES`; `now` in ms."""
    low, high = start.earliest(now), now - SETTLE_MS
    truncated = start.misses(now)
    if high < low:
        return Batch([], start.cursor, truncated=truncated)
    more = False
    while True:
        found, position = _newest(tenant, name, low, high, _READ)
        if position is None or high == low:
            break
        # The page has the newest: look at the earlier half alone.
        more, high = True, low + (high - low) // 2
    waiting = [event for event in reversed(found) if event.id > start.cursor]
    chosen: list[Event] = []
    size, cursor = 0, start.cursor
    for event, matches in _matched(tenant, waiting, pattern, now):
        if matches:
            size += len(event.data.encode())
            if chosen and (size > MAX_BATCH_BYTES or len(chosen) == limit):
                return Batch(chosen, cursor, True, truncated)
            chosen.append(event)
        cursor = event.id
    return Batch(chosen, f"evt_{first_at(high)}{_LAST}", more, truncated)


def replay(webhook: Integration, start: Start, now: int) -> bool:
    """Send the kept events behind a position to a webhook that subscribes to one name; whether some are missing.

    Of more than MAX_REPLAYED, the newest. One that was delivered already is not delivered again.
    """
    [name] = webhook.events
    found, position = _newest(webhook.tenant, name, start.earliest(now), now, MAX_REPLAYED)
    waiting = [event for event in reversed(found) if event.id > start.cursor]
    pattern = Pattern.of(webhook.policy.filter) if webhook.policy.filter else None
    matching = (event for event, matches in _matched(webhook.tenant, waiting, pattern, now) if matches)
    while chunk := list(islice(matching, _CHUNK)):
        queue.send_all([publisher.first_task(event, webhook.id, 0) for event in chunk], now)
    return position is not None or start.misses(now)


def _newest(tenant: str, name: str, low: int, high: int, most: int) -> tuple[list[Event], str | None]:
    """Events published from `low` to `high` (ms, both included), newest first, and a position if there are more."""
    found: list[Event] = []
    position: str | None = None
    while True:
        events, position = EventLists(tenant).page(
            EventFilter(name, low, high), limit=most - len(found), position=position, now=high
        )
        found += events
        if position is None or not events or len(found) >= most:
            return found, position


def _matched(tenant: str, events: Sequence[Event], pattern: Pattern | None, now: int) -> Iterator[tuple[Event, bool]]:
    """Each event with its data, and whether it matches; without those that are not stored any more."""
    for first in range(0, len(events), _CHUNK):
        chunk = events[first : first + _CHUNK]
        stored = ReplayCandidates(tenant).stored(map(event_key, chunk), now)
        whole: Iterable[Event] = (stored[key].event for key in map(event_key, chunk) if key in stored)
        yield from ((event, _matches(event, pattern)) for event in whole)


def _matches(event: Event, pattern: Pattern | None) -> bool:
    try:
        return pattern is None or pattern.matches(Routed(event).document)
    except Exhausted:
        return True  # as at publishing: none is lost
