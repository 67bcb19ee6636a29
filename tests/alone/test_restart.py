"""A second local stack through restarts: what survives, how long they take, and that deliveries go on at once."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import requests

from tests.e2e.api import Api, eventually
from tests.e2e.local_stack import SETTINGS, Stack, command, free_port, running
from tests.support.receiver import Received, Receiver, Reply
from tools.local import emulator
from tools.local import stack as deployed
from tools.local.options import EMULATOR, PROJECT, Home

EVENTS = 300
A_SECOND = 10
STEADY_SECONDS = 5.0
BURST_SECONDS = 30.0
AT_ONCE = 25
UNCHANGED_SECONDS = 5.0
RESTART_SECONDS = 10.0
INTERRUPT_SECONDS = 5.0
# What the emulator says of a batch whose messages come back after the visibility timeout.
REDELIVERED = ("failed processing SQS batch", "partial failures)")
SAVED_SECONDS = 60
LAUNCHER = PROJECT / "tools" / "local" / "run_ministack.py"
USES_OF_THE_EMULATOR = """
import inspect, runpy, sys
from ministack import app
from ministack.core import persistence
from ministack.services import cloudformation, sqs

launcher = runpy.run_path(sys.argv[1], run_name="launcher")
assert inspect.iscoroutinefunction(app.app) and callable(app.main)
assert "hypercorn_serve(app, config)" in inspect.getsource(app.main)  # it runs what stands in `app` then
for name in ("dynamodb", "sqs", "kms", "s3", "iam", "lambda", "cloudformation", "apigateway_v1", "ssm"):
    assert name in app._state_map, name
