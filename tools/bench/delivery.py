"""Delivery: CPU of a delivered webhook beside a plain loop, the time of a batch, the time from publish to receipt."""

import json
import statistics
import time
from collections.abc import Iterator
from typing import Any

from tests.support.receiver import Received, Reply
from tools.bench.figures import Figure
from tools.bench.payloads import FILL, drafts
from tools.bench.runtime import Function, running
from tools.bench.service import HANDLERS, Service
from tools.bench.storage import sqs_event

_WARM = 3
_SLOW_SECONDS = 0.5


def latency(service: Service, events: int = 100) -> list[Figure]:
    """Milliseconds from the request that publishes an event to its receipt; single events, ten a second."""
    seen: list[float] = []

    def note(request: Received) -> Reply:
        seen.append((time.time() - request.json["data"]["sentAt"]) * 1000)
        return Reply(204)

    service.receiver.answer = note
    for number in range(events + 1):
        service.post("/events", {"event": "bench.happened", "data": {"sentAt": time.time()}})
        time.sleep(0.1 if number else 5)  # the first one starts the functions
    deadline = time.monotonic() + 30
    while len(seen) <= events and time.monotonic() < deadline:
        time.sleep(0.5)
    assert len(seen) > events, f"{len(seen)} of {events} received"
    cuts = statistics.quantiles(seen[1:], n=20)
    note_ = f"median {cuts[9]:.0f} ms; {events} events, ten a second; local stack"
    return [Figure("publish to receipt, p95", cuts[18], "ms", note=note_)]


def dispatch(service: Service, rounds: int = 30) -> list[Figure]:
    """The figures of delivering in batches of FILL. Nothing else may consume the queue."""
    service.receiver.answer = _answer
    env = service.environment("dispatch_webhooks")
    loop_env = {**env, "RECEIVER_URL": f"{service.receiver.url}/hook"}
    tasks = _tasks(service, "bench.happened")
    plain = [HANDLERS / "plain_loop"]
    with running(service.folders("dispatch_webhooks"), env) as ours, running(plain, loop_env) as loop:
        times = [(ours.invoke(next(tasks)), loop.invoke(_plain_batch())) for _ in range(_WARM + rounds)]
        slow = _slow_batch(service, ours)
    own, other = (statistics.median(column) for column in zip(*times[_WARM:], strict=True))
    note = f"{own / FILL:.2f} and {other / FILL:.2f} ms, in batches of {FILL}"
    batch_note = f"{FILL} deliveries of {_SLOW_SECONDS} s, the emulator's own time included"
    return [
        Figure("CPU of a delivery over the plain loop's", own / other, "x", 1.0, note),
        Figure("time of a batch over its slowest endpoint", slow / _SLOW_SECONDS, "x", 1.5, batch_note),
    ]


def _answer(request: Received) -> Reply:
    if request.path == "/slow":
        time.sleep(_SLOW_SECONDS)
    return Reply(204)


def _tasks(service: Service, event: str) -> Iterator[dict[str, Any]]:
    """Batches of FILL new delivery tasks of an event that one webhook wants."""
    while True:
        service.post("/events", {"events": drafts(event, FILL)})
        yield service.delivery_tasks(FILL)


def _plain_batch() -> dict[str, Any]:
    """Messages of the plain loop, with the same data."""
    listed = drafts("bench.happened", FILL)
    return sqs_event([json.dumps({**draft, "id": f"dlv_{time.monotonic_ns()}"}) for draft in listed])


def _slow_batch(service: Service, function: Function) -> float:
    """Seconds of a batch to a slow webhook of its own, because one that is slow has fewer batches at a time."""
    url = f"{service.receiver.url}/slow"
    service.post("/integrations/webhooks", {"name": "Slow", "url": url, "events": ["slow.event"]})
    tasks = next(_tasks(service, "slow.event"))
    started = time.monotonic()
    function.invoke(tasks)
    return time.monotonic() - started
