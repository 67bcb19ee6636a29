"""Attempts as counts, and what is read from them."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from jobsprint.domain import delivery_stats
from jobsprint.domain.deliveries import Attempt
from jobsprint.domain.delivery_stats import counted, is_count, metrics_of

ATTEMPTS = st.builds(
    Attempt,
    number=st.just(1),
    status=st.sampled_from(["success", "error", "unknown"]),
    started_at=st.just(0),
    duration_ms=st.integers(0, 20_000),
    http_status=st.none() | st.sampled_from([200, 301, 404, 500, 999]),
    failure=st.none() | st.sampled_from(["dns", "http_4xx", "blocked_address: link_local", "timeout_body"]),
)


@given(st.lists(ATTEMPTS, max_size=30), st.lists(ATTEMPTS, max_size=30))
def test_counts_add_up_and_lose_nothing(first: list[Attempt], second: list[Attempt]) -> None:
    together = Counter(counted(first))
    together.update(counted(second))
    assert together == counted([*first, *second])
    assert all(is_count(name) for name in together)

    said = metrics_of(together)
    attempts = [*first, *second]
    assert said.successful == sum(attempt.status == "success" for attempt in attempts)
    assert said.successful + said.failed == len(attempts) == sum(said.code_classes.values())
    assert sum(said.failures.values()) == sum(
        attempt.failure is not None and attempt.status != "success" for attempt in attempts
    )
    ended = sorted(attempt.duration_ms for attempt in attempts if attempt.status != "unknown")
    assert (said.p95 is None) == (not ended)
    if said.p50 is not None:
        exact = ended[(len(ended) + 1) // 2 - 1]
        assert abs(said.p50 - exact) <= delivery_stats.MAX_ERROR * exact + 0.5


def test_the_figures_of_a_few() -> None:
    answered = [Attempt(1, "success", 0, 10, 200), Attempt(1, "error", 0, 1000, 503, "http_5xx")]
    lost = Attempt(1, "unknown", 0, 0, None, "worker_died")

    said = metrics_of(counted([*answered, *answered, lost]))

    assert (said.successful, said.failed, said.success_rate) == (2, 3, 0.4)
    assert said.code_classes == {"2xx": 2, "5xx": 2, "none": 1}
    assert said.failures == {"http_5xx": 2, "worker_died": 1}
    assert (said.p50, said.p95) == (10, 939)
