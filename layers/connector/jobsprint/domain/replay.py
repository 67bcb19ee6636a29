"""Replaying what a webhook did not get: the request, the progress of the job, and the rate of sending. Pure.

A replay job works in steps. Each sends the page that the previous step planned, and plans the next one, so a step that
is repeated after a crash finds the very same page. (The API calls a replay job a recovery.)
"""

import math
from dataclasses import dataclass
from typing import Literal

from jobsprint.core.ids import made_at

ReplayStatus = Literal["running", "done", "cancelled", "failed"]
UndeliveredState = Literal["failed", "missing"]
Phase = Literal["failed", "missing", "named"]

DEFAULT_PER_SECOND = 50
MAX_PER_SECOND = 1000

STEP_SECONDS = 10
"""A step sends as many deliveries as the rate allows in this time; a cancellation takes effect after it."""

MIN_PAGE, MAX_PAGE = 10, 1000

STALLED_MS = 2_700_000
"""A step this late has used up the queue's tries (5 of 6 minutes each): it is not worked any more."""

NAMED_SHARDS = 16


@dataclass(frozen=True)
class ReplayRequest:
    """What to replay: events published from `since` to `until` (Unix ms, both included).

    `events` are names and families, none for all. `states` are `failed` (deliveries that ended undelivered) and
    `missing` (events without a delivery). A dry run counts and sends nothing. `per_second` is the rate of sending.
    """

    since: int
    until: int
    events: tuple[str, ...] = ()
    states: tuple[UndeliveredState, ...] = ("failed", "missing")
    dry_run: bool = False
    per_second: int = DEFAULT_PER_SECOND


@dataclass(frozen=True)
class Position:
    """Where planning goes on: behind the sort key `after`, or at the beginning of the phase.

    `failed` goes over deliveries, `missing` over events whose ids the service made, both in the order of publishing;
    `named` over events whose ids their callers gave, which have no order, one `shard` after the other.
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
class ReplayJob:
    """A replay for one webhook. Times are Unix milliseconds.

    `step` is the one to be worked next, due at `due_at`. It sends `page` (delivery ids, and event keys of what is
    missing) and plans on from `position`, None at the end. `matched` counts what was found, `sent` what was
    enqueued; they differ by what was resent by hand or expired in between. `worker` identifies the worker that stored
    the last step. `reason` says why the job ended early.
    """

    tenant: str
    id: str
    webhook_id: str
    request: ReplayRequest
    status: ReplayStatus
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
        """Whether it is running by its item only: the queue has given up its step."""
        return self.status == "running" and self.due_at + STALLED_MS < now


def phases(states: tuple[UndeliveredState, ...]) -> tuple[Phase, ...]:
    """The phases of a replay of these states, in order."""
    failed: tuple[Phase, ...] = ("failed",) if "failed" in states else ()
    missing: tuple[Phase, ...] = ("missing", "named") if "missing" in states else ()
    return failed + missing


def beginning(states: tuple[UndeliveredState, ...]) -> Position:
    """Where planning begins."""
    return Position(phases(states)[0])


def following(position: Position, states: tuple[UndeliveredState, ...]) -> Position | None:
    """Where planning goes on behind the end of a phase, or of one of its shards; None at the very end."""
    if position.phase == "named" and position.shard + 1 < NAMED_SHARDS:
        return Position("named", position.shard + 1)
    order = phases(states)
    later = order[order.index(position.phase) + 1 :]
    return Position(later[0]) if later else None


def page_size(per_second: int) -> int:
    """How many deliveries one step sends at most."""
    return min(max(per_second * STEP_SECONDS, MIN_PAGE), MAX_PAGE)


def wait_ms(index: int, per_second: int) -> int:
    """How long the delivery at that index of a page waits, so that a page is sent at the rate."""
    return index * 1000 // per_second


def pause_seconds(size: int, per_second: int) -> int:
    """How long the step after a page of that size waits, in whole seconds."""
    return math.ceil(size / per_second)


def progress(job: ReplayJob) -> int:
    """How far planning got, in percent by time range and shards; 100 only when all is sent."""
    if job.status == "done":
        return 100
    order = phases(job.request.states)
    if job.position is None:
        return 99
    whole = order.index(job.position.phase) + _share(job.position, job.request)
    return min(99, int(100 * whole / len(order)))


def _share(position: Position, request: ReplayRequest) -> float:
    if position.phase == "named":
        return position.shard / NAMED_SHARDS
    if not position.after or request.until <= request.since:
        return 0.0
    return min(1.0, max(0.0, (made_at(position.after) - request.since) / (request.until - request.since)))
