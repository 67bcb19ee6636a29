"""The queue and the schedule around dispatcher and sweeper, on a clock of their own: days pass in seconds.

SQS as it promises to be: DelaySeconds is honoured to the second, what its worker does not finish is visible again after
180 s, and messages come at least once. EventBridge: the sweeper runs once a minute; minutes in which its index holds
nothing due are skipped, because it would find nothing.
"""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.delivery.sweeper import LOOK_AHEAD_MS
from tests.support.deliveries import record

VISIBILITY_MS = 180_000
MINUTE_MS = 60_000
FOR_EVER = 1 << 60


@dataclass(order=True)
class Waiting:
    """A message in the queue, visible from `at` (ms)."""

    at: int
    message_id: str
    body: str = field(compare=False)
    received: int = field(default=0, compare=False)


class Service:
    """Runs `dispatch(records)`, which gives the ids that come back or None when the worker died, and `sweep()`, if any.

    Both read the time at `now`. After each, `sent()` gives what they put into the queue: (body, DelaySeconds).
    """

    def __init__(
        self,
        now: int,
        *,
        dispatch: Callable[[list[dict[str, Any]]], Iterable[str] | None],
        sweep: Callable[[], object] | None = None,
        sent: Callable[[], Iterable[tuple[str, int]]],
        twice: Callable[[], bool] = lambda: False,
        batch: int = 1,
        visibility_ms: int = VISIBILITY_MS,
    ) -> None:
        self.now = now
        self.messages = self.sweeps = self.dispatches = 0
        self.dispatch, self._sweep, self._sent, self._twice, self._batch = dispatch, sweep, sent, twice, batch
        self._visibility_ms = visibility_ms
        self._waiting: list[Waiting] = []
        self._swept_at = 0

    def collect(self) -> None:
        """Takes over what was put into the queue."""
        for body, delay in self._sent():
            self.messages += 1
            heapq.heappush(self._waiting, Waiting(self.now + delay * 1000, f"message-{self.messages:06}", body))

    def run(self, until: int = FOR_EVER, steps: int = 2_000) -> None:
        """Until nothing waits, in the queue or in the index, or all else is after `until` (ms).

        Fails when that takes more than `steps`.
        """
        for _ in range(steps):
            self.collect()
            message_at = self._waiting[0].at if self._waiting else FOR_EVER
            sweep_at = self._next_sweep()
            if min(message_at, sweep_at) >= until:
                self.now = max(self.now, until) if until < FOR_EVER else self.now
                return
            if message_at <= sweep_at:
                self.now = max(self.now, message_at)
                self.hand_out()
            else:
                self.now = max(self.now, sweep_at)
                self.sweep()
        raise AssertionError("it never ends")

    def sweep(self) -> None:
        """One run of the sweeper, now."""
        self.sweeps += 1
        self._swept_at = self.now
        if self._sweep:
            self._sweep()
        self.collect()

    def hand_out(self) -> None:
        batch = []
        while self._waiting and self._waiting[0].at <= self.now and len(batch) < self._batch:
            batch.append(heapq.heappop(self._waiting))
        for message in batch:
            message.received += 1
            if self._twice():
                heapq.heappush(self._waiting, Waiting(self.now + 1, message.message_id, message.body, message.received))
        self.dispatches += 1
        back = self.dispatch([record(one.body, one.message_id, one.received) for one in batch])
        for message in batch:
            if back is None or message.message_id in back:
                message.at = self.now + self._visibility_ms
                heapq.heappush(self._waiting, message)

    def _next_sweep(self) -> int:
        due = first_due() if self._sweep else None
        if due is None:
            return FOR_EVER
        earliest = max(self.now, self._swept_at + 1, due - LOOK_AHEAD_MS)
        return -(-earliest // MINUTE_MS) * MINUTE_MS


def first_due() -> int | None:
    """When the first entry of the due index is due (ms)."""
    request = {"TableName": settings().events_table, "IndexName": "byDue"}
    pages = aws.dynamodb().get_paginator("scan").paginate(**request)
    return min((int(item["dueAt"]["N"]) for page in pages for item in page["Items"]), default=None)
