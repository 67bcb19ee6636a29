"""The sweeper: every minute, enqueues the attempts in the due index that are due soon.

It serves waits of over 15 minutes, which SQS cannot delay, and is the safety net of shorter ones: of a next attempt
that was never enqueued, and of a worker that crashed and whose message is lost. An attempt is enqueued before its
`dueAt` is moved: a crash in between enqueues it twice, and its claim lets one through. Each time an attempt is
re-enqueued it gets more time, and while the queue itself is late none is re-enqueued, so a backlog is never amplified.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from jobsprint.core import aws
from jobsprint.core.clock import now_ms
from jobsprint.core.observability import logger
from jobsprint.delivery import queue
from jobsprint.domain.deliveries import due_again_at
from jobsprint.repositories.delivery_items import DUE_SHARDS
from jobsprint.repositories.due_index import Due, DueShard

LOOK_AHEAD_MS = 120_000
"""Twice the rate, so that one run may fail and DelaySeconds still gives the exact second."""

RUN_MS = 40_000
"""After that nothing new is begun; the next run goes on."""

LEASE_MS = 55_000
"""Longer than the function may run (50 s), shorter than the rate: a shard of a crashed run is free for the next one."""

LATE_MESSAGES = 1_000
"""With more messages waiting, the queue may only be late. The dispatcher (100 batches of ten at a time, 30 s at the
worst) works as many as this within 30 s, and the shortest re-enqueue delay is five minutes."""

PAGE = 250
_WORKERS = 16


class NotSwept(Exception):
    """Shards could not be swept; the next run tries them again."""


@dataclass
class Swept:
    """What a run did: attempts enqueued, and those held back because the queue is late."""

    enqueued: int = 0
    held: int = 0


def sweep(clock: Callable[[], int] = now_ms) -> Swept:
    """Sweep every shard once; `clock` gives Unix ms. Raises NotSwept when some could not be, after all others were."""
    return _Sweep(clock).run()


class _Sweep:
    """One run over all shards, each in a thread."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._ends = clock() + RUN_MS
        self._holder = os.urandom(8).hex()
        self._late: bool | None = None

    def run(self) -> Swept:
        """Sweep every shard."""
        # Clients are made here: doing so in several threads at once is not safe.
        aws.dynamodb()
        aws.sqs()
        with ThreadPoolExecutor(_WORKERS) as workers:
            done = list(workers.map(self._shard, range(DUE_SHARDS)))
        total = Swept(sum(one.enqueued for one in done if one), sum(one.held for one in done if one))
        logger.info("swept", extra={"enqueued": total.enqueued, "held": total.held})
        if None in done:
            raise NotSwept(f"{done.count(None)} of {DUE_SHARDS} shards")
        return total

    def _shard(self, number: int) -> Swept | None:
        """Sweep one shard; None when it could not be."""
        try:
            shard = DueShard(number, self._holder)
            found, _ = shard.page(self._clock() + LOOK_AHEAD_MS, 1)
            # Nothing due costs one read and no lease.
            if not found or not shard.take(self._clock(), self._clock() + LEASE_MS):
                return Swept()
            try:
                return self._sweep(shard)
            finally:
                shard.give_back()
        except Exception:  # noqa: BLE001 - one shard's failure must not touch the others
            logger.exception("shard_not_swept", extra={"shard": number})
            return None

    def _sweep(self, shard: DueShard) -> Swept:
        swept = Swept()
        position = None
        while self._clock() < self._ends:
            found, position = shard.page(self._clock() + LOOK_AHEAD_MS, PAGE, position)
            ready = [due for due in found if not due.sweeps or not self._queue_is_late()]
            swept.held += len(found) - len(ready)
            swept.enqueued += self._enqueue(shard, ready)
            if position is None:
                break
        return swept

    def _enqueue(self, shard: DueShard, ready: Sequence[Due]) -> int:
        """Enqueue what is ready, ten at a time, as long as there is time; how many there were."""
        done = 0
        for start in range(0, len(ready), queue.BATCH):
            now = self._clock()
            if now >= self._ends:
                break
            batch = ready[start : start + queue.BATCH]
            queue.send_all([due.task for due in batch], now)
            for due in batch:
                shard.postpone(due, due_again_at(due.due_at, due.sweeps, now))
            done += len(batch)
        return done

    def _queue_is_late(self) -> bool:
        """Looked up once a run, and only where an attempt was enqueued before."""
        if self._late is None:
            self._late = queue.visible() > LATE_MESSAGES
        return self._late
