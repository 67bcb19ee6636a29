"""The rate limit of a webhook: never more than so many deliveries in any second. Pure: times (ms) and chance come in.

The sends of the last second are remembered by count. A token bucket of the same rate would let twice as many through in
the second after a pause. What is over the limit gets places in a line, one behind the other at the pace of the limit;
while there is a line, what is new goes to its end.
"""

from dataclasses import dataclass

SECOND_MS = 1_000
_GRAIN_MS = 20
MAX_LINE_MS = 900_000
"""How far ahead places are given: what the queue can keep (DelaySeconds)."""


@dataclass(frozen=True)
class Pace:
    """`taken`: when deliveries went, and how many (rounded up to 20 ms); `line_until`: where the line ends."""

    taken: tuple[tuple[int, int], ...] = ()
    line_until: int = 0


def take(
    pace: Pace, *, limit: int, returning: int, fresh: int, now: int, fraction: float
) -> tuple[Pace, int, tuple[int, ...]]:
    """How many of `returning + fresh` deliveries may go now, and when each of the others comes again.

    Those that were put off before go first. `limit` is per second; `fraction` (0 to 1) spreads what finds no place.
    """
    taken = tuple((at, count) for at, count in pace.taken if at > now - SECOND_MS)
    free = max(0, limit - sum(count for _, count in taken))
    lined_up = pace.line_until > now + SECOND_MS
    go = min(free, returning + (0 if lined_up else fresh))
    if go:
        at = -(-now // _GRAIN_MS) * _GRAIN_MS
        taken = (*((when, count) for when, count in taken if when != at), (at, go + dict(taken).get(at, 0)))
    waiting = returning + fresh - go
    if not waiting:
        return Pace(taken, pace.line_until), go, ()
    start = max(pace.line_until, now + SECOND_MS)
    last = now + MAX_LINE_MS
    places = (start + place * SECOND_MS // limit for place in range(waiting))
    again = tuple(at if at <= last else _anywhere(place, fraction, now) for place, at in enumerate(places))
    return Pace(taken, min(start + -(-waiting * SECOND_MS // limit), last)), go, again


def _anywhere(place: int, fraction: float, now: int) -> int:
    """A moment in the second half of the line, another one for each place."""
    golden = 0.618_033_988_75
    return now + round(MAX_LINE_MS * (0.5 + 0.5 * ((fraction + place * golden) % 1)))
