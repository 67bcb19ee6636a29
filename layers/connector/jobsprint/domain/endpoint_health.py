"""What recent deliveries say of a webhook, and how many may be under way to it. Pure: times (ms) and chance come in.

A webhook is calm until an answer takes a second or attempts fail; a calm one is sent to without a look at this. Then

- while it is slow, at most two batches are under way to it (leases, which end by themselves if their holder dies);
- when half of at least ten attempts within two minutes fail, the breaker opens: nothing is sent. After a while
  one delivery probes; its success closes the breaker, its failure opens it for twice as long;
- after five days and twenty attempts without any success it is to be disabled.

What has to be told of this waits in `untold` until it is published, so that a crash in between loses no event.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from jobsprint.core.canonical_json import JsonObject
from jobsprint.core.clock import iso_seconds

SLOW_MS = 1_000
"""An answer that takes longer makes its webhook slow; it is noticed while it is still awaited."""

SLOW_KEPT_MS = 60_000
"""How long a webhook stays slow after its last slow answer, and how long it is handled with care after a recovery."""

BATCHES_IN_FLIGHT = 2
"""Batches that may be under way at a time to a slow webhook."""

LEASE_MS = 40_000
"""Longer than the dispatcher may run (30 s)."""

WINDOW_MS = 120_000
FAILURE_SHARE = 0.5
MIN_ATTEMPTS = 10
"""The breaker opens when this share of at least so many attempts within the window failed."""

FIRST_OPEN_MS = 15_000
LONGEST_OPEN_MS = 600_000
"""How long the breaker stays open at first; each failed probe doubles it, up to the longest."""

PROBE_MS = 16_000
"""How long the others wait for the end of a probe: an attempt's deadline and a second."""

DISABLE_AFTER_MS = 5 * 86_400_000
DISABLE_MIN_ATTEMPTS = 20
"""A webhook is disabled after so long, and so many attempts, of which none succeeded."""

DIGEST_MS = 3_600_000
"""`delivery.exhausted` comes at most once in this time for each webhook."""

MAX_EXAMPLES = 10

MAX_WAIT_MS = 900_000
"""The longest that a delivery is put off at a time: what the queue can keep (DelaySeconds)."""

_MAX_BUSY_WAIT_MS = 60_000
_FIRST_WAIT_MS = 2_000


@dataclass(frozen=True)
class Lease:
    """A batch under way, until it says that it is done or until `until`; `probe`: it tries an open breaker."""

    token: str
    until: int
    probe: bool = False


@dataclass(frozen=True)
class Untold:
    """An event of the service's own that waits to be published: one event by name and `stamp`, however often told."""

    name: str
    stamp: int
    data: JsonObject


@dataclass(frozen=True)
class Totals:
    """All attempts of a webhook so far, by outcome."""

    ok: int
    bad: int


@dataclass(frozen=True)
class Traffic:
    """What is kept of a webhook that is not calm.

    `open_until`: 0 while the breaker is closed. `openings`: how often it opened in a row. `target`: the version of
    address and credentials that all of this was found out about. `window_…` and `row_…` hold the time and the totals
    at which the window, and the row of failures without a success, began. `spell` is when the breaker first opened
    (0: all is well), `told` whether that was published. `exhausted…` is what the next digest will hold.
    """

    slow_until: int = 0
    open_until: int = 0
    openings: int = 0
    target: int = 0
    leases: tuple[Lease, ...] = ()
    window_at: int = 0
    window_ok: int = 0
    window_bad: int = 0
    row_at: int = 0
    row_ok: int = 0
    row_bad: int = 0
    spell: int = 0
    told: bool = False
    disabled_at: int = 0
    digested_at: int = 0
    exhausted: int = 0
    exhausted_gone: int = 0
    examples: tuple[str, ...] = ()
    untold: tuple[Untold, ...] = ()


@dataclass(frozen=True)
class Report:
    """What a batch saw of one webhook: attempts by outcome, whether one was slow, the deliveries it exhausted.

    `gone` counts those of `exhausted` that a 410 ended. `token` is the lease it held, if any. `totals` include its own
    attempts; None where they could not be counted. `may_tell` is False where only events of the service's own failed:
    failing to deliver one never publishes another.
    """

    ok: int = 0
    bad: int = 0
    slow: bool = False
    exhausted: tuple[str, ...] = ()
    gone: int = 0
    token: str | None = None
    totals: Totals | None = None
    may_tell: bool = True


@dataclass(frozen=True)
class Admission:
    """How many deliveries may go now, what for, and from when on the others may come again."""

    go: int
    why: Literal["calm", "lease", "probe", "open", "busy"]
    again_at: int = 0


