"""Queue and retries around receivers that are dead, for days of virtual time: is what waits bounded, and when is it
gone?

Simulated: time, the queue (a message comes when its delay is over), the due index, and receivers that refuse every
connection until they come back, if they do. Real: every decision about what is sent when (`domain.endpoint_health`,
`domain.retry_policy`). Receivers that are well are left out: they wait for nothing, and isolation has a model of its
own (tests/support/isolation.py).
"""

import dataclasses
import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from jobsprint.domain import endpoint_health
from jobsprint.domain.deliveries import Attempt
from jobsprint.domain.endpoint_health import Report, Totals, Traffic
from jobsprint.domain.retry_policy import JITTER, verdict
from tools.bench.figures import Figure

SCHEDULE = (0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
"""The schedule that the service has unless told otherwise (template.yaml)."""

_HOUR_MS = 3_600_000
_TOOK_MS = 50


@dataclass(frozen=True)
class Load:
    """What is published to receivers of which 5 % are `dead`, each getting one event in `every_seconds` on average.

    They come back after `back_hours`, and are looked at for `hours`.
    """

    dead: int = 5
    every_seconds: float = 120.0
    hours: float = 168.0
    back_hours: float | None = None

    @property
    def per_second(self) -> float:
        """Events for dead receivers, together."""
        return self.dead / self.every_seconds


@dataclass
class Seen:
    """What came of it. `waiting` is how many deliveries waited at each full hour, `put_off` how often one was."""

    waiting: list[int] = field(default_factory=list)
    published: int = 0
    attempts: int = 0
    put_off: int = 0
    delivered: int = 0
    exhausted: int = 0
    discarded: int = 0
    disabled_hours: list[float] = field(default_factory=list)
    last_of_old_hours: float = 0.0

    @property
    def most(self) -> int:
        """The most that waited at a time."""
        return max(self.waiting)

    @property
    def done(self) -> int:
        """Deliveries that ended."""
        return self.delivered + self.exhausted + self.discarded


@dataclass
class _Receiver:
    """What the service knows of one webhook."""

    state: Traffic = field(default_factory=Traffic)
    totals: Totals = field(default_factory=lambda: Totals(0, 0))
    disabled: bool = False


def simulated(load: Load, seed: int = 1) -> Seen:
    """One run."""
    return _Model(load, seed).run()


class _Model:
    def __init__(self, load: Load, seed: int) -> None:
        self._load = load
        self._chance = random.Random(seed)
        self._numbers = itertools.count()
        self._events: list[tuple[int, int, Callable[[int], None]]] = []
        self._receivers = [_Receiver() for _ in range(load.dead)]
        self._seen = Seen()

    def run(self) -> Seen:
        for receiver in self._receivers:
            self._publish_later(receiver, 0)
        for hour in range(int(self._load.hours) + 1):
            self._at(hour * _HOUR_MS, self._look)
        end = self._load.hours * _HOUR_MS
        while self._events and self._events[0][0] <= end:
            at, _, happens = heapq.heappop(self._events)
            happens(at)
        return self._seen

    def _at(self, time: int, happens: Callable[[int], None]) -> None:
        heapq.heappush(self._events, (time, next(self._numbers), happens))

    def _look(self, _: int) -> None:
        self._seen.waiting.append(self._seen.published - self._seen.done)

    def _publish_later(self, receiver: _Receiver, now: int) -> None:
        wait = self._chance.expovariate(1 / self._load.every_seconds)

        def publish(at: int) -> None:
            if not receiver.disabled:  # nothing is published to a webhook that is disabled
                self._seen.published += 1
                self._come(receiver, at, 1, 0, at)
                self._publish_later(receiver, at)

        self._at(now + round(wait * 1000), publish)

    def _come(self, receiver: _Receiver, published: int, number: int, deferred: int, now: int) -> None:
        """A message comes out of the queue, as the dispatcher works it."""
        if receiver.disabled:
            self._seen.discarded += 1
            return
        token = None
        if not endpoint_health.is_calm(receiver.state, now):
            token = f"batch-{next(self._numbers)}"
            receiver.state, admission = endpoint_health.admit(receiver.state, 1, token, target=0, now=now)
            if not admission.go:
                self._seen.put_off += 1
                again_at = endpoint_health.come_again(
                    admission,
                    deferred=deferred,
                    openings=receiver.state.openings,
                    now=now,
                    fraction=self._chance.random(),
                )
                self._at(again_at, lambda at: self._come(receiver, published, number, deferred + 1, at))
                return
        self._at(now + _TOOK_MS, lambda at: self._answered(receiver, published, number, token, at))

    def _answered(self, receiver: _Receiver, published: int, number: int, token: str | None, now: int) -> None:
        self._seen.attempts += 1
        well = self._load.back_hours is not None and now >= self._load.back_hours * _HOUR_MS
        status, failure = ("success", None) if well else ("error", "connect")
        attempt = Attempt(number, status, now - _TOOK_MS, _TOOK_MS, failure=failure)  # type: ignore[arg-type]
        decision = verdict(attempt, None, schedule=SCHEDULE, base=0, now=now, fraction=self._chance.random())
        if decision.next_at is not None:
            self._at(decision.next_at, lambda at: self._come(receiver, published, number + 1, 0, at))
        elif well:
            self._seen.delivered += 1
            if published < (self._load.back_hours or 0) * _HOUR_MS:
                self._seen.last_of_old_hours = now / _HOUR_MS
        else:
            self._seen.exhausted += 1
        receiver.totals = Totals(receiver.totals.ok + well, receiver.totals.bad + (not well))
        if well and token is None:
            return
        report = Report(ok=int(well), bad=int(not well), token=token, totals=receiver.totals)
        receiver.state, hopeless = endpoint_health.judged(receiver.state, report, target=0, now=now)
        receiver.state = dataclasses.replace(receiver.state, untold=(), examples=())
        if hopeless:
            receiver.disabled = True
            self._seen.disabled_hours.append(now / _HOUR_MS)


QUIET = Load(dead=5, every_seconds=1200)
"""Too few attempts for the breaker, which wants ten within two minutes: the schedule alone says what happens."""

BUSY = Load(dead=1, every_seconds=30, hours=126)
"""The breaker opens, and from then on one delivery at a time probes."""


def figures(quiet: Load = QUIET, busy: Load = BUSY) -> list[Figure]:
    """Receivers that stay dead, and some that come back after a day."""
    rare, often = simulated(quiet), simulated(busy)
    by_schedule = quiet.per_second * _MEAN_LIFE_SECONDS
    by_disabling = busy.per_second * endpoint_health.DISABLE_AFTER_MS / 1000
    back = simulated(replace(busy, hours=36, back_hours=24))
    lost = sum(seen.published - seen.done - seen.waiting[-1] for seen in (rare, often, back))
    return [
        Figure(
            "most that waits for dead receivers",
            rare.most / by_schedule,
            "x",
            1.15,
            note=f"over rate x length of the schedule: {rare.most:,} at {_per_hour(quiet)}",
        ),
        Figure(
            "most that waits for one behind its breaker",
            often.most / by_disabling,
            "x",
            1.05,
            note=f"over rate x five days until it is disabled: {often.most:,} at {_per_hour(busy)}",
        ),
        Figure(
            "what waits for them in the end", rare.waiting[-1] + often.waiting[-1], "", 0, note=_disabled(rare, often)
        ),
        Figure("deliveries lost", lost, "", 0, note=f"of {rare.published + often.published + back.published:,}"),
        Figure(
            "attempts behind the breaker over the schedule's",
            often.attempts / (often.published * len(SCHEDULE)),
            "x",
            0.1,
            note=f"{often.attempts:,} at {often.published:,} deliveries: one at a time probes",
        ),
        Figure(
            "put off behind the breaker, per hour waited",
            often.put_off / sum(often.waiting),
            "times",
            5,
            note="each is a message and a write",
        ),
        Figure(
            "hours from a return until nothing waits",
            back.last_of_old_hours - 24,
            "h",
            1.0,
            note=f"{back.waiting[24]:,} waited for a day",
        ),
    ]


_MEAN_LIFE_SECONDS = sum(SCHEDULE) * (1 + JITTER / 2)


def _per_hour(load: Load) -> str:
    return f"{load.per_second * 3600:.0f} an hour"


def _disabled(*runs: Seen) -> str:
    hours = [at for seen in runs for at in seen.disabled_hours]
    return f"disabled after {min(hours) / 24:.2f} to {max(hours) / 24:.2f} days" if hours else ""
