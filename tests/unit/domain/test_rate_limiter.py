"""The rate limit as pure rules."""

import heapq
import random
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from jobsprint.domain.rate_limiter import MAX_AHEAD_MS, SECOND_MS, RateLimiter, take

ARRIVALS = st.lists(st.tuples(st.integers(0, 700), st.integers(0, 10), st.integers(0, 10)), max_size=80)


@given(limit=st.integers(1, 60), arrivals=ARRIVALS)
def test_never_more_than_the_limit_goes_in_any_second(limit: int, arrivals: list[tuple[int, int, int]]) -> None:
    limiter, went = RateLimiter(), []
    times = accumulate(gap for gap, _, _ in arrivals)
    for now, (_, returning, fresh) in zip(times, arrivals, strict=True):
        limiter, go, again = take(limiter, limit=limit, returning=returning, fresh=fresh, now=now, fraction=0.5)
        assert go + len(again) == returning + fresh
        assert all(now + SECOND_MS <= at <= now + MAX_AHEAD_MS for at in again)
        went += [now] * go
    for start in went:
        assert sum(start <= at < start + SECOND_MS for at in went) <= limit


@given(limit=st.integers(1, 1000), waiting=st.integers(1, 60))
def test_what_is_over_the_limit_comes_at_its_pace(limit: int, waiting: int) -> None:
    _, go, again = take(RateLimiter(), limit=limit, returning=0, fresh=limit + waiting, now=0, fraction=0.0)
    assert go == limit
    for start in again:
        assert sum(start <= at < start + SECOND_MS for at in again if at < MAX_AHEAD_MS / 2) <= limit


@given(fraction=st.floats(0, 1))
def test_without_free_slots_deliveries_are_spread_over_the_time_ahead(fraction: float) -> None:
    limiter = RateLimiter()
    for _ in range(5):
        limiter, _, again = take(limiter, limit=1, returning=0, fresh=400, now=0, fraction=fraction)
        assert max(again) <= MAX_AHEAD_MS
    assert limiter.slots_until <= MAX_AHEAD_MS
    assert len(set(again)) > 300, "not all at once"


def test_nothing_changes_where_nothing_is_over() -> None:
    limiter, go, again = take(RateLimiter(), limit=5, returning=0, fresh=5, now=1_000, fraction=0.0)
    assert (go, again, limiter.slots_until) == (5, (), 0)


def test_a_backlog_goes_at_four_fifths_of_the_limit_or_more() -> None:
    """Fifty a second come for half a minute, ten are let through, through a queue that counts whole seconds."""
    chance, limit = random.Random(1), 10
    waiting = [(chance.uniform(0, 30_000), number, False) for number in range(1500)]
    heapq.heapify(waiting)
    limiter, went, deferrals = RateLimiter(), [], 0
    while waiting:
        now, number, returning = heapq.heappop(waiting)
        limiter, go, again = take(
            limiter, limit=limit, returning=returning, fresh=not returning, now=int(now), fraction=chance.random()
        )
        if go:
            went.append(now)
        else:
            deferrals += 1
            delay = -(-(again[0] - now) // 1000) * 1000
            heapq.heappush(waiting, (now + delay, number, True))
    assert len(went) == 1500
    assert 149_000 <= max(went) <= 150_000 / 0.8
    assert deferrals < 1.3 * 1500, "nothing is asked for again and again"
