"""The request limit of each tenant: 429 over it, and `RateLimit` headers (draft-ietf-httpapi-ratelimit-headers).

It fails open: while the shared bucket cannot be changed, requests pass, and the metric `RequestLimitFailed` rings an
alarm.
"""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from jobsprint.core.cache import BoundedCache
from jobsprint.core.clock import now_ms
from jobsprint.core.config import settings
from jobsprint.core.errors import RateLimited
from jobsprint.core.observability import count, logger
from jobsprint.domain import token_bucket
from jobsprint.domain.token_bucket import Limit, Share
from jobsprint.repositories import request_rates

_PAUSE_MS = 1_000
"""How long no write is tried after one failed, so that a slow table does not slow down every request."""

_shares: BoundedCache[str, Share] = BoundedCache(1000)
_paused_until: dict[str, int] = {}


def forget() -> None:
    """Begin as a new container does."""
    _shares.clear()
    _paused_until.clear()
    _container.cache_clear()


@cache
def _container() -> str:
    return os.urandom(6).hex()  # not at import: containers that start from one snapshot would share it


def take(tenant: str, *, is_read: bool) -> dict[str, str]:
    """Take a token for a request of a tenant; the headers of its answer. Raises RateLimited, with them, for none."""
    limit, now = Limit(settings().tenant_rate, settings().tenant_burst), now_ms()
    share = _shares.get(tenant, Share())
    if token_bucket.remaining(share, limit, now) < 1:
        seconds = token_bucket.retry_after(share, limit, now)
        error = RateLimited("Too many requests; slow down", retry_after=seconds)
        error.headers |= _headers(share, limit, now)
        raise error
    share = share.taken(limit, is_read=is_read, now=now)
    if token_bucket.must_count(share, limit, now):
        share = _counted(tenant, share, limit, now)
    _shares[tenant] = share
    return _headers(share, limit, now)


def take_from_address(event: Mapping[str, Any]) -> None:
    """Count a request of a caller that is not known by the address it comes from, so that nobody tries many tokens.

    `event` is API Gateway's. Raises RateLimited.
    """
    address = ((event.get("requestContext") or {}).get("identity") or {}).get("sourceIp") or "unknown"
    take(f"address#{address}", is_read=False)


def _counted(tenant: str, share: Share, limit: Limit, now: int) -> Share:
    if now < _paused_until.get("", 0):
        return share
    try:
        seen = share.shared_full_at
        before = request_rates.add(tenant, _container(), limit, share.uncounted, seen=seen, now=now)
    except Exception:  # noqa: BLE001 - see above
        logger.exception("request_limit_failed")
        count({"RequestLimitFailed": 1})
        _paused_until[""] = now + _PAUSE_MS
        return share
    alone = before.counted_by in ("", _container()) or before.counted_at < now - token_bucket.ALONE_MS
    return share.counted(limit, before.full_at, alone=alone, now=now)


def _headers(share: Share, limit: Limit, now: int) -> dict[str, str]:
    left = max(0, int(token_bucket.remaining(share, limit, now)))
    until_full = max(0, -(-int(share.full_at - now) // 1000))
    window = max(1, round(limit.burst / limit.rate))
    return {
        "RateLimit-Policy": f'"tenant";q={limit.burst};w={window}',
        "RateLimit": f'"tenant";r={left};t={until_full}',
    }
