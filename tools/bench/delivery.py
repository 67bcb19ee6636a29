"""Delivery: CPU of a delivered webhook beside a plain loop, the time of a batch, the time from publish to receipt."""

import json
import statistics
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from tests.support.deliveries import record
from tests.support.receiver import Received, Reply
from tools.bench.figures import Figure
from tools.bench.payloads import FILL, drafts
from tools.bench.runtime import running
from tools.bench.service import HANDLERS, Service

_SLOW_SECONDS = 0.5


def latency(service: Service, rounds: int = 100) -> list[Figure]:
    """What a user waits for on the local stack, p95 in milliseconds: from publishing to receipt, and for an action."""
    seen: list[float] = []
    service.receiver.answer = lambda request: seen.append(time.time() - request.json["data"]["sentAt"]) or Reply(204)
    for number in range(rounds + 1):
        service.post("/events", {"event": "bench.happened", "data": {"sentAt": time.time()}})
        time.sleep(0.1 if number else 5)  # the first one starts the functions
    service.receiver.wait_for(rounds + 1, seconds=30)
    service.receiver.answer = _answer
    custom = {"name": "Orders", "url": f"{service.receiver.url}/act", "actions": [{"name": "order"}]}
    action = f"/integrations/{service.post('/integrations/custom_webhook/connect', custom)['id']}/actions/order"
    times = [time.monotonic()]
    for _ in range(rounds + 1):
        service.post(action, {"parameters": {}})
        times.append(time.monotonic())
    waits = [later - before for before, later in pairwise(times)]
    return [
        Figure("publish to receipt, p95", _p95(seen), "ms", note=f"single events, ten a second, {rounds} of them"),
        Figure("action over its upstream, p95", _p95(waits), "ms", note="an upstream that answers at once"),
    ]


def _p95(seconds: list[float]) -> float:
    return statistics.quantiles(seconds[1:], n=20)[18] * 1000


def dispatch(service: Service, rounds: int = 30) -> list[Figure]:
    """The figures of delivering in batches of FILL. Nothing else may consume the queue."""
    service.receiver.answer = _answer
    env = {**service.environment("dispatch_webhooks"), "RECEIVER_URL": f"{service.receiver.url}/hook"}
    tasks = _tasks(service, "bench.happened")
    # A webhook of its own, because a slow one has fewer batches at a time.
    slow = {"name": "Slow", "url": f"{service.receiver.url}/slow", "events": ["slow.event"]}
    service.post("/integrations/webhooks", slow)
    with (
        running(service.folders("dispatch_webhooks"), env) as ours,
        running([HANDLERS / "plain_loop"], env) as loop,
    ):
        times = [(ours.invoke(next(tasks)), loop.invoke(_plain_batch())) for _ in range(rounds + 3)]
        slow_tasks, started = next(_tasks(service, "slow.event")), time.monotonic()
        ours.invoke(slow_tasks)
        ratio = (time.monotonic() - started) / _SLOW_SECONDS
    own, other = (statistics.median(column) for column in zip(*times[3:], strict=True))
    note, slow_note = f"{own / FILL:.2f} and {other / FILL:.2f} ms", "with the emulator's own time"
    return [
        Figure("CPU of a delivery over the plain loop's", own / other, "x", 1.0, note),
        Figure("time of a batch over its slowest endpoint", ratio, "x", 1.5, slow_note),
    ]


def _answer(request: Received) -> Reply:
    if request.path == "/slow":
        time.sleep(_SLOW_SECONDS)
    return Reply(204)


def _tasks(service: Service, event: str) -> Iterator[dict[str, Any]]:
    """Batches of FILL new delivery tasks of an event that one webhook wants."""
    while True:
        service.post("/events", {"events": drafts(event, FILL)})
        tasks = service.delivery_tasks()
        assert len(tasks["Records"]) == FILL, tasks
        yield tasks


def _plain_batch() -> dict[str, Any]:
    """Messages of the plain loop, with the same data."""
    bodies = [json.dumps({**draft, "id": f"dlv_{time.monotonic_ns()}"}) for draft in drafts("bench.happened", FILL)]
    return {"Records": [record(body) for body in bodies]}
