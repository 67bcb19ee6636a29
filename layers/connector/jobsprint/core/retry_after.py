"""The Retry-After header of HTTP."""

import math
from datetime import UTC
from email.utils import parsedate_to_datetime

MAX_RETRY_AFTER_SECONDS = 3600
"""The longest Retry-After that is honoured."""

_MAX_DIGITS = 10


def retry_after_seconds(value: str | None, now: int) -> int | None:
    """The seconds that a Retry-After header asks for, 0 to an hour; None for no header or an invalid one.

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
        return None
    return min(max(seconds, 0), MAX_RETRY_AFTER_SECONDS)
