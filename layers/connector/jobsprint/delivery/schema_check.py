"""The schema check: warnings for events that violate the schema of their type, which are published all the same.

A container caches the types of a tenant for a minute. So a change takes effect within a minute, and a tenant without
types costs one read per container and minute, not one per event.
"""

import time
from collections.abc import Callable
from typing import TypeVar

from jobsprint.core.cache import BoundedCache
from jobsprint.core.errors import Detail
from jobsprint.core.json_schema import Checker
from jobsprint.delivery.subscriptions import Data
from jobsprint.repositories.event_types import EventTypeStore

CACHED_SECONDS = 60
_MAX_BYTES = 24 * 1024 * 1024
_ENTRY_BYTES = 500


def _size(entry: "tuple[float, Checker | bool | None]") -> int:
    return _ENTRY_BYTES + (entry[1].kept_bytes if isinstance(entry[1], Checker) else 0)


cached_types: BoundedCache[tuple[str, str], tuple[float, "Checker | bool | None"]] = BoundedCache(_MAX_BYTES, _size)
"""What a container knows of types, with the time (monotonic seconds) until which it is current. It is bounded by bytes,
and what would take all of them by itself is the only entry."""
_Cached = TypeVar("_Cached", bound="Checker | bool | None")


def warnings(tenant: str, name: str, data: Data) -> tuple[Detail, ...]:
    """Where the data of an event called `name` violates the schema of its type; none in mode `off` or without one."""
    store = EventTypeStore(tenant)
    if not _cached((tenant, ""), store.any_warned):
        return ()
    checker = _cached((tenant, name), lambda: _checker(store, name))
    return checker.details(data.value, "data") if checker else ()


def forget() -> None:
    """Empty the cache, as in a new container."""
    cached_types.clear()


def _checker(store: EventTypeStore, name: str) -> Checker | None:
    found = store.find(name)
    return Checker(found.schema) if found and found.mode == "warn" and found.schema is not None else None


def _cached(key: tuple[str, str], read: Callable[[], _Cached]) -> _Cached:
    now = time.monotonic()
    until, value = cached_types.get(key, (0.0, None))
    if until < now:
        value = read()
        cached_types[key] = (now + CACHED_SECONDS, value)
    return value  # type: ignore[return-value]
