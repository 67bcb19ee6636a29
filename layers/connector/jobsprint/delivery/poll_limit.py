"""How many polls may be under way at once: `PER_TENANT` of a tenant, and `PollConcurrency` in all, else 429.

Not by reserved concurrency: API Gateway answers 500 where Lambda throttles. It fails open, as the request limit does.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from jobsprint.core.config import settings
from jobsprint.core.errors import RateLimited
from jobsprint.core.observability import count, logger
from jobsprint.repositories import poll_slots
from jobsprint.repositories.poll_slots import Slot

PER_TENANT = 5

_FUNCTION_MS = 30_000
"""Longer than the function may run, after which a slot that nobody gave back is free again."""

_LONGEST_RETRY_AFTER = 20


@contextmanager
def slot(tenant: str, now: int) -> Iterator[None]:
    """While a tenant's poll, which begins now (ms), is under way. Raises RateLimited where there are too many."""
    taken: list[Slot] = []
    try:
        own = f"{PER_TENANT} polls of this tenant are under way: wait for one to end"
        _take(taken, poll_slots.of_tenant(tenant), PER_TENANT, now, own)
        everybody = "As many polls are under way as this deployment takes (PollConcurrency); try again"
        _take(taken, poll_slots.ALL_TENANTS, settings().poll_concurrency, now, everybody)
        yield
    finally:
        for one in taken:
            _give_back(one)


def _take(taken: list[Slot], key: str, slots: int, now: int, message: str) -> None:
    try:
        found = poll_slots.take(key, slots, now + _FUNCTION_MS, now)
    except Exception:  # noqa: BLE001 - see above
        logger.exception("poll_limit_failed")
        count({"RequestLimitFailed": 1})
        return
    if isinstance(found, Slot):
        taken.append(found)
        return
    seconds = -(-(found.until - now) // 1000)
    count({"PollsRefused": 1})
    raise RateLimited(message, code="too_many_polls", retry_after=min(max(1, seconds), _LONGEST_RETRY_AFTER))


def _give_back(one: Slot) -> None:
    try:
        poll_slots.give_back(one)
    except Exception:  # noqa: BLE001 - it ends by itself
        logger.exception("poll_slot_not_given_back")
