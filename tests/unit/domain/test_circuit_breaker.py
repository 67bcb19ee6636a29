"""The circuit of a connection, as pure rules."""

import pytest

from jobsprint.core.errors import Conflict, JobsprintError, RateLimited, UpstreamFailed, UpstreamTimeout
from jobsprint.domain import circuit_breaker
from jobsprint.domain.circuit_breaker import OPEN_MS, WINDOW_MS, CircuitBreaker

NOW = 1_000_000


def test_a_closed_circuit_lets_calls_through() -> None:
    assert circuit_breaker.check(CircuitBreaker(), NOW)
    assert circuit_breaker.check(CircuitBreaker(failures=4, failing_since=NOW), NOW)


@pytest.mark.parametrize(("left", "shown"), [(1, "1"), (999, "1"), (1000, "1"), (1001, "2"), (OPEN_MS, "30")])
def test_an_open_one_says_when(left: int, shown: str) -> None:
    with pytest.raises(UpstreamFailed) as open_circuit:
        circuit_breaker.check(CircuitBreaker(failures=5, open_until=NOW + left), NOW)
    assert (open_circuit.value.status, open_circuit.value.code) == (502, "circuit_open")
    assert open_circuit.value.headers == {"Retry-After": shown}
    assert not open_circuit.value.sent

    with pytest.raises(RateLimited) as limited:
        circuit_breaker.check(CircuitBreaker(limited_until=NOW + left), NOW)
    assert (limited.value.status, limited.value.code) == (429, "upstream_rate_limited")
    assert limited.value.headers == {"Retry-After": shown}


def test_after_its_time_one_call_may_probe() -> None:
    assert not circuit_breaker.check(CircuitBreaker(failures=5, open_until=NOW), NOW)
    assert circuit_breaker.check(CircuitBreaker(limited_until=NOW), NOW)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (None, False),
        (UpstreamFailed("no"), False),
        (UpstreamFailed("no", unknown=True), False),
        (UpstreamFailed("down", outage=True), True),
        (UpstreamTimeout("slow", outage=True), True),
        (RateLimited("less", retry_after=5), False),
        (Conflict("no"), False),
    ],
)
def test_which_ends_of_a_call_are_outages(error: JobsprintError | None, expected: bool) -> None:
    assert circuit_breaker.is_outage(error) is expected


def test_only_a_429_limits_calls() -> None:
    assert circuit_breaker.limited_until(RateLimited("less", retry_after=7), NOW) == NOW + 7000
    assert circuit_breaker.limited_until(UpstreamFailed("down", outage=True), NOW) is None
    assert circuit_breaker.limited_until(None, NOW) is None


def test_a_streak_of_outages_must_be_close_together() -> None:
    assert circuit_breaker.starts_streak(CircuitBreaker(), NOW)
    assert not circuit_breaker.starts_streak(CircuitBreaker(failures=4, failing_since=NOW - WINDOW_MS), NOW)
    assert circuit_breaker.starts_streak(CircuitBreaker(failures=4, failing_since=NOW - WINDOW_MS - 1), NOW)
    # A probe that fails continues the streak that opened the circuit, however long ago that was.
    assert not circuit_breaker.starts_streak(CircuitBreaker(failures=5, failing_since=1, open_until=NOW), NOW)
