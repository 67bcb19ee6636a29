"""The retry policy: when a delivery is attempted again, and when it ends. Pure: times and random numbers come in."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from jobsprint.core.retry_after import retry_after_seconds
from jobsprint.domain.deliveries import Attempt, DeliveryState
from jobsprint.domain.integrations import DeliveryPolicy

JITTER = 0.1
"""The share by which jitter may lengthen a wait; it never shortens one."""

GONE = 410
_RETRY_AFTER_STATUSES = frozenset({429, 503})


@dataclass(frozen=True)
class RetryDecision:
    """The state of a delivery after an attempt; `next_at` (Unix ms) only while it is `retrying`.

    `gone`: the endpoint accepts no more deliveries at all (410).
    """

    state: DeliveryState
    next_at: int | None = None
    gone: bool = False


def schedule_of(policy: DeliveryPolicy, default: Sequence[int]) -> Sequence[int]:
    """The seconds before each attempt: the webhook's own, else the service's `default`."""
    return policy.retry_schedule or default


def first_at(schedule: Sequence[int], now: int) -> int:
    """When the first attempt for an event published at `now` (Unix ms) is due; 0 where it is at once."""
    return now + schedule[0] * 1000 if schedule[0] else 0


def decide(
    attempt: Attempt,
    retry_after: str | None,
    *,
    schedule: Sequence[int],
    base: int,
    now: int,
    fraction: float,
    final: Collection[int] = (),
) -> RetryDecision:
    """Decide whether and when to attempt a delivery again, after `attempt` ended at `now` (Unix ms).

    `retry_after` is the value of that header, if there was one. `schedule` holds the seconds before each attempt, so
    its length is the number of attempts; it counts from the attempt after `base`. `fraction` is a random number from 0
    to 1. A status among the `final` ones ends the delivery.
    """
    if attempt.status == "success":
        return RetryDecision("delivered")
    if attempt.http_status == GONE:
        return RetryDecision("exhausted", gone=True)
    tried = attempt.number - base
    if tried >= len(schedule) or attempt.http_status in final:
        return RetryDecision("exhausted")
    asked = (retry_after_seconds(retry_after, now) or 0) if attempt.http_status in _RETRY_AFTER_STATUSES else 0
    wait = lengthened(max(schedule[tried], asked), fraction)
    return RetryDecision("retrying", next_at=now + math.ceil(wait * 1000))


def lengthened(seconds: float, fraction: float) -> float:
    """`seconds` and up to a tenth more, as `fraction` (0 to 1) says: retries of one moment spread out."""
    return seconds * (1 + JITTER * fraction)
