"""Attempts as counts: what is added up per webhook and hour, and the metrics that are read from it. Pure.

Counts have short names, because they are attributes of an item: `ok`, `bad`, `c2xx` (code classes), `fdns` (failures)
and `t17` (durations, by bucket of `domain.delivery_stats`).
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from jobsprint.domain import integrations
from jobsprint.domain.deliveries import Attempt, code_class
from jobsprint.domain.delivery_failures import kind_of

OK, BAD = "ok", "bad"
_CLASS, _FAILURE, _DURATION = "c", "f", "t"
_NAME = re.compile(r"ok|bad|c(?:[2-5]xx|none)|f[a-z0-9_]{1,40}|t\d{1,2}")


@dataclass(frozen=True)
class DeliveryMetrics:
    """Metrics of the attempts of some time. Durations in ms (within `MAX_ERROR`), None where no attempt ended."""

    successful: int
    failed: int
    success_rate: float
    p50: int | None
    p95: int | None
    code_classes: Mapping[str, int]
    failures: Mapping[str, int]


def counted(attempts: Iterable[Attempt]) -> Counter[str]:
    """The counts of these attempts."""
    counts: Counter[str] = Counter()
    for attempt in attempts:
        counts[OK if attempt.status == "success" else BAD] += 1
        counts[_CLASS + code_class(attempt)] += 1
        if attempt.failure and attempt.status != "success":
            counts[_FAILURE + kind_of(attempt.failure)] += 1
        if attempt.status != "unknown":
            counts[f"{_DURATION}{bucket(attempt.duration_ms)}"] += 1
    return counts


def is_count(name: str) -> bool:
    """Whether this is a name of a count."""
    return _NAME.fullmatch(name) is not None


def metrics_of(counts: Mapping[str, int]) -> DeliveryMetrics:
    """The metrics of these counts."""
    successful, failed = counts.get(OK, 0), counts.get(BAD, 0)
    durations = {int(name): count for name, count in _named(counts, _DURATION).items()}
    return DeliveryMetrics(
        successful=successful,
        failed=failed,
        success_rate=integrations.success_rate(successful, failed),
        p50=quantile(durations, 0.5),
        p95=quantile(durations, 0.95),
        code_classes=_named(counts, _CLASS),
        failures=_named(counts, _FAILURE),
    )


def _named(counts: Mapping[str, int], prefix: str) -> dict[str, int]:
    return {name[1:]: count for name, count in sorted(counts.items()) if name[0] == prefix and is_count(name)}


_PER_DOUBLING = 4
MAX_ERROR = 2 ** (1 / (2 * _PER_DOUBLING)) - 1
"""9.1 %: how far the middle of a bucket is from its edges."""

_LAST = 64


def bucket(ms: int) -> int:
    """The bucket of a duration; 0 is that of 0 ms, and durations over a minute are in the last one."""
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