# --- before a batch is sent -------------------------------------------------------------------------------------------


def admit(traffic: Traffic, wanted: int, token: str, *, target: int, now: int) -> tuple[Traffic, Admission]:
    """Whether `wanted` deliveries may be sent now, and the state that has them under way under `token`.

    A webhook with another `target` than before is probed at once: it leads elsewhere now.
    """
    under_way = tuple(lease for lease in traffic.leases if lease.until > now)
    if traffic.open_until:
        if traffic.open_until > now and traffic.target == target:
            return traffic, Admission(0, "open", traffic.open_until)
        if any(lease.probe for lease in under_way):
            return traffic, Admission(0, "busy", now + PROBE_MS)
        probing = replace(traffic, leases=(*under_way, Lease(token, now + LEASE_MS, probe=True)))
        return probing, Admission(1, "probe", now + PROBE_MS)
    if traffic.slow_until <= now:
        return traffic, Admission(wanted, "calm")
    if len(under_way) >= BATCHES_IN_FLIGHT:
        return traffic, Admission(0, "busy", now + _FIRST_WAIT_MS)
    return replace(traffic, leases=(*under_way, Lease(token, now + LEASE_MS))), Admission(wanted, "lease")


def come_again(admission: Admission, *, deferred: int, openings: int, now: int, fraction: float) -> int:
    """When a delivery that was not admitted comes again; `deferred` counts how often it was put off before.

    What waits for a breaker is spread over half of the time that the breaker was open, and what waits often comes
    ever later, so that neither comes all at once nor asks for nothing again and again.
    """
    longest = MAX_WAIT_MS if openings else _MAX_BUSY_WAIT_MS
    patience = min(_FIRST_WAIT_MS << min(deferred, 10), longest)
    wait = max(admission.again_at - now, patience)
    spread = max(wait, open_ms(openings) if openings else 0) / 2
    return now + min(math.ceil(wait + spread * fraction), MAX_WAIT_MS)


def open_ms(openings: int) -> int:
    """How long the breaker stays open after it opened `openings` times in a row."""
    return min(FIRST_OPEN_MS << max(0, min(openings, 16) - 1), LONGEST_OPEN_MS)


# --- while and after a batch is sent ----------------------------------------------------------------------------------


def found_slow(traffic: Traffic, token: str, now: int) -> Traffic:
    """An answer is awaited for `SLOW_MS` already: the batch that waits counts as under way from now on."""
    leases = tuple(lease for lease in traffic.leases if lease.until > now and lease.token != token)
    return replace(traffic, slow_until=now + SLOW_KEPT_MS, leases=(*leases, Lease(token, now + LEASE_MS)))


def judged(traffic: Traffic, report: Report, *, target: int, now: int) -> tuple[Traffic, bool]:
    """The state after a batch, and whether the webhook is to be disabled."""
    probed = any(lease.probe and lease.token == report.token for lease in traffic.leases)
    released = tuple(lease for lease in traffic.leases if lease.token != report.token and lease.until > now)
    after = replace(traffic, leases=released)
    if report.slow:
        after = replace(after, slow_until=now + SLOW_KEPT_MS)
    if traffic.target != target:
        after = replace(after, target=target, window_at=0, row_at=0)
    after = _counted(after, report, now)
    after = _probed(after, report, now) if probed else _watched(after, report, now)
    after = replace(
        after,
        exhausted=after.exhausted + len(report.exhausted),
        exhausted_gone=after.exhausted_gone + report.gone,
        examples=(*after.examples, *report.exhausted)[:MAX_EXAMPLES],
    )
    return digested(after, now), _hopeless(after, report, now)


def _counted(traffic: Traffic, report: Report, now: int) -> Traffic:
    """Window and row of failures, begun anew where they have ended."""
    if report.totals is None:
        return traffic
    ok, bad = report.totals.ok - report.ok, report.totals.bad - report.bad
    if not traffic.window_at or now - traffic.window_at > WINDOW_MS:
        traffic = replace(traffic, window_at=now, window_ok=ok, window_bad=bad)
    if report.ok:
        # Which came first in a batch of both, is unknown: the next failure begins a row.
        return replace(traffic, row_at=0)
    if report.bad and (not traffic.row_at or report.totals.ok > traffic.row_ok):
        return replace(traffic, row_at=now, row_ok=ok, row_bad=bad)
    return traffic


