"""When an action in the background is tried again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobsprint.core.errors import Conflict, JobsprintError, RateLimited, UpstreamFailed
from jobsprint.domain.actions import MAX_TRIES, PATIENCE_MS, again_at
from jobsprint.domain.circuit_breaker import refusal

NOW = 1_736_164_800_000


@given(st.integers(1, 3600), st.integers(0, MAX_TRIES - 1), st.floats(0, 1), st.integers(0, PATIENCE_MS))
def test_never_earlier_than_asked_and_never_after_its_patience(
    asked: int, tries: int, fraction: float, age: int
) -> None:
    error = RateLimited("less", retry_after=asked)

    at = again_at(error, created_at=NOW - age, tries=tries, now=NOW, fraction=fraction)

    wait = max(asked, min(2**tries, 300)) * 1000
    if at is None:
        assert age + wait * 1.1 + 1 > PATIENCE_MS
    else:
        assert wait <= at - NOW <= wait * 1.1 + 1
        assert at - NOW + age <= PATIENCE_MS


def test_an_open_circuit_is_waited_for() -> None:
    assert again_at(refusal(30_000), created_at=NOW, tries=0, now=NOW, fraction=0) == NOW + 30_000


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (None, 0),
        (UpstreamFailed("no"), 0),
        (UpstreamFailed("not reached", sent=False), 0),
        (UpstreamFailed("who knows", unknown=True, headers={"Retry-After": "5"}), 0),
        (Conflict("no", code="not_connected"), 0),
        (RateLimited("less", retry_after=5), MAX_TRIES),
    ],
)
def test_everything_else_ends(error: JobsprintError | None, tries: int) -> None:
    assert again_at(error, created_at=NOW, tries=tries, now=NOW, fraction=0) is None


def test_one_that_asks_for_a_second_each_time_gives_up() -> None:
    now, tries = NOW, 0
    error = RateLimited("less", retry_after=1)
    while (at := again_at(error, created_at=NOW, tries=tries, now=now, fraction=0)) is not None:
        now, tries = at, tries + 1
    assert 10 < tries <= MAX_TRIES
    assert now - NOW <= PATIENCE_MS
