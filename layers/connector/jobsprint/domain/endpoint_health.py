"""Endpoint health: what recent attempts say of a webhook, and how many deliveries may be in flight to it.

Pure: times (ms) and random numbers come in. A webhook is healthy until a response takes a second or attempts fail; a
healthy one is sent to without reading its health. Then

- after a slow response a concurrency limit applies: at most two batches are in flight to the webhook;
- when half of at least ten attempts within two minutes fail, the circuit breaker trips: nothing is sent for a while.
  Then one delivery is the half-open probe; its success closes the breaker, its failure trips it for twice as long;
- after five days and twenty attempts without any success it is to be disabled.

Operational events about these changes stay in `unpublished`, the outbox, until they are published: a crash loses none.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from pydantic import JsonValue

from jobsprint.core.clock import iso_seconds

JsonObject: TypeAlias = dict[str, JsonValue]

SLOW_MS = 1_000
"""A response that takes longer is slow; it is noticed while it is still awaited."""

LIMITED_MS = 60_000
"""How long the concurrency limit applies after the last slow response, and after the circuit breaker has closed."""

MAX_BATCHES_IN_FLIGHT = 2
"""The concurrency limit: batches in flight at a time to a webhook that responds slowly."""

IN_FLIGHT_MS = 40_000
"""How long a batch counts as in flight at most: longer than the dispatcher may run (30 s)."""

WINDOW_MS = 120_000
FAILURE_SHARE = 0.5
MIN_ATTEMPTS = 10
"""The breaker trips when this share of at least so many attempts within the window failed."""

FIRST_OPEN_MS = 15_000
LONGEST_OPEN_MS = 600_000
"""How long the breaker stays open at first; each failed probe doubles it, up to the longest."""

PROBE_MS = 16_000
"""How long other deliveries wait for the end of a probe: an attempt's time budget and a second."""

DISABLE_AFTER_MS = 5 * 86_400_000
DISABLE_MIN_ATTEMPTS = 20
"""A webhook is disabled after so long, and so many attempts, of which none succeeded."""

DIGEST_MS = 3_600_000
"""`delivery.exhausted` is published at most once in this time for each webhook."""

MAX_EXAMPLES = 10

MAX_WAIT_MS = 900_000
"""The longest deferral of a delivery at a time: what the queue can delay (DelaySeconds)."""

_MAX_BUSY_WAIT_MS = 60_000
_FIRST_WAIT_MS = 2_000


@dataclass(frozen=True)
class InFlight:
    """A batch in flight to a webhook, until it ends or until `until`; `probe`: it probes an open circuit breaker."""

    token: str
    until: int
    probe: bool = False


@dataclass(frozen=True)
class OperationalEvent:
    """An event of the service's own in the outbox. Name and `stamp` identify it, however often it is published."""

    name: str
    stamp: int
    data: JsonObject


@dataclass(frozen=True)
class Totals:
    """All attempts of a webhook so far, by outcome."""

    ok: int
    bad: int


@dataclass(frozen=True)
class EndpointHealth:
    """The stored health of a webhook that is not healthy, or was not.

    `limited_until`: until when the concurrency limit applies. `open_until`: 0 while the circuit breaker is closed.
    `trips`: how often it tripped in a row. `target`: the version of address and credentials that all of this is about.
    `window_…` and `streak_…` are the time and the totals at the beginning of the window, and of the streak of failures
    without a success. `failing_since` is when the breaker first tripped (0: it did not), `failing_published` whether
    that was published. `exhausted…` is what the next digest will hold.
    """

    limited_until: int = 0
    open_until: int = 0
    trips: int = 0
    target: int = 0
    in_flight: tuple[InFlight, ...] = ()
    window_at: int = 0
    window_ok: int = 0
    window_bad: int = 0
    streak_at: int = 0
    streak_ok: int = 0
    streak_bad: int = 0
    failing_since: int = 0
    failing_published: bool = False
    disabled_at: int = 0
    digested_at: int = 0
    exhausted: int = 0
    exhausted_gone: int = 0
    examples: tuple[str, ...] = ()
    unpublished: tuple[OperationalEvent, ...] = ()


@dataclass(frozen=True)
class BatchReport:
    """What a batch found out about one webhook: attempts by outcome, whether one was slow, deliveries it exhausted.

    `gone` counts those of `exhausted` that a 410 ended. `token` is set if the batch counted as in flight. `totals`
    include its own attempts; None where they could not be counted. `may_publish` is False where only operational events
    failed: failing to deliver one never publishes another.
    """

    ok: int = 0
    bad: int = 0
    slow: bool = False
    exhausted: tuple[str, ...] = ()
    gone: int = 0
    token: str | None = None
    totals: Totals | None = None
    may_publish: bool = True


@dataclass(frozen=True)
class Admission:
    """How many deliveries may be sent now, why, and from when on the others may be."""

    allowed: int
    reason: Literal["healthy", "limited", "probe", "open", "busy"]
    retry_at: int = 0


