"""A receiver that hangs, among healthy ones, on the deployed stack."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.api import Api
from tests.support.receiver import Receiver, Reply

HEALTHY = 5
EVENTS = 15
LATEST_SECONDS = 2.0
BATCHES = 6
WARM_SECONDS = 3


@pytest.fixture
def arrivals() -> dict[tuple[str, int], float]:
    """When each event came to each path first."""
    return {}


@pytest.fixture
def receiver(receiver: Receiver, arrivals: dict[tuple[str, int], float]) -> Iterator[Receiver]:
    over = threading.Event()

    def answer(request: Any) -> Reply:
        if request.path == "/hang":
            over.wait(60)
        elif request.path == "/warm":
            over.wait(WARM_SECONDS)
        else:
            arrivals.setdefault((request.path, request.json["data"]["n"]), time.monotonic())
        return Reply(200)

    receiver.answer = answer
    yield receiver
    over.set()


def warm_up(api: Api, receiver: Receiver) -> None:
    """Has several batches under way at a time, so that no delivery that counts waits for a cold start."""
    api.create_webhook(receiver.url + "/warm", events=["warm.up"])
    for _ in range(BATCHES):
        api.data("POST", "/events", {"event": "warm.up", "data": {"n": 0}})
    receiver.wait_for(BATCHES, "/warm", seconds=90)
    time.sleep(WARM_SECONDS)


def test_a_hanging_receiver_delays_no_healthy_delivery(
    api: Api, receiver: Receiver, arrivals: dict[tuple[str, int], float]
) -> None:
    paths = [f"/healthy-{number}" for number in range(HEALTHY)]
    for path in (*paths, "/hang"):
        api.create_webhook(receiver.url + path, events=["load.*"])
    published = {}
    warm_up(api, receiver)
    for n in range(EVENTS):
        began = time.monotonic()
        api.data("POST", "/events", {"event": "load.test", "data": {"n": n}})
        published[n] = time.monotonic()
        time.sleep(max(0.0, 1.0 - (time.monotonic() - began)))
    deadline = time.monotonic() + 30
    while len(arrivals) < HEALTHY * len(published) and time.monotonic() < deadline:
        time.sleep(0.1)
    waits = sorted(arrivals[path, n] - published[n] for path in paths for n in range(EVENTS))
    print(f"\n{len(waits)} healthy deliveries: median {waits[len(waits) // 2]:.2f} s, worst {waits[-1]:.2f} s")
    assert waits[-1] <= LATEST_SECONDS
