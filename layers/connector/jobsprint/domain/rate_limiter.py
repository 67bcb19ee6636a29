"""The rate limit of a webhook: never more than so many deliveries in any second.

Pure: times (ms) and random numbers come in. The deliveries of the last second are remembered by count, because a token
bucket of the same rate would let twice as many through in the second after a pause. Deliveries over the limit get slots
at the rate of the limit, one after the other; while slots are taken, new deliveries get the next ones.
"""

from dataclasses import dataclass

SECOND_MS = 1_000
_ROUNDED_TO_MS = 20
MAX_AHEAD_MS = 900_000
"""How far ahead slots are given: what the queue can delay (DelaySeconds)."""


@dataclass(frozen=True)
class RateLimiter:
    """`sent`: times (rounded up to 20 ms) and numbers of recent deliveries; `slots_until`: when the last slot ends."""

    sent: tuple[tuple[int, int], ...] = ()
    slots_until: int = 0


def take(
    limiter: RateLimiter, *, limit: int, returning: int, fresh: int, now: int, fraction: float
) -> tuple[RateLimiter, int, tuple[int, ...]]:
    """How many of `returning + fresh` deliveries may be sent now, and the slot of each of the others.

    Those that were deferred before are sent first. `limit` is per second; `fraction` (0 to 1) spreads the deliveries
    for which no slot is left.
    """
    sent = tuple((at, count) for at, count in limiter.sent if at > now - SECOND_MS)
    free = max(0, limit - sum(count for _, count in sent))
    others_wait = limiter.slots_until > now + SECOND_MS
    allowed = min(free, returning + (0 if others_wait else fresh))
    if allowed:
        at = -(-now // _ROUNDED_TO_MS) * _ROUNDED_TO_MS
        sent = (*((when, count) for when, count in sent if when != at), (at, allowed + dict(sent).get(at, 0)))
    waiting = returning + fresh - allowed
    if not waiting:
        return RateLimiter(sent, limiter.slots_until), allowed, ()
    start = max(limiter.slots_until, now + SECOND_MS)
    last = now + MAX_AHEAD_MS
    slots = (start + index * SECOND_MS // limit for index in range(waiting))
    retry_at = tuple(at if at <= last else _spread(index, fraction, now) for index, at in enumerate(slots))
    return RateLimiter(sent, min(start + -(-waiting * SECOND_MS // limit), last)), allowed, retry_at


def _spread(index: int, fraction: float, now: int) -> int:
    """A moment in the later half of the time ahead, another one for each index."""
    golden = 0.618_033_988_75
    return now + round(MAX_AHEAD_MS * (0.5 + 0.5 * ((fraction + index * golden) % 1)))