# --- before a batch is sent -------------------------------------------------------------------------------------------


def admit(
    health: EndpointHealth, wanted: int, token: str, *, target: int, now: int
) -> tuple[EndpointHealth, Admission]:
    """How many of `wanted` deliveries may be sent now, and the health with these in flight under `token`.

    A webhook whose `target` has changed is probed at once: it leads elsewhere now.
    """
    in_flight = tuple(batch for batch in health.in_flight if batch.until > now)
    if health.open_until:
        if health.open_until > now and health.target == target:
            return health, Admission(0, "open", health.open_until)
        if any(batch.probe for batch in in_flight):
            return health, Admission(0, "busy", now + PROBE_MS)
        probe = InFlight(token, now + IN_FLIGHT_MS, probe=True)
        return replace(health, in_flight=(*in_flight, probe)), Admission(1, "probe", now + PROBE_MS)
    if health.limited_until <= now:
        return health, Admission(wanted, "healthy")
    if len(in_flight) >= MAX_BATCHES_IN_FLIGHT:
        return health, Admission(0, "busy", now + _FIRST_WAIT_MS)
    return replace(health, in_flight=(*in_flight, InFlight(token, now + IN_FLIGHT_MS))), Admission(wanted, "limited")


def deferred_until(admission: Admission, *, deferrals: int, trips: int, now: int, fraction: float) -> int:
    """When a delivery that was not admitted is tried again; `deferrals` counts how often it was deferred before.

    Deliveries that wait for an open breaker are spread over half of the time that it was open, and each deferral of one
    is longer than the last, so that they neither come all at once nor poll.
    """
    longest = MAX_WAIT_MS if trips else _MAX_BUSY_WAIT_MS
    backoff = min(_FIRST_WAIT_MS << min(deferrals, 10), longest)
    wait = max(admission.retry_at - now, backoff)
    spread = max(wait, open_ms(trips) if trips else 0) / 2
    return now + min(math.ceil(wait + spread * fraction), MAX_WAIT_MS)


def open_ms(trips: int) -> int:
    """How long the breaker stays open after it tripped `trips` times in a row."""
    return min(FIRST_OPEN_MS << max(0, min(trips, 16) - 1), LONGEST_OPEN_MS)


# --- while and after a batch is sent ----------------------------------------------------------------------------------


def limited(health: EndpointHealth, token: str, now: int) -> EndpointHealth:
    """Apply the concurrency limit while a response is awaited for `SLOW_MS`; the batch counts as in flight from now."""
    others = tuple(batch for batch in health.in_flight if batch.until > now and batch.token != token)
    return replace(health, limited_until=now + LIMITED_MS, in_flight=(*others, InFlight(token, now + IN_FLIGHT_MS)))


def after_batch(health: EndpointHealth, report: BatchReport, *, target: int, now: int) -> tuple[EndpointHealth, bool]:
    """The health after a batch, and whether the webhook is to be disabled."""
    was_probe = any(batch.probe and batch.token == report.token for batch in health.in_flight)
    others = tuple(batch for batch in health.in_flight if batch.token != report.token and batch.until > now)
    after = replace(health, in_flight=others)
    if report.slow:
        after = replace(after, limited_until=now + LIMITED_MS)
    if health.target != target:
        after = replace(after, target=target, window_at=0, streak_at=0)
    after = _counted(after, report, now)
    after = _after_probe(after, report, now) if was_probe else _after_attempts(after, report, now)
    after = replace(
        after,
        exhausted=after.exhausted + len(report.exhausted),
        exhausted_gone=after.exhausted_gone + report.gone,
        examples=(*after.examples, *report.exhausted)[:MAX_EXAMPLES],
    )
    return with_digest(after, now), _must_be_disabled(after, report, now)


def _counted(health: EndpointHealth, report: BatchReport, now: int) -> EndpointHealth:
    """Window and failure streak, restarted where they have ended."""
    if report.totals is None:
        return health
    ok, bad = report.totals.ok - report.ok, report.totals.bad - report.bad
    if not health.window_at or now - health.window_at > WINDOW_MS:
        health = replace(health, window_at=now, window_ok=ok, window_bad=bad)
    if report.ok:
        # The order within a batch of both is unknown: the next failure begins a streak.
        return replace(health, streak_at=0)
    if report.bad and (not health.streak_at or report.totals.ok > health.streak_ok):
        return replace(health, streak_at=now, streak_ok=ok, streak_bad=bad)
    return health


