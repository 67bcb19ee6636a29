"""Quantiles from buckets against exact ones."""

import math
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from jobsprint.domain import delivery_stats


@given(
    st.lists(st.integers(0, 60_000) | st.integers(0, 50), min_size=1, max_size=300),
    st.sampled_from([0.01, 0.5, 0.9, 0.95, 0.99, 1.0]),
)
def test_a_quantile_is_within_its_stated_error(durations: list[int], share: float) -> None:
    exact = sorted(durations)[math.ceil(share * len(durations)) - 1]

    found = delivery_stats.quantile(Counter(map(delivery_stats.bucket, durations)), share)

    assert found is not None
    assert abs(found - exact) <= delivery_stats.MAX_ERROR * exact + 0.5


@given(st.integers(0, 10**9))
def test_buckets_are_in_order_and_few(ms: int) -> None:
    assert delivery_stats.bucket(ms) <= delivery_stats.bucket(ms + 1) <= 64


def test_the_error_is_what_the_documentation_says() -> None:
    assert round(delivery_stats.MAX_ERROR, 3) == 0.091


def test_nothing_has_no_quantile() -> None:
    assert delivery_stats.quantile({}, 0.5) is None
    assert delivery_stats.quantile({3: 0}, 0.5) is None
