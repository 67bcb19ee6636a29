"""The request rate of a tenant: a token bucket that refills at `rate` a second up to `burst`.

Stored is one number, the time (Unix ms) at which the bucket will be full again: each request moves it by `1000 / rate`
ms. A bucket whose time has passed is full.

Many containers share it. Each counts what it lets through and adds that to the shared bucket in one write: ten
requests together while the bucket is full, fewer the emptier it is, each by itself at the end. What was let through is
always added, so a bucket that several containers overdrew takes longer to refill.
"""

from dataclasses import dataclass, replace

BATCH = 10
"""Requests that a container counts together."""

READS_SHARE = 0.25
"""The same for reads, as a share of the burst, while no other container adds requests of the tenant."""

ALONE_MS = 10_000
"""How long a container that was the last to add requests takes for granted that it is the only one."""

STALE_MS = 500
"""How old what a container knows may be when it lets a request through that is no read."""


@dataclass(frozen=True)
class Limit:
    """Requests a second, and how many may come at once."""

    rate: float
    burst: int

    def cost_ms(self, requests: int) -> float:
        """By how much requests move the time at which the bucket is full."""
        return requests * 1000 / self.rate


@dataclass(frozen=True)
class Share:
    """What a container knows of a tenant's bucket, and what it has not added to it yet.

    `shared_full_at` is the shared time as it was at `known_at` (Unix ms), `full_at` the same with the container's own
    requests since. Until `alone_until` it takes for granted that no other container adds requests of the tenant.
    """

    full_at: float = 0.0
    shared_full_at: float = 0.0
    known_at: int = 0
    uncounted: int = 0
    reads: int = 0
    alone_until: int = 0

    def taken(self, limit: Limit, *, is_read: bool, now: int) -> "Share":
        """After one more request."""
        full_at = max(self.full_at, now) + limit.cost_ms(1)
        return replace(self, full_at=full_at, uncounted=self.uncounted + 1, reads=self.reads + is_read)

    def counted(self, limit: Limit, before: float, *, alone: bool, now: int) -> "Share":
        """After its requests were added to the shared bucket, which was full at `before`."""
        full_at = max(before, now) + limit.cost_ms(self.uncounted)
        return Share(full_at, full_at, known_at=now, alone_until=now + ALONE_MS if alone else 0)


def remaining(share: Share, limit: Limit, now: int) -> float:
    """The tokens that are left, as far as the container knows; below zero where the bucket is overdrawn."""
    return limit.burst - max(0.0, share.full_at - now) * limit.rate / 1000


def must_count(share: Share, limit: Limit, now: int) -> bool:
    """Whether the container adds its requests to the shared bucket now."""
    changes = share.uncounted - share.reads
    if changes and now - share.known_at > STALE_MS:
        return True
    left = remaining(share, limit, now) / limit.burst
    if left >= 0.5 and share.alone_until > now and not changes:
        return share.uncounted >= limit.burst * READS_SHARE
    return share.uncounted >= max(1, min(BATCH, round(BATCH * left + 1)))


def retry_after(share: Share, limit: Limit, now: int) -> int:
    """Whole seconds until there is a token again, at least one."""
    missing_ms = (1 - remaining(share, limit, now)) * 1000 / limit.rate
    return max(1, -(-int(missing_ms) // 1000))
