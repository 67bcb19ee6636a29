"""Functions run in processes of their own, which can be made to crash before or after any call that leaves them.

A boundary is named `<function> <call> <before|after> <n>`: n counts that call over all runs of the function in one
world, so a clean run names every boundary there is. Calls are those of botocore (`sqs.SendMessage`) and `http`: before
libcurl is given a request, and after its answer came and before anybody looks at it.

One process imports everything and forks another for each run, which is what makes a run take a few milliseconds.
"""

import gc
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from tests.support.template import ROOT, import_path

KILLED = 70
FOLDERS = ("publish_events", "receive_events", "dispatch_webhooks", "sweep_deliveries")
AGAIN_FOLDERS = ("resend_delivery", "recover_webhook", "recover_deliveries", "dispatch_webhooks", "sweep_deliveries")


@dataclass
class World:
    """One run of a scenario: where to crash, which boundaries were reached, and where a process crashed."""

    fatal: Collection[str] = ()
    reached: Counter[str] = field(default_factory=Counter)
    labels: list[str] = field(default_factory=list)
    died: list[str] = field(default_factory=list)


class CrashInjector:
    """The forking process. Its environment is this one's; AWS is at the socket `aws`."""

    def __init__(self, aws: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.crash_injector", str(aws)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(import_path())},
            text=True,
        )

    def close(self) -> None:
        """Ends it."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def run(self, folder: str, event: Any, now: int, world: World) -> Any:
        """The answer of a function's handler at the time `now` (ms), or None when it crashed."""
        assert self._process.stdin
        assert self._process.stdout
        job = {
            "folder": folder,
            "event": event,
            "now": now,
            "reached": world.reached,
            "fatal": sorted(set(world.fatal) - set(world.died)),
        }
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        done = json.loads(self._process.stdout.readline())
        for label in done["reached"]:
            world.labels.append(label)
            world.reached[label.rpartition(" ")[0]] += 1
        if done["status"] == KILLED:
            world.died += [label for label in done["reached"] if label in job["fatal"]]
            return None
        assert done["status"] == 0, f"{folder} ended with {done['status']}"
        return done["answer"]


class RandomCrashes:
    """Runs functions, of which a `share` crashes: each at a boundary that is chosen by chance of those seen before."""

    def __init__(self, injector: CrashInjector, seed: int, share: float) -> None:
        self.share = share
        self._injector, self._chance = injector, random.Random(seed)
        self._seen: dict[str, set[str]] = {}
        self.died: Counter[str] = Counter()

    def run(self, folder: str, event: Any, now: int) -> Any:
        """The answer of a function's handler at the time `now` (ms), or None when it crashed."""
        seen = self._seen.setdefault(folder, set())
        world = World()
        if seen and self._chance.random() < self.share:
            world.fatal = {self._chance.choice(sorted(seen))}
        answer = self._injector.run(folder, event, now, world)
        seen.update(world.labels)
        self.died.update(label.rpartition(" ")[0] for label in world.died)
        return answer


# --- in the forking process ---


class _Boundaries:
    """Counts the boundaries that are reached, writes them to a pipe, and crashes where it must."""

    def __init__(self, pipe: int, folder: str, reached: dict[str, int], fatal: Collection[str]) -> None:
        self._pipe, self._folder, self._fatal = pipe, folder, set(fatal)
        self._reached = Counter(reached)
        self._lock = threading.Lock()

    def reach(self, call: str, moment: str) -> None:
        with self._lock:
            name = f"{self._folder} {call} {moment}"
            self._reached[name] += 1
            label = f"{name} {self._reached[name]}"
            os.write(self._pipe, f"reached {label}\n".encode())
            if label in self._fatal:
                os._exit(KILLED)


def _main(socket_path: str) -> None:
    from jobsprint.connectors import custom  # noqa: F401 - else each child imports it, at its first call
    from jobsprint.core import aws
    from jobsprint.delivery import dispatcher as dispatching
    from jobsprint.domain import endpoint_health
    from jobsprint.mcp_server import action_calls
    from jobsprint.outbound.client import Client
    from jobsprint.outbound.transfer import TransferPool
    from jobsprint.repositories import delivery_items
    from tests.support.call import Context, handler
    from tests.support.shared_aws import Remote

    out = os.fdopen(os.dup(1), "w")
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)  # where the logger writes
    boundaries: list[_Boundaries] = []
    remote = Remote(socket_path)

    def before_send(request: Any, event_name: str, **_: Any) -> Any:
        call = event_name.removeprefix("before-send.")
        boundaries[0].reach(call, "before")
        answer = remote(request)
        boundaries[0].reach(call, "after")
        return answer

    start, send_all = TransferPool.start, Client.send_all

    def starting(*given: Any) -> Any:
        boundaries[0].reach("http", "before")
        return start(*given)

    def sending(client: Client, requests: Any, *, on_done: Any, **limits: Any) -> None:
        def done(*result: Any) -> None:
            boundaries[0].reach("http", "after")
            on_done(*result)

        send_all(client, requests, on_done=done, **limits)

    TransferPool.start = starting  # type: ignore[method-assign]
    Client.send_all = sending  # type: ignore[method-assign]
    # The same jitter in every world, all that waits in one shard, no endpoint slow because this machine is busy: else
    # boundaries would come and go.
    dispatching.random_fraction = lambda: 0.5
    delivery_items.DUE_SHARDS = 1
    endpoint_health.SLOW_MS = 60_000
    # Nothing else runs while a function does, so a call of an action would wait for its outcome in vain.
    action_calls.WAIT_SECONDS = 0.0
    for client in (aws.dynamodb(), aws.limits_dynamodb(), aws.sqs(), aws.kms()):
        client.meta.events.register("before-send", before_send)

    def work(job: dict[str, Any], pipe: int) -> NoReturn:
        boundaries.append(_Boundaries(pipe, job["folder"], job["reached"], job["fatal"]))
        time.time_ns = lambda: job["now"] * 1_000_000
        answer = handler(job["folder"])(job["event"], Context())
        os.write(pipe, f"answer {json.dumps(answer)}\n".encode())
        os._exit(0)

    for line in sys.stdin:
        job = json.loads(line)
        handler(job["folder"])  # imported here, once, and not by each child
        gc.freeze()
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                work(job, writing)
            finally:
                os._exit(1)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            said = [text.rstrip("\n").split(" ", 1) for text in pipe]
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        answers = [json.loads(text) for kind, text in said if kind == "answer"]
        result = {
            "status": status,
            "reached": [text for kind, text in said if kind == "reached"],
            "answer": answers[0] if answers else None,
        }
        out.write(json.dumps(result) + "\n")
        out.flush()


if __name__ == "__main__":
    _main(sys.argv[1])
