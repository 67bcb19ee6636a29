"""What a Lambda invocation is billed for besides its waits: CPU of a warm request, and the memory it needs.

Each function runs as Lambda runs it (`tools.bench.runtime`), and only its own process is measured.
"""

import itertools
import json
import statistics
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from jobsprint.core.clock import iso_seconds, now_ms
from tests.support.call import event
from tests.support.deliveries import record
from tools.bench.cold import succeeded
from tools.bench.payloads import payload
from tools.bench.runtime import Runtime, running
from tools.bench.service import TENANT, Service
from tools.bench.sizes import BATCH, FILL, PAYLOAD_BYTES
from tools.bench.tickets import batch

_WARM = 5
_ROUNDS = 20

Event = dict[str, Any]


@dataclass(frozen=True)
class Cpu:
    """Milliseconds of CPU for a warm invocation. The defaults are what one run of `make bench` found on 2026-11-26."""

    publish_one: float = 3.7
    publish_batch: float = 8.9
    receive: float = 4.9
    dispatch_one: float = 4.2
    dispatch: float = 5.9
    dispatch_singles: float = 6.8
    call: float = 4.1
    health: float = 2.8


def measured(service: Service) -> tuple[Cpu, dict[str, float]]:
    """CPU of each kind of invocation, the median of 20; and resident megabytes of the functions afterwards."""
    numbers = itertools.count()
    memory: dict[str, float] = {}

    def cpu(folder: str, *kinds: Callable[[], Event]) -> Iterator[float]:
        with running(service.folders(folder), service.environment(folder)) as function:
            for kind in kinds:
                for _ in range(_WARM):
                    succeeded(function.invoke(kind()))
                yield statistics.median(_cpu_of(function, kind()) for _ in range(_ROUNDS))
            memory[folder] = function.rss_mb()

    def published(count: int) -> Event:
        drafts = [{"event": "bench.happened", "data": payload(PAYLOAD_BYTES, next(numbers))} for _ in range(count)]
        _, request = event("POST", "/events", body=drafts[0] if count == 1 else {"events": drafts}, tenant=TENANT)
        return request

    def over_the_bus() -> Event:
        details = [{"tenant": TENANT, "data": payload(PAYLOAD_BYTES, next(numbers))} for _ in range(FILL)]
        about = {"detail-type": "bench.happened", "source": "jobsprint", "time": iso_seconds(now_ms())}
        bodies = [json.dumps({"id": str(uuid.uuid4()), **about, "detail": detail}) for detail in details]
        return {"Records": [record(body) for body in bodies]}

    def health_test() -> Event:
        return {"Records": [record(json.dumps({"tenant": TENANT, "id": service.integration, "run": now_ms()}))]}

    publish_one, publish_batch = cpu("publish_events", lambda: published(1), lambda: published(BATCH))
    dispatch_one, dispatch, singles = cpu(
        "dispatch_webhooks",
        lambda: batch(service, 1),
        lambda: batch(service, FILL),
        lambda: batch(service, FILL, carried=True),
    )
    [receive] = cpu("receive_events", over_the_bus)
    [call] = cpu("list_integrations", lambda: service.first_request("list_integrations"))
    [health] = cpu("check_health", health_test)
    return Cpu(publish_one, publish_batch, receive, dispatch_one, dispatch, singles, call, health), memory


def _cpu_of(function: Runtime, given: Event) -> float:
    before = function.cpu_ms()
    succeeded(function.invoke(given))
    return function.cpu_ms() - before
