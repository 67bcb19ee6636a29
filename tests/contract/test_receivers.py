"""The verifiers and receivers of the guide in Python and Node.js, against requests as the service signs them."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from jobsprint.core.canonical_json import dumps
from jobsprint.security import signing
from tests.support import verifiers
from tests.support.template import ROOT

RECEIVERS = {"python": [sys.executable, "docs/examples/receiver.py"], "node": ["node", "docs/examples/receiver.mjs"]}
SECRET = verifiers.MADE_SECRET


@dataclass
class Running:
    """A receiver, and what it has printed since it listened."""

    url: str
    process: subprocess.Popen[str]

    def post(self, delivery: verifiers.Delivery) -> requests.Response:
        return requests.post(self.url, data=delivery.body.encode(), headers=delivery.headers, timeout=10)

    def act(self, action: str, parameters: dict[str, Any]) -> requests.Response:
        body = dumps({"action": action, "parameters": parameters}).encode()
        now = int(time.time())
        headers = signing.headers(message_id="exe_01jgx", body=body, unix_time=now, secrets=[SECRET])
        return requests.post(self.url, data=body, headers=headers, timeout=10)

    def stopped(self) -> list[str]:
        """What it printed, after its end."""
        self.process.terminate()
        return self.process.communicate(timeout=10)[0].split("\n")[:-1]


@contextmanager
def running(name: str) -> Iterator[Running]:
    process = subprocess.Popen(
        [*RECEIVERS[name], "0"], cwd=ROOT, env={**os.environ, "SECRET": SECRET}, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        found = re.fullmatch(r"listening on (http://127\.0\.0\.1:\d+)\n", process.stdout.readline())
        assert found
        yield Running(found[1], process)
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("ending", ["py", "mjs"])
def test_the_verifier_accepts_what_the_service_signs_and_nothing_else(ending: str, tmp_path: Path) -> None:
    assert verifiers.wrong(ending, tmp_path) == []


@pytest.mark.parametrize("name", RECEIVERS)
def test_the_receiver_handles_an_event_once(name: str) -> None:
    with running(name) as receiver:
        delivery = verifiers.signed(SECRET)
        assert [receiver.post(delivery).status_code for _ in range(2)] == [200, 200]
        [line] = receiver.stopped()
    word, _, event = line.partition(" ")
    assert word == "received"
    assert json.loads(event)["event"] == "workflow.executed"


@pytest.mark.parametrize("name", RECEIVERS)
def test_the_receiver_runs_actions_and_answers_the_ping(name: str) -> None:
    with running(name) as receiver:
        acted = receiver.act("send_message", {"text": "hi"})
        pinged = receiver.act("jobsprint.ping", {})
        assert (acted.status_code, acted.json()) == (200, {"messageId": "msg_1", "text": "hi"})
        assert (pinged.status_code, pinged.json()) == (200, {})
        assert [line.split(" ")[:2] for line in receiver.stopped()] == [["action", "send_message"]]


@pytest.mark.parametrize("name", RECEIVERS)
def test_the_receiver_refuses_what_is_not_signed(name: str) -> None:
    with running(name) as receiver:
        forged = verifiers.signed(verifiers.PLAIN_SECRET)
        assert receiver.post(forged).status_code == 401
        assert receiver.post(verifiers.Delivery("{}", {}, SECRET)).status_code == 401
        assert receiver.stopped() == []