def _after_probe(health: EndpointHealth, report: BatchReport, now: int) -> EndpointHealth:
    if report.bad:
        return _tripped(health, report, now)
    if not report.ok:
        return health  # The delivery turned out to be done: the probe says nothing.
    unpublished = health.unpublished
    if health.failing_published and report.may_publish:
        data: JsonObject = {"reason": "probe_succeeded", "failingSince": iso_seconds(health.failing_since)}
        unpublished = (*unpublished, OperationalEvent("webhook.recovered", health.failing_since, data))
    return replace(
        health,
        open_until=0,
        trips=0,
        limited_until=now + LIMITED_MS,
        failing_since=0,
        failing_published=False,
        window_at=0,
        unpublished=unpublished,
    )


def _after_attempts(health: EndpointHealth, report: BatchReport, now: int) -> EndpointHealth:
    if health.open_until or report.totals is None or not report.bad:
        return health
    return _tripped(health, report, now) if _failing(_in_window(health, report.totals)) else health


def _in_window(health: EndpointHealth, totals: Totals) -> Totals:
    return Totals(totals.ok - health.window_ok, totals.bad - health.window_bad)


def _failing(window: Totals) -> bool:
    attempts = window.ok + window.bad
    return attempts >= MIN_ATTEMPTS and window.bad >= FAILURE_SHARE * attempts


def _tripped(health: EndpointHealth, report: BatchReport, now: int) -> EndpointHealth:
    trips = health.trips + 1
    since = health.failing_since or now
    tripped = replace(health, trips=trips, open_until=now + open_ms(trips), failing_since=since)
    if health.failing_published or not report.may_publish:
        return tripped
    window = _in_window(health, report.totals) if report.totals else Totals(report.ok, report.bad)
    data: JsonObject = {
        "reason": "failure_share",
        "window": WINDOW_MS // 1000,
        "attempts": window.ok + window.bad,
        "failureShare": round(window.bad / (window.ok + window.bad), 4),
        "threshold": FAILURE_SHARE,
        "minimumAttempts": MIN_ATTEMPTS,
        "nextProbeAt": iso_seconds(tripped.open_until),
    }
    event = OperationalEvent("webhook.failing", since, data)
    return replace(tripped, failing_published=True, unpublished=(*tripped.unpublished, event))


def _must_be_disabled(health: EndpointHealth, report: BatchReport, now: int) -> bool:
    if report.totals is None or not report.bad or not health.streak_at:
        return False
    failed = report.totals.bad - health.streak_bad
    enough = failed >= DISABLE_MIN_ATTEMPTS and report.totals.ok == health.streak_ok
    return enough and now - health.streak_at >= DISABLE_AFTER_MS


def disabled(
    health: EndpointHealth, reason: str, *, at: int, totals: Totals | None, may_publish: bool, now: int
) -> EndpointHealth:
    """The health of a webhook that was disabled at `at`: once it is enabled again, one delivery probes it."""
    unpublished = health.unpublished
    if may_publish:
        data: JsonObject = {"reason": reason}
        if reason == "failing" and totals is not None:
            data |= {
                "window": DISABLE_AFTER_MS // 1000,
                "attempts": totals.bad - health.streak_bad,
                "failureShare": 1,
                "minimumAttempts": DISABLE_MIN_ATTEMPTS,
                "failingSince": iso_seconds(health.streak_at),
            }
        unpublished = (*unpublished, OperationalEvent("webhook.disabled", at, data))
    return replace(
        health,
        open_until=now,
        trips=0,
        streak_at=0,
        failing_since=health.failing_since or now,
        failing_published=health.failing_published or may_publish,
        disabled_at=at,
        unpublished=unpublished,
    )


def resumed(health: EndpointHealth) -> EndpointHealth:
    """The health of a webhook that a caller enabled again: the time it was paused counts neither for nor against it."""
    return replace(health, streak_at=0, window_at=0)


def is_healthy(health: EndpointHealth, now: int) -> bool:
    """Whether the webhook may be sent to without reading its health."""
    return not health.open_until and health.limited_until <= now


# --- the outbox of operational events ---------------------------------------------------------------------------------


def with_digest(health: EndpointHealth, now: int) -> EndpointHealth:
    """With the digest of exhausted deliveries in the outbox, if there are any and it is due."""
    if not health.exhausted or now < digest_at(health):
        return health
    data: JsonObject = {
        "reason": "gone" if health.exhausted_gone == health.exhausted else "attempts_used_up",
        "count": health.exhausted,
        "deliveryIds": list(health.examples),
        "window": DIGEST_MS // 1000,
    }
    if health.exhausted_gone:
        data["gone"] = health.exhausted_gone
    event = OperationalEvent("delivery.exhausted", now, data)
    return replace(
        health,
        digested_at=now,
        exhausted=0,
        exhausted_gone=0,
        examples=(),
        unpublished=(*health.unpublished, event),
    )


def digest_at(health: EndpointHealth) -> int:
    """When the next digest is due."""
    return health.digested_at + DIGEST_MS


def without_published(health: EndpointHealth, published: Sequence[OperationalEvent]) -> EndpointHealth:
    """The health once these events are published."""
    return replace(health, unpublished=tuple(event for event in health.unpublished if event not in published))
