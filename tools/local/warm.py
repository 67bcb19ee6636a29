"""Starting the functions that a first request and a first delivery need, so that nobody waits for a cold start."""

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import requests

from tools.local import stack
from tools.local.options import PROJECT, STACK, Home

_DISPATCHERS = 2  # at once; further ones start while these work
_SECONDS = 60


def warm(endpoint: str, token: str) -> None:
    """Call them without effect: an empty event is refused, and an empty batch has nothing to deliver."""
    url, headers = stack.base_url(endpoint), {"Authorization": f"Bearer {token}"}
    described = stack.client("cloudformation", endpoint).describe_stack_resource(
        StackName=STACK, LogicalResourceId="DispatchWebhooksFunction"
    )
    dispatcher = described["StackResourceDetail"]["PhysicalResourceId"]
    functions, batch = stack.client("lambda", endpoint), json.dumps({"Records": []})
    calls: list[Callable[[], object]] = [
        lambda: requests.get(f"{url}/integrations/available", headers=headers, timeout=_SECONDS),
        lambda: requests.post(f"{url}/events", json={}, headers=headers, timeout=_SECONDS),
        *[lambda: functions.invoke(FunctionName=dispatcher, Payload=batch)] * _DISPATCHERS,
    ]
    with ThreadPoolExecutor(len(calls)) as threads:
        for call in [threads.submit(call) for call in calls]:
            call.result()


def in_background(home: Home) -> None:
    """Do so in a process of its own: after a start from kept state nobody waits for it."""
    with (home.logs / "warm.log").open("w") as log:
        subprocess.Popen(
            [sys.executable, "-m", "tools.local", "--home", str(home.folder), "warm"],
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
