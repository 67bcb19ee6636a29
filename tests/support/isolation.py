"""A virtual-time model of the delivery queue, its pollers and the receivers, around the real rules of
`domain.endpoint_health`.

Simulated: time, SQS (plain order, or the rule of AWS's fair queues), pollers that each hold one batch until its last
message is answered, receivers, and the places where state is kept. Real: every decision about what is sent when.
"""

import heapq
import itertools
import random
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Container
from dataclasses import dataclass, field, replace
from statistics import quantiles
from typing import Any

from jobsprint.domain import endpoint_health
from jobsprint.domain.deliveries import Attempt
from jobsprint.domain.endpoint_health import BatchReport, EndpointHealth, Totals
from jobsprint.domain.retry_policy import decide

POLLERS = 5
BATCH = 10
DEADLINE_MS = 15_000
OVERHEAD_MS = 12
"""What a batch costs beside its sends: receiving, claiming, recording."""

SCHEDULE = (0, 5, 300, 1800)
BURST_AT = 60_000.0
_BURST = 1_000_000
"""Receivers of the burst have numbers from here on."""


@dataclass(order=True)
class Delivery:
    """A message on its way, ordered by when it may be received."""

    visible: float
    number: int
    receiver: int = field(compare=False)
    group: int = field(compare=False)
    published: float = field(compare=False)
    attempt: int = field(default=1, compare=False)
    deferrals: int = field(default=0, compare=False)


@dataclass
class Load:
    """What is published: to each of `receivers`, at `per_second` together, for `seconds`; `hanging` never answers.

    `webhooks` of them belong to one tenant each. After a minute another tenant publishes `burst` events at once, each
    to one of its `burst_webhooks`. `by_tenant` False makes every webhook a group of its own.
    """

    receivers: int = 100
    per_second: float = 50.0
    seconds: float = 600.0
    hanging: int | None = None
    webhooks: int = 1
    burst: int = 0
    burst_webhooks: int = 100
    by_tenant: bool = True
    pollers: int = POLLERS
    answer_ms: Callable[[random.Random], float] = lambda chance: chance.lognormvariate(4.1, 0.5)


@dataclass
class Outcome:
    """How long each took from being published to its first answer (ms), but for the hanging receiver's own and the
    burst's; `published` has receiver and time of publishing too. The last of the burst is received at `burst_ended`."""

    waits: list[float] = field(default_factory=list)
    published: list[tuple[int, float, float]] = field(default_factory=list)
    burst_ended: float = 0.0
    attempts_at_hanging: int = 0
    most_batches_held: int = 0
    held_ms: float = 0.0

    @property
    def p95(self) -> float:
        return quantiles(self.waits, n=100)[94]

    @property
    def p95_during_burst(self) -> float:
        """Of what others published while the burst waited."""
        return self.p95_between(BURST_AT, self.burst_ended)

    def p95_between(self, since: float, until: float, receivers: Container[int] | None = None) -> float:
        """Of what was published in that time, to these receivers or any."""
        waits = [
            wait
            for receiver, at, wait in self.published
            if since <= at <= until and (receivers is None or receiver in receivers)
        ]
        return quantiles(waits, n=100)[94]


