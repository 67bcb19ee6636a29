"""The circuit breaker of a connection to an upstream, and its rate limiting by Retry-After.

After Nygard ("Release It!"): after a streak of failures nothing is sent for a while; then one call is the half-open
probe, and its outcome closes the circuit breaker or opens it again. Pure: times come in as Unix milliseconds.
"""

from dataclasses import dataclass

from jobsprint.core.errors import JobsprintError, RateLimited, UpstreamFailed

FAILURES_UNTIL_OPEN = 5
WINDOW_MS = 60_000
"""A failure streak opens the circuit breaker only if it began within this time."""

OPEN_MS = 30_000
"""How long an open circuit breaker lets no call through."""


@dataclass(frozen=True)
class CircuitBreaker:
    """The state of a connection: `failures` in a row since `failing_since`; nothing is sent before `open_until` (0: the
    circuit is closed) nor before `limited_until` (a 429's Retry-After)."""

    failures: int = 0
    failing_since: int = 0
    open_until: int = 0
    limited_until: int = 0


def check(circuit: CircuitBreaker, now: int) -> bool:
    """Whether a call may be made: False means only as the half-open probe.

    Raises RateLimited until the upstream's Retry-After, and UpstreamFailed `circuit_open` while the circuit breaker is
    open; both with Retry-After.
    """
    if circuit.limited_until > now:
        raise RateLimited(
            "The upstream wants fewer calls; nothing was sent",
            code="upstream_rate_limited",
            retry_after=_seconds(circuit.limited_until - now),
        )
    if circuit.open_until > now:
        raise refusal(circuit.open_until - now)
    return circuit.open_until == 0


def refusal(wait_ms: int) -> UpstreamFailed:
    """The error for a call that an open circuit breaker refuses."""
    return UpstreamFailed(
        "The upstream has failed several times in a row; nothing was sent. It is tried again in a moment",
        code="circuit_open",
        sent=False,
        headers={"Retry-After": str(_seconds(wait_ms))},
    )


def starts_streak(circuit: CircuitBreaker, now: int) -> bool:
    """Whether a failure now begins a new streak: those before were too long ago to open the circuit breaker with it."""
    return circuit.open_until == 0 and now - circuit.failing_since > WINDOW_MS


def is_outage(error: JobsprintError | None) -> bool:
    """Whether a call found the upstream down; one that refuses or reports an error is not."""
    return isinstance(error, UpstreamFailed) and error.outage


def limited_until(error: JobsprintError | None, now: int) -> int | None:
    """The time of the upstream's Retry-After, if it sent one."""
    return now + error.retry_after * 1000 if isinstance(error, RateLimited) else None


def _seconds(ms: int) -> int:
    return max(1, -(-ms // 1000))
