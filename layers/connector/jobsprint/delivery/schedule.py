"""When a delivery is tried, and when it ends (contract, section 4). Pure: times and chance come in."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from jobsprint.domain.models import Attempt, DeliveryPolicy, DeliveryState

MAX_RETRY_AFTER_SECONDS = 3600
"""The longest Retry-After that is honoured."""

JITTER = 0.1
"""The share by which chance may lengthen a wait; it never shortens one."""

GONE = 410
_TELLS_WHEN = frozenset({429, 503})
_MAX_DIGITS = 10


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an attempt makes of its delivery; `next_at` (Unix ms) only while it is `retrying`.

    `gone`: the receiver wants no more deliveries at all (410).
    """

    state: DeliveryState
    next_at: int | None = None
    gone: bool = False


def schedule_of(policy: DeliveryPolicy, default: Sequence[int]) -> Sequence[int]:
    """The seconds before each attempt: the webhook's own, else the service's `default`."""
    return policy.retry_schedule or default


def first_at(schedule: Sequence[int], now: int) -> int:
    """When the first attempt at an event of `now` (Unix ms) comes; 0 where it comes at once."""
    return now + schedule[0] * 1000 if schedule[0] else 0


def verdict(
    attempt: Attempt, retry_after: str | None, *, schedule: Sequence[int], base: int, now: int, fraction: float
) -> Verdict:
    """What the delivery is after `attempt` ended at `now` (Unix ms).

    `retry_after` is the value of that header, if there was one. `schedule` holds the seconds before each attempt, so
    its length is the number of attempts; it counts from the attempt after `base`. `fraction` is a random number from 0
    to 1.
    """
    if attempt.status == "success":
        return Verdict("delivered")
    if attempt.http_status == GONE:
        return Verdict("exhausted", gone=True)
    tried = attempt.number - base
    if tried >= len(schedule):
        return Verdict("exhausted")
    asked = retry_after_seconds(retry_after, now) if attempt.http_status in _TELLS_WHEN else 0
    wait = lengthened(max(schedule[tried], asked), fraction)
    return Verdict("retrying", next_at=now + math.ceil(wait * 1000))


def lengthened(seconds: float, fraction: float) -> float:
    """`seconds` and up to a tenth more, as `fraction` (0 to 1) says: retries of one moment spread out."""
    return seconds * (1 + JITTER * fraction)


def retry_after_seconds(value: str | None, now: int) -> int:
    """The seconds that a Retry-After asks for, at most an hour; 0 for none or one that cannot be read.

    RFC 9110, section 10.2.3: whole seconds, or an HTTP date. `now` in Unix ms.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        # int() refuses absurd lengths; anything of this many digits is over the limit anyway.
        return MAX_RETRY_AFTER_SECONDS if len(text) > _MAX_DIGITS else min(int(text), MAX_RETRY_AFTER_SECONDS)
    try:
        date = parsedate_to_datetime(text)
        # An HTTP date is in GMT, also where it does not say so (RFC 9110, section 5.6.7).
        date = date if date.tzinfo else date.replace(tzinfo=UTC)
        seconds = math.ceil(date.timestamp() - now / 1000)
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0
    return min(max(seconds, 0), MAX_RETRY_AFTER_SECONDS)