class FairQueue:
    """SQS standard queue. `fair`: messages of noisy groups come after all others (AWS, reference A11).

    A group is noisy with at least 30 messages and more than a tenth of all in flight, or with more than a tenth of the
    processing time of the last minute.
    """

    def __init__(self, *, fair: bool) -> None:
        self._fair = fair
        self._delayed: list[Delivery] = []
        self._ready: dict[int, deque[Delivery]] = defaultdict(deque)
        self._in_flight: Counter[int] = Counter()
        self._worked: deque[tuple[float, int, int]] = deque()
        self._time: Counter[int] = Counter()

    def put(self, delivery: Delivery) -> None:
        heapq.heappush(self._delayed, delivery)

    def next_visible(self) -> float | None:
        return self._delayed[0].visible if self._delayed else None

    def receive(self, now: float) -> list[Delivery]:
        while self._delayed and self._delayed[0].visible <= now:
            delivery = heapq.heappop(self._delayed)
            self._ready[delivery.group].append(delivery)
        waiting = [group for group, messages in self._ready.items() if messages]
        noisy = self._noisy(now) if self._fair else set()
        found: list[Delivery] = []
        for groups in ([g for g in waiting if g not in noisy], [g for g in waiting if g in noisy]):
            heads = [(self._ready[group][0].visible, self._ready[group][0].number, group) for group in groups]
            heapq.heapify(heads)
            while heads and len(found) < BATCH:
                _, _, group = heapq.heappop(heads)
                found.append(self._ready[group].popleft())
                if self._ready[group]:
                    head = self._ready[group][0]
                    heapq.heappush(heads, (head.visible, head.number, group))
        self._in_flight.update(delivery.group for delivery in found)
        return found

    def done(self, deliveries: list[Delivery], now: float, took: float) -> None:
        self._in_flight.subtract(delivery.group for delivery in deliveries)
        for delivery in deliveries:
            self._worked.append((now, delivery.group, round(took)))
            self._time[delivery.group] += round(took)

    def _noisy(self, now: float) -> set[int]:
        while self._worked and self._worked[0][0] < now - 60_000:
            _, group, took = self._worked.popleft()
            self._time[group] -= took
        whole, flying = self._time.total(), self._in_flight.total()
        return {group for group, took in self._time.items() if took > whole / 10} | {
            group for group, count in self._in_flight.items() if count >= 30 and count > flying / 10
        }