assert callable(app._build_persistence_save_dict)
assert list(inspect.signature(persistence.save_all).parameters) == ["services"]
assert "STATE_DIR" in persistence.save_state.__code__.co_names  # read at each save
assert cloudformation._stacks.all_values() == []
assert not sqs._queues_lock.locked()
assert "_queues_lock" in sqs._receive_messages_for_esm.__code__.co_names
launcher["complete_save"]()
"""


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    home = Home(tmp_path_factory.mktemp("stacks") / "second stack")
    up(home, PORT=str(free_port()))
    yield Stack(home, deployed.read_env(home))
    command(home, "down")


def up(home: Home, **settings: str) -> tuple[str, float]:
    """`make up`, with the settings of the end-to-end tests: what it printed, and its seconds."""
    began = time.monotonic()
    done = command(home, "up", settings=SETTINGS | settings)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, time.monotonic() - began


def kill(home: Home) -> None:
    pids = dict(line.split() for line in home.pids.read_text().splitlines())
    os.kill(int(pids[emulator.NAME]), signal.SIGKILL)
    eventually(lambda: not emulator.running(home))


def wait_for_save(home: Home) -> None:
    """Wait until the state that is on the disk is younger than now."""
    now = time.time()
    for table in ("dynamodb", "sqs"):
        eventually(lambda: (home.state / f"{table}.json").stat().st_mtime > now + 1, SAVED_SECONDS)  # noqa: B023


def test_the_pinned_emulator_has_what_the_launcher_uses(tmp_path: Path) -> None:
    (tmp_path / "saved").mkdir()
    for name in ("sqs.json", "complete"):
        (tmp_path / "saved" / name).write_text("new")
    (tmp_path / "sqs.json").write_text("old")
    done = subprocess.run(
        [str(EMULATOR / "bin" / "python"), "-P", "-W", "error", "-c", USES_OF_THE_EMULATOR, str(LAUNCHER)],
        env={"STATE_DIR": str(tmp_path), "PERSIST_STATE": "1", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # A save that was complete when its process was killed is moved into place.
    assert (tmp_path / "sqs.json").read_text() == "new"
    assert not (tmp_path / "saved").exists()


def test_nothing_is_built_or_deployed_where_nothing_changed(second: Stack) -> None:
    shown, seconds = up(second.home)
    print(f"\nmake up on a running stack: {seconds:.1f} s")
    assert "Building" not in shown
    assert "Deploying" not in shown
    assert second.token in shown
    assert seconds < UNCHANGED_SECONDS

    assert command(second.home, "down").returncode == 0
    shown, seconds = up(second.home)
    print(f"make up on kept state: {seconds:.1f} s")
    assert "Building" not in shown
    assert "Deploying" not in shown
    assert seconds < RESTART_SECONDS


def test_an_interrupted_run_ends_soon(second: Stack) -> None:
    assert command(second.home, "down").returncode == 0
    with running(second.home) as shown:
        assert any("Following" in line for line in shown)
        interrupted = time.monotonic()
    seconds = time.monotonic() - interrupted
    print(f"\nCtrl-C of make run: {seconds:.1f} s")
    up(second.home)  # for the tests after this one, whatever it finds
    assert seconds < INTERRUPT_SECONDS


def test_a_killed_emulator_keeps_its_tenants_and_goes_on_delivering(second: Stack, receiver: Receiver) -> None:
    api = Api.of(second)
    integration = api.connect_custom(receiver.url)
    webhook = api.create_webhook(receiver.url, secret="whsec_" + "c2VjcmV0" * 5)
    event = api.data("POST", "/events", {"event": "before.kill", "data": {}})["id"]
    receiver.wait_for(1)
    wait_for_save(second.home)

    kill(second.home)
    shown, _ = up(second.home)

    assert "Deploying" not in shown
    assert {item["id"] for item in api.data("GET", "/integrations")} >= {integration, webhook["id"]}
    [delivery] = api.data("GET", f"/integrations/webhooks/{webhook['id']}/deliveries")
    assert delivery["eventId"] == event
    api.data("POST", "/events", {"event": "after.kill", "data": {}})
    receiver.wait_for(2)
    assert receiver.received[-1].json["event"] == "after.kill"


@pytest.mark.parametrize("changed", [False, True], ids=["unchanged", "changed"])
def test_every_event_after_a_start_arrives_soon_and_none_by_redelivery(
    second: Stack, receiver: Receiver, changed: bool
) -> None:
    arrivals: dict[int, float] = {}

    def answer(request: Received) -> Reply:
        if request.json["event"] == "restart.counted":
            arrivals.setdefault(request.json["data"]["n"], time.monotonic())
        return Reply()

    receiver.answer = answer
    api = Api.of(second)
    api.create_webhook(receiver.url, events=["restart.*"])
    with publishing_all_along(api):  # so that batches are under way when the consumers are paused
        if not changed:
            assert command(second.home, "down").returncode == 0
        shown, _ = up(second.home, **({"TENANT_BURST": "3000"} if changed else {}))
    assert ("Deploying" in shown) == changed

    steady = [published(api, range(n, n + 1)) for n in every(1 / A_SECOND, EVENTS)]
    waits = waited(steady, arrivals, STEADY_SECONDS)
    print(f"\n{EVENTS} events, {A_SECOND} a second: worst {waits[-1]:.2f} s")
    with ThreadPoolExecutor(4) as threads:
        batches = [range(n, n + AT_ONCE) for n in range(EVENTS, 2 * EVENTS, AT_ONCE)]
        burst = list(threads.map(lambda numbers: published(api, numbers), batches))
    waits = waited(burst, arrivals, BURST_SECONDS)
    print(f"{EVENTS} events at once: worst {waits[-1]:.2f} s")

    counted = [request for request in receiver.received if request.json["event"] == "restart.counted"]
    assert len(counted) == 2 * EVENTS
    log = (second.home.logs / "emulator.log").read_text()
    assert [line for line in log.splitlines() if any(words in line for words in REDELIVERED)] == []


def every(seconds: float, times: int) -> Iterator[int]:
    """Count, once in so many seconds; late ones are made up for."""
    began = time.monotonic()
    for number in range(times):
        time.sleep(max(0.0, began + number * seconds - time.monotonic()))
        yield number


def published(api: Api, numbers: range) -> tuple[range, float]:
    """Publish a batch of numbered events: the numbers, and when that was done."""
    events = [{"event": "restart.counted", "data": {"n": n}} for n in numbers]
    assert len(api.data("POST", "/events", {"events": events})) == len(numbers)
    return numbers, time.monotonic()


def waited(batches: list[tuple[range, float]], arrivals: dict[int, float], seconds: float) -> list[float]:
    """How long each event took from the answer to its arrival, the longest last; none longer than `seconds`."""
    expected = [(n, at) for numbers, at in batches for n in numbers]
    eventually(lambda: all(n in arrivals for n, _ in expected), seconds)
    waits = sorted(arrivals[n] - at for n, at in expected)
    assert waits[-1] <= seconds
    return waits


@contextmanager
def publishing_all_along(api: Api) -> Iterator[None]:
    """Publish while the block runs, whether the stack answers or not."""
    over = threading.Event()

    def publish() -> None:
        while not over.wait(1.0):
            with suppress(requests.RequestException):
                api.call("POST", "/events", {"event": "restart.meanwhile", "data": {}})

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
