"""Quantiles of durations from counts in buckets that grow by a constant factor. Pure.

A bucket is as wide as a quarter of a doubling, and stands for its geometric middle. So a quantile from buckets is off
by at most `MAX_ERROR` of the exact one, and half a millisecond for rounding; 64 buckets reach from 0 ms to a minute.
"""

import math
from collections.abc import Mapping

_PER_DOUBLING = 4
MAX_ERROR = 2 ** (1 / (2 * _PER_DOUBLING)) - 1
"""9.1 %: how far the middle of a bucket is from its edges."""

_LAST = 64


def bucket(ms: int) -> int:
    """The bucket of a duration; 0 is that of 0 ms, and what takes over a minute stands in the last one."""
    return 0 if ms < 1 else min(1 + math.floor(_PER_DOUBLING * math.log2(ms)), _LAST)


def quantile(counts: Mapping[int, int], share: float) -> int | None:
    """The duration (ms) that `share` (over 0, to 1) of all are not above, by nearest rank; None without any."""
    rank = math.ceil(share * sum(counts.values()))
    for number, count in sorted(counts.items()):
        rank -= count
        if rank <= 0 < count:
            return _middle(number)
    return None


def _middle(number: int) -> int:
    return 0 if number == 0 else round(2 ** ((number - 0.5) / _PER_DOUBLING))
