"""Recovering what a webhook did not get: what is asked for, how far it got, and at what pace it is sent. Pure.

A recovery works in steps. Each sends the page that the step before it planned, and plans the next one, so that a step
which is repeated after a crash finds the very same page.
"""

import math
from dataclasses import dataclass
from typing import Literal

from jobsprint.core.ids import made_at

RecoveryStatus = Literal["running", "done", "cancelled", "failed"]
LostState = Literal["failed", "missing"]
Phase = Literal["failed", "missing", "later", "named"]

DEFAULT_PER_SECOND = 50
MAX_PER_SECOND = 1000

STEP_SECONDS = 10
"""A step sends what the pace allows in this time, so a cancel holds from then on."""

MIN_PAGE, MAX_PAGE = 10, 1000

STALLED_MS = 2_700_000
"""A step this late has used up the queue's tries (5 of 6 minutes each): nobody works it any more."""

NAMED_SHARDS = 16


@dataclass(frozen=True)
class Wanted:
    """What is to be recovered: events published from `since` to `until` (Unix ms, both included).

    `events` are names and families, none for all. `states` are `failed` (deliveries that ended undelivered) and
    `missing` (events without a delivery). A dry run counts and sends nothing. `per_second` is the pace.
    """

    since: int
    until: int
    events: tuple[str, ...] = ()
    states: tuple[LostState, ...] = ("failed", "missing")
    dry_run: bool = False
    per_second: int = DEFAULT_PER_SECOND


@dataclass(frozen=True)
class Position:
    """Where the planning goes on: behind the sort key `after`, or at the beginning of the phase.

    `failed` goes over deliveries, `missing` over events that Jobsprint named, both in the order of publishing; `later`
    over events that were kept later than published, in the order of keeping; `named` over those that are in no order,
    as their callers named them or their ids are derived, one `shard` after the other.
    """

    phase: Phase
    shard: int = 0
    after: str = ""

    def to_text(self) -> str:
        """As it is stored."""
        return f"{self.phase}:{self.shard}:{self.after}"

    @classmethod
    def of(cls, text: str) -> "Position":
        """The position in a stored text."""
        phase, shard, after = text.split(":", 2)
        return cls(phase, int(shard), after)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Recovery:
    """A recovery of one webhook. Times are Unix milliseconds.

    `step` is the one to be worked next, due at `due_at`. It sends `page` (delivery ids, and event keys of what is
    missing) and plans on from `position`, None at the end. `matched` counts what was found, `sent` what was handed to
    the dispatcher; they differ by what was resent by hand or expired in between. `worker` is a word of
    whoever wrote the last step down. `reason` says why it ended early.
    """

    tenant: str
    id: str
    webhook_id: str
    wanted: Wanted
    status: RecoveryStatus
    created_at: int
    position: Position | None
    step: int = 0
    due_at: int = 0
    worker: str = ""
    page: tuple[str, ...] = ()
    matched: int = 0
    sent: int = 0
    finished_at: int | None = None
    reason: str | None = None

    def is_stalled(self, now: int) -> bool:
        """Whether it is running by its item only: its step was given up by the queue."""
        return self.status == "running" and self.due_at + STALLED_MS < now


def phases(states: tuple[LostState, ...]) -> tuple[Phase, ...]:
    """What is gone through for these states, in order."""
    failed: tuple[Phase, ...] = ("failed",) if "failed" in states else ()
    missing: tuple[Phase, ...] = ("missing", "later", "named") if "missing" in states else ()
    return failed + missing


def beginning(states: tuple[LostState, ...]) -> Position:
    """Where the planning begins."""
    return Position(phases(states)[0])


def following(position: Position, states: tuple[LostState, ...]) -> Position | None:
    """Where the planning goes on behind the end of a phase, or of one of its shards; None at the very end."""
    if position.phase == "named" and position.shard + 1 < NAMED_SHARDS:
        return Position("named", position.shard + 1)
    order = phases(states)
    later = order[order.index(position.phase) + 1 :]
    return Position(later[0]) if later else None


def page_size(per_second: int) -> int:
    """How many deliveries one step sends at most."""
    return min(max(per_second * STEP_SECONDS, MIN_PAGE), MAX_PAGE)


def wait_ms(place: int, per_second: int) -> int:
    """How long the delivery at that place of a page waits, so that a page goes out at the pace."""
    return place * 1000 // per_second


def pause_seconds(size: int, per_second: int) -> int:
    """How long the step after a page of that size waits, in whole seconds."""
    return math.ceil(size / per_second)


def progress(recovery: Recovery) -> int:
    """How far the planning got, in percent by time range and shards; 100 only when all is sent."""
    if recovery.status == "done":
        return 100
    order = phases(recovery.wanted.states)
    if recovery.position is None:
        return 99
    whole = order.index(recovery.position.phase) + _share(recovery.position, recovery.wanted)
    return min(99, int(100 * whole / len(order)))


def _share(position: Position, wanted: Wanted) -> float:
    if position.phase == "named":
        return position.shard / NAMED_SHARDS
    if not position.after or wanted.until <= wanted.since:
        return 0.0
    return min(1.0, max(0.0, (made_at(position.after) - wanted.since) / (wanted.until - wanted.since)))
