"""When an action in the background is tried again because the other side wants peace. Pure: time and chance come in."""

import math

from jobsprint.domain.errors import JobsprintError
from jobsprint.domain.outcomes import certainly_not_done

PATIENCE_MS = 3600 * 1000
"""How long after it was accepted an action may be tried again."""

MAX_TRIES = 20
_LONGEST_OWN_SECONDS = 300
_JITTER = 0.1


def again_at(error: JobsprintError | None, *, created_at: int, tries: int, now: int, fraction: float) -> int | None:
    """When (Unix ms) to try again what ended with `error` after `tries` postponements; None where that is its end.

    Only what was certainly not done and says when to come back (a 429, an open circuit) is tried again. From one try to
    the next at least twice as long goes by, up to five minutes, also where less was asked for; `fraction` (0 to 1)
    lengthens the wait by up to a tenth, because many may wait for the same side.
    """
    if error is None or "Retry-After" not in error.headers or not certainly_not_done(error) or tries >= MAX_TRIES:
        return None
    seconds = max(int(error.headers["Retry-After"]), min(2**tries, _LONGEST_OWN_SECONDS))
    at = now + math.ceil(seconds * (1 + _JITTER * fraction) * 1000)
    return at if at <= created_at + PATIENCE_MS else None
