"""Times: Unix milliseconds inside, ISO 8601 UTC outside (docs/api-contract.md, "Values")."""

import time
from datetime import UTC, date, datetime, timedelta

_DAY_MS = 86_400_000
_EPOCH = datetime.fromtimestamp(0, UTC)


def now_ms() -> int:
    """The wall clock, in Unix milliseconds."""
    return time.time_ns() // 1_000_000


def iso_seconds(ms: int) -> str:
    """A time to the second: `2025-01-06T12:00:00Z`."""
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_seconds_or_none(ms: int | None) -> str | None:
    """`iso_seconds` of a time that may be missing."""
    return None if ms is None else iso_seconds(ms)


def iso_millis(ms: int) -> str:
    """A time to the millisecond, as logs and deliveries have: `2025-01-06T12:00:00.123Z`."""
    return f"{iso_seconds(ms)[:-1]}.{ms % 1000:03d}Z"


def parse_until(text: str) -> int:
    """As `parse_iso`, for the inclusive end of a range: a date includes all of that day in UTC, a second all of it.

    A time with a fraction of a second, also one of zeros, means that millisecond.
    """
    ms = parse_iso(text)
    if "." in text or "," in text:
        return ms
    return ms + (_DAY_MS if _is_date(text) else 1000) - 1


def parse_iso(text: str) -> int:
    """Unix milliseconds of an ISO 8601 date or time; one without an offset is taken as UTC.

    Raises ValueError for anything else, and for years outside 1970 to 9999.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    ms = (moment - _EPOCH) // timedelta(milliseconds=1)  # whole numbers: a float loses some milliseconds
    if not 0 <= ms < 253_402_300_800_000:
        raise ValueError("out of range")
    return ms


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
