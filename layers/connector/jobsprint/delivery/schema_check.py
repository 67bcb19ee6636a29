"""Whether events keep to the schema of their type. In mode `warn` one that does not is taken all the same, and marked.

A container remembers for a minute which types a tenant has. So a change is heeded within a minute, and a tenant
without types costs one read per container and minute, not one per event.
"""

import time
from collections.abc import Callable
from typing import TypeVar

from jobsprint.core.cache import BoundedCache
from jobsprint.core.errors import Detail
from jobsprint.core.json_schema import Checker
from jobsprint.delivery.subscriptions import Data
from jobsprint.repositories.event_types import EventTypeStore

FRESH_SECONDS = 60
_kept: BoundedCache[tuple[str, str], tuple[float, "Checker | bool | None"]] = BoundedCache(10_000)
_Kept = TypeVar("_Kept", bound="Checker | bool | None")


def warnings(tenant: str, name: str, data: Data) -> tuple[Detail, ...]:
    """Where the data of an event called `name` breaks the schema of its type; nothing in mode `off` or without one."""
    store = EventTypeStore(tenant)
    if not _remembered((tenant, ""), store.any_warned):
        return ()
    checker = _remembered((tenant, name), lambda: _checker(store, name))
    return checker.details(data.value, "data") if checker else ()


def forget() -> None:
    """Reads everything anew."""
    _kept.clear()


def _checker(store: EventTypeStore, name: str) -> Checker | None:
    found = store.find(name)
    return Checker(found.schema) if found and found.mode == "warn" and found.schema is not None else None


def _remembered(key: tuple[str, str], read: Callable[[], _Kept]) -> _Kept:
    now = time.monotonic()
    until, value = _kept.get(key, (0.0, None))
    if until < now:
        value = read()
        _kept[key] = (now + FRESH_SECONDS, value)
    return value  # type: ignore[return-value]
