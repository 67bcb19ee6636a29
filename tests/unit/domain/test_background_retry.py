"""When an action in the background is retried."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobsprint.core.errors import Conflict, JobsprintError, RateLimited, UpstreamFailed
from jobsprint.domain.actions import MAX_RETRIES, RETRY_WINDOW_MS, retry_at
from jobsprint.domain.circuit_breaker import refusal

NOW = 1_736_164_800_000


@given(st.integers(1, 3600), st.integers(0, MAX_RETRIES - 1), st.floats(0, 1), st.integers(0, RETRY_WINDOW_MS))
def test_never_earlier_than_asked_and_never_after_the_window(
    asked: int, retries: int, fraction: float, age: int
) -> None:
    error = RateLimited("less", retry_after=asked)

    at = retry_at(error, created_at=NOW - age, retries=retries, now=NOW, fraction=fraction)

    wait = max(asked, min(2**retries, 300)) * 1000
    if at is None:
        assert age + wait * 1.1 + 1 > RETRY_WINDOW_MS
    else:
        assert wait <= at - NOW <= wait * 1.1 + 1
        assert at - NOW + age <= RETRY_WINDOW_MS


def test_an_open_circuit_is_waited_for() -> None:
    assert retry_at(refusal(30_000), created_at=NOW, retries=0, now=NOW, fraction=0) == NOW + 30_000


@pytest.mark.parametrize(
    ("error", "retries"),
    [
        (None, 0),
        (UpstreamFailed("no"), 0),
        (UpstreamFailed("not reached", sent=False), 0),
        (UpstreamFailed("who knows", unknown=True, headers={"Retry-After": "5"}), 0),
        (Conflict("no", code="not_connected"), 0),
        (RateLimited("less", retry_after=5), MAX_RETRIES),
    ],
)
def test_everything_else_ends(error: JobsprintError | None, retries: int) -> None:
    assert retry_at(error, created_at=NOW, retries=retries, now=NOW, fraction=0) is None


def test_one_that_asks_for_a_second_each_time_gives_up() -> None:
    now, retries = NOW, 0
    error = RateLimited("less", retry_after=1)
    while (at := retry_at(error, created_at=NOW, retries=retries, now=now, fraction=0)) is not None:
        now, retries = at, retries + 1
    assert 10 < retries <= MAX_RETRIES
    assert now - NOW <= RETRY_WINDOW_MS