class Model:
    """One run. `guarded` False sends everything that comes, as a dispatcher without the rules would."""

    def __init__(self, load: Load, seed: int, *, fair: bool, guarded: bool = True) -> None:
        self._load = load
        self._chance = random.Random(seed)
        self._queue = FairQueue(fair=fair)
        self._guarded = guarded
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._numbers = itertools.count()
        self._idle = load.pollers
        self._known: dict[int, EndpointHealth] = {}
        self._watched: set[int] = set()
        self._totals: dict[int, Totals] = defaultdict(lambda: Totals(0, 0))
        self._held = 0
        self.outcome = Outcome()

    def run(self) -> Outcome:
        at = 0.0
        while at < self._load.seconds * 1000:
            at += self._chance.expovariate(self._load.per_second) * 1000
            self._publish(self._chance.randrange(self._load.receivers), at)
        for number in range(self._load.burst):
            self._publish(_BURST + number % self._load.burst_webhooks, BURST_AT)
        end = self._load.seconds * 1000 + 120_000
        now = 0.0
        while now < end:
            while self._idle and (batch := self._queue.receive(now)):
                self._idle -= 1
                self._work(batch, now)
            # While no poller is free, only the end of a batch changes anything.
            visible = self._queue.next_visible() if self._idle else None
            coming = [*([self._events[0][0]] if self._events else []), *([] if visible is None else [visible])]
            if not coming:
                break
            now = max(now, min(coming))
            while self._events and self._events[0][0] <= now:
                heapq.heappop(self._events)[2](now)
        return self.outcome

    def _publish(self, receiver: int, at: float) -> None:
        tenant = _BURST if receiver >= _BURST else receiver // self._load.webhooks
        group = tenant if self._load.by_tenant else receiver
        self._queue.put(Delivery(at, next(self._numbers), receiver, group, at))

    def _at(self, time: float, action: Callable[[float], None]) -> None:
        heapq.heappush(self._events, (time, next(self._numbers), action))

    def _work(self, batch: list[Delivery], now: float) -> None:
        token = f"batch-{next(self._numbers)}"
        in_flight: set[int] = set()
        sent: list[tuple[Delivery, float]] = []
        for receiver in {delivery.receiver for delivery in batch}:
            own = sorted((d for d in batch if d.receiver == receiver), key=lambda d: -d.deferrals)
            going = self._admitted(receiver, own, token, in_flight, now)
            sent += [(delivery, self._took(receiver)) for delivery in going]
        longest = max((took for _, took in sent), default=0.0)
        hangs = any(delivery.receiver == self._load.hanging for delivery, _ in sent)
        self._held += hangs
        self.outcome.most_batches_held = max(self.outcome.most_batches_held, self._held)
        self.outcome.held_ms += longest * hangs
        for delivery, took in sent:
            if delivery.receiver >= _BURST:
                self.outcome.burst_ended = now
            elif delivery.receiver != self._load.hanging and delivery.attempt == 1:
                self.outcome.waits.append(now + took - delivery.published)
                self.outcome.published.append((delivery.receiver, delivery.published, self.outcome.waits[-1]))
            self.outcome.attempts_at_hanging += delivery.receiver == self._load.hanging
        if self._guarded and longest > endpoint_health.SLOW_MS:
            slow = {delivery.receiver for delivery, took in sent if took > endpoint_health.SLOW_MS} - in_flight
            in_flight |= slow
            self._at(now + endpoint_health.SLOW_MS, lambda at: self._find_slow(slow, token, at))
        # Each is recorded as it finishes; the batch, and what it says of its webhooks, ends with the last.
        for delivery, took in sent:
            self._at(now + took, lambda at, d=delivery: self._recorded(d, at))  # type: ignore[misc]
        self._at(
            now + OVERHEAD_MS + longest, lambda at: self._finish(batch, sent, token, in_flight, hangs, at - now, at)
        )

    def _took(self, receiver: int) -> float:
        return float(DEADLINE_MS) if receiver == self._load.hanging else self._load.answer_ms(self._chance)

    def _admitted(
        self, receiver: int, own: list[Delivery], token: str, in_flight: set[int], now: float
    ) -> list[Delivery]:
        if receiver not in self._watched:
            return own
        moment = int(now)
        before = self._known.get(receiver, EndpointHealth())
        state, admission = endpoint_health.admit(before, len(own), token, target=0, now=moment)
        self._known[receiver] = state
        if admission.reason == "healthy":
            self._watched.discard(receiver)
        if admission.reason in ("limited", "probe"):
            in_flight.add(receiver)
        for delivery in own[admission.allowed :]:
            retry_at = endpoint_health.deferred_until(
                admission,
                deferrals=delivery.deferrals,
                trips=state.trips,
                now=moment,
                fraction=self._chance.random(),
            )
            self._put(delivery, retry_at, now, attempt=delivery.attempt, deferrals=delivery.deferrals + 1)
        return own[: admission.allowed]

    def _put(self, delivery: Delivery, at: float, now: float, *, attempt: int, deferrals: int) -> None:
        delay = -(-max(0.0, at - now) // 1000) * 1000  # DelaySeconds are whole
        self._queue.put(
            replace(delivery, visible=now + delay, number=next(self._numbers), attempt=attempt, deferrals=deferrals)
        )

    def _find_slow(self, receivers: set[int], token: str, now: float) -> None:
        for receiver in receivers:
            self._known[receiver] = endpoint_health.limited(
                self._known.get(receiver, EndpointHealth()), token, int(now)
            )
            self._watched.add(receiver)

    def _recorded(self, delivery: Delivery, now: float) -> None:
        if delivery.receiver != self._load.hanging:
            return
        attempt = Attempt(delivery.attempt, "error", int(now) - DEADLINE_MS, DEADLINE_MS, failure="timeout_headers")
        decision = decide(attempt, None, schedule=SCHEDULE, base=0, now=int(now), fraction=self._chance.random())
        if decision.next_at is not None:
            self._put(delivery, decision.next_at, now, attempt=delivery.attempt + 1, deferrals=0)

    def _finish(
        self,
        batch: list[Delivery],
        sent: list[Any],
        token: str,
        in_flight: set[int],
        hangs: bool,
        took: float,
        now: float,
    ) -> None:
        self._idle += 1
        self._held -= hangs
        self._queue.done(batch, now, took)
        for receiver in {delivery.receiver for delivery, _ in sent}:
            own = [took for delivery, took in sent if delivery.receiver == receiver]
            bad = len(own) if receiver == self._load.hanging else 0
            totals = self._totals[receiver]
            self._totals[receiver] = totals = Totals(totals.ok + len(own) - bad, totals.bad + bad)
            report = BatchReport(
                ok=len(own) - bad,
                bad=bad,
                slow=max(own) >= endpoint_health.SLOW_MS,
                token=token if receiver in in_flight else None,
                totals=totals,
            )
            if self._guarded and (report.bad or report.slow or report.token):
                state, _ = endpoint_health.after_batch(
                    self._known.get(receiver, EndpointHealth()), report, target=0, now=int(now)
                )
                self._known[receiver] = state
                if not endpoint_health.is_healthy(state, int(now)):
                    self._watched.add(receiver)
