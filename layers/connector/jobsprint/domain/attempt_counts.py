"""Attempts as counts: what is added up per webhook and hour, and the figures that are read from it. Pure.

Counts have short names, because they are attributes of an item: `ok`, `bad`, `c2xx` (code classes), `fdns` (failures)
and `t17` (durations, by bucket of `domain.latency`).
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct

from jobsprint.domain import latency, rules
from jobsprint.domain.deliveries import code_class
from jobsprint.domain.failures import kind_of
from jobsprint.domain.models import Attempt

OK, BAD = "ok", "bad"
_CLASS, _FAILURE, _DURATION = "c", "f", "t"
_NAME = re.compile(r"ok|bad|c(?:[2-5]xx|none)|f[a-z0-9_]{1,40}|t\d{1,2}")


class Figures(Struct, frozen=True):
    """What counts say. Durations in ms (`domain.latency` states their error), None where no attempt's end was seen."""

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
            counts[f"{_DURATION}{latency.bucket(attempt.duration_ms)}"] += 1
    return counts


def is_count(name: str) -> bool:
    """Whether this is a name of a count."""
    return _NAME.fullmatch(name) is not None


def figures(counts: Mapping[str, int]) -> Figures:
    """What these counts say."""
    successful, failed = counts.get(OK, 0), counts.get(BAD, 0)
    durations = {int(name): count for name, count in _named(counts, _DURATION).items()}
    return Figures(
        successful=successful,
        failed=failed,
        success_rate=rules.success_rate(successful, failed),
        p50=latency.quantile(durations, 0.5),
        p95=latency.quantile(durations, 0.95),
        code_classes=_named(counts, _CLASS),
        failures=_named(counts, _FAILURE),
    )


def _named(counts: Mapping[str, int], prefix: str) -> dict[str, int]:
    return {name[1:]: count for name, count in sorted(counts.items()) if name[0] == prefix and is_count(name)}