def _probed(traffic: Traffic, report: Report, now: int) -> Traffic:
    if report.bad:
        return _opened(traffic, report, now)
    if not report.ok:
        return traffic  # The delivery turned out to be done with: nothing was learnt.
    untold = traffic.untold
    if traffic.told and report.may_tell:
        data: JsonObject = {"reason": "probe_succeeded", "failingSince": iso_seconds(traffic.spell)}
        untold = (*untold, Untold("webhook.recovered", traffic.spell, data))
    return replace(
        traffic,
        open_until=0,
        openings=0,
        slow_until=now + SLOW_KEPT_MS,
        spell=0,
        told=False,
        window_at=0,
        untold=untold,
    )


def _watched(traffic: Traffic, report: Report, now: int) -> Traffic:
    if traffic.open_until or report.totals is None or not report.bad:
        return traffic
    return _opened(traffic, report, now) if _failing(_in_window(traffic, report.totals)) else traffic


def _in_window(traffic: Traffic, totals: Totals) -> Totals:
    return Totals(totals.ok - traffic.window_ok, totals.bad - traffic.window_bad)


def _failing(window: Totals) -> bool:
    attempts = window.ok + window.bad
    return attempts >= MIN_ATTEMPTS and window.bad >= FAILURE_SHARE * attempts


def _opened(traffic: Traffic, report: Report, now: int) -> Traffic:
    openings = traffic.openings + 1
    spell = traffic.spell or now
    opened = replace(traffic, openings=openings, open_until=now + open_ms(openings), spell=spell)
    if traffic.told or not report.may_tell:
        return opened
    window = _in_window(traffic, report.totals) if report.totals else Totals(report.ok, report.bad)
    data: JsonObject = {
        "reason": "failure_share",
        "window": WINDOW_MS // 1000,
        "attempts": window.ok + window.bad,
        "failureShare": round(window.bad / (window.ok + window.bad), 4),
        "threshold": FAILURE_SHARE,
        "minimumAttempts": MIN_ATTEMPTS,
        "nextProbeAt": iso_seconds(opened.open_until),
    }
    return replace(opened, told=True, untold=(*opened.untold, Untold("webhook.failing", spell, data)))


def _hopeless(traffic: Traffic, report: Report, now: int) -> bool:
    if report.totals is None or not report.bad or not traffic.row_at:
        return False
    enough = report.totals.bad - traffic.row_bad >= DISABLE_MIN_ATTEMPTS and report.totals.ok == traffic.row_ok
    return enough and now - traffic.row_at >= DISABLE_AFTER_MS


def disabled(traffic: Traffic, reason: str, *, at: int, totals: Totals | None, may_tell: bool, now: int) -> Traffic:
    """The state of a webhook that was disabled at `at`: once it is enabled again, one delivery probes."""
    untold = traffic.untold
    if may_tell:
        data: JsonObject = {"reason": reason}
        if reason == "failing" and totals is not None:
            data |= {
                "window": DISABLE_AFTER_MS // 1000,
                "attempts": totals.bad - traffic.row_bad,
                "failureShare": 1,
                "minimumAttempts": DISABLE_MIN_ATTEMPTS,
                "failingSince": iso_seconds(traffic.row_at),
            }
        untold = (*untold, Untold("webhook.disabled", at, data))
    return replace(
        traffic,
        open_until=now,
        openings=0,
        row_at=0,
        spell=traffic.spell or now,
        told=traffic.told or may_tell,
        disabled_at=at,
        untold=untold,
    )


def resumed(traffic: Traffic) -> Traffic:
    """The state of a webhook that somebody enabled again: the time it was paused counts neither for nor against it."""
    return replace(traffic, row_at=0, window_at=0)


def is_calm(traffic: Traffic, now: int) -> bool:
    """Whether the webhook may be sent to without a look at its state."""
    return not traffic.open_until and traffic.slow_until <= now


# --- what is told -----------------------------------------------------------------------------------------------------


def digested(traffic: Traffic, now: int) -> Traffic:
    """With the digest of exhausted deliveries among the untold, if there are any and its time has come."""
    if not traffic.exhausted or now < digest_at(traffic):
        return traffic
    data: JsonObject = {
        "reason": "gone" if traffic.exhausted_gone == traffic.exhausted else "attempts_used_up",
        "count": traffic.exhausted,
        "deliveryIds": list(traffic.examples),
        "window": DIGEST_MS // 1000,
    }
    if traffic.exhausted_gone:
        data["gone"] = traffic.exhausted_gone
    untold = (*traffic.untold, Untold("delivery.exhausted", now, data))
    return replace(traffic, digested_at=now, exhausted=0, exhausted_gone=0, examples=(), untold=untold)


def digest_at(traffic: Traffic) -> int:
    """When the next digest may come."""
    return traffic.digested_at + DIGEST_MS


def without(traffic: Traffic, told: Sequence[Untold]) -> Traffic:
    """The state once these are published."""
    return replace(traffic, untold=tuple(one for one in traffic.untold if one not in told))
