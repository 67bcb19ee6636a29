"""The request rate of a tenant over many containers, in virtual time: how exact it is, and how many writes it takes."""

import random
from dataclasses import dataclass, field

import pytest

from jobsprint.domain import token_bucket
from jobsprint.domain.token_bucket import Limit, Share

LIMIT = Limit(100, 200)
WRITE = 0.625 / 1_000_000
"""Dollars of a write unit on demand, us-east-1."""


@dataclass
class Containers:
    """So many containers and the bucket that they share."""

    number: int
    seed: int = 0
    full_at: float = 0.0
    counted_by: int | None = None
    counted_at: int = 0
    passed: int = 0
    refused: int = 0
    writes: int = 0
    shares: list[Share] = field(default_factory=list)

    def run(self, per_second: float, seconds: float, *, reads: float = 0.0) -> "Containers":
        """Requests at random times to random containers, `reads` of them reads."""
        chance = random.Random(self.seed)
        self.shares = [Share() for _ in range(self.number)]
        start = now = 1_000_000.0
        while (now := now + chance.expovariate(per_second) * 1000) < start + seconds * 1000:
            self._request(chance.randrange(self.number), int(now), is_read=chance.random() < reads)
        return self

    def _request(self, container: int, now: int, *, is_read: bool) -> None:
        share = self.shares[container]
        if token_bucket.remaining(share, LIMIT, now) < 1:
            assert token_bucket.retry_after(share, LIMIT, now) >= 1
            self.refused += 1
            return
        share = share.taken(LIMIT, is_read=is_read, now=now)
        if token_bucket.must_count(share, LIMIT, now):
            share = self._count(container, share, now)
        self.shares[container] = share
        self.passed += 1

    def _count(self, container: int, share: Share, now: int) -> Share:
        before = self.full_at
        others = self.counted_by not in (None, container) and self.counted_at > now - token_bucket.ALONE_MS
        self.full_at = max(before, now) + LIMIT.cost_ms(share.uncounted)
        self.counted_by, self.counted_at = container, now
        self.writes += 1
        return share.counted(LIMIT, before, alone=not others, now=now)

    @property
    def writes_per_call(self) -> float:
        return self.writes / (self.passed + self.refused)


def allowed(seconds: float) -> float:
    return LIMIT.burst + LIMIT.rate * seconds


@pytest.mark.parametrize("reads", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("containers", [1, 2, 5, 10, 20])
@pytest.mark.parametrize("per_second", [120, 150, 300, 1000])
def test_at_most_a_tenth_over_the_limit_passes(per_second: int, containers: int, reads: float) -> None:
    for seconds in (2, 5, 20) if containers <= 10 else (5, 20):
        run = Containers(containers).run(per_second, seconds, reads=reads)
        assert run.passed <= 1.1 * allowed(seconds), seconds


@pytest.mark.parametrize("reads", [0.0, 1.0])
@pytest.mark.parametrize("containers", [1, 5, 20])
def test_what_the_limit_allows_passes(containers: int, reads: float) -> None:
    assert Containers(containers).run(90, 60, reads=reads).refused == 0
    flooded = Containers(containers).run(1000, 30, reads=reads)
    assert flooded.passed >= 0.9 * allowed(30)


@pytest.mark.parametrize("reads", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("containers", [1, 5, 20, 100])
@pytest.mark.parametrize("per_second", [1, 10, 49, 90, 150, 1000])
def test_a_million_calls_cost_at_most_seventy_cents(per_second: int, containers: int, reads: float) -> None:
    run = Containers(containers).run(per_second, 2000 / per_second + 2, reads=reads)
    assert run.writes_per_call * 1_000_000 * WRITE <= 0.70


def test_one_write_counts_ten_requests_of_a_busy_tenant() -> None:
    assert Containers(1).run(49, 60).writes_per_call == pytest.approx(0.1, abs=0.01)
    assert Containers(5).run(49, 60).writes_per_call < 0.2


def test_reads_below_half_the_limit_cost_hardly_a_write() -> None:
    """None would be none where a flood of reads over many containers is noticed: somebody has to write something."""
    assert Containers(1).run(49, 60, reads=1.0).writes_per_call < 0.025
    assert Containers(5).run(49, 60, reads=1.0).writes_per_call <= 0.1


def test_a_refused_request_costs_nothing() -> None:
    run = Containers(1).run(1000, 10)
    assert run.writes <= run.passed


def test_a_bucket_that_was_overdrawn_takes_longer_to_refill() -> None:
    share = Share().counted(LIMIT, 1_002_500.0, alone=False, now=1_000_000)
    assert token_bucket.remaining(share, LIMIT, 1_000_000) == -50
    assert token_bucket.retry_after(share, LIMIT, 1_000_000) == 1
    assert token_bucket.remaining(share, LIMIT, 1_001_500) == 100
    assert token_bucket.remaining(share, LIMIT, 1_009_000) == 200
