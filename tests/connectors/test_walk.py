"""`walk.sh` does with curl what a user of the API does and finds it right; where it is not, the walk fails."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.connectors.conftest import Aloud, Workflows
from tests.connectors.n8n_admin import OWNER, Admin, keep, webhook
from tests.e2e.api import Api
from tests.e2e.local_stack import Stack
from tests.support.authority import Authority
from tests.support.receiver import Received, Receiver, Reply, receiving
from tests.support.zapier import guarded_zapier
from tools.local.options import PROJECT

WALK = Path(__file__).with_name("walk.sh")


@contextmanager
def inbox() -> Iterator[Receiver]:
    """A receiver that returns on GET what was posted to it."""
    with receiving() as receiver:

        def answer(request: Received) -> Reply:
            posted = b",".join(one.body for one in receiver.received if one.method == "POST")
            return Reply(200, b"[%b]" % posted if request.method == "GET" else None)

        receiver.answer = answer
        yield receiver


@pytest.fixture
def greeter(server: str, admin: Admin, workflows: Workflows) -> str:
    """The URL of the n8n, with a workflow that greets whom it is told."""
    nodes = [webhook(f"greet-{time.time_ns()}"), keep(greeting="=Hello {{ $json.body.name }}")]
    workflows.restore()
    workflows.changed = True
    admin.mcp_token()
    admin.expose(admin.workflow("Greet someone", nodes, tags=("walk",)))
    return server


@pytest.fixture
def zapier() -> Iterator[Authority]:
    with guarded_zapier() as made:
        yield made


def settings(stack: Stack, zapier: Authority, n8n: str, hook: Receiver) -> dict[str, str]:
    """The environment of the walk."""
    return {
        **os.environ,
        **stack.env,
        "JOBSPRINT_TOKEN": Api.of(stack).token,
        "ZAPIER_URL": zapier.mcp,
        "N8N_URL": n8n,
        "N8N_EMAIL": OWNER["email"],
        "N8N_PASSWORD": OWNER["password"],
        "HOOK_URL": hook.url,
        "NO_PROXY": "127.0.0.1,localhost",
    }


def test_the_walk(stack: Stack, zapier: Authority, greeter: str, aloud: Aloud) -> None:
    with inbox() as hook, aloud():
        ended = subprocess.run(["sh", WALK], cwd=PROJECT, env=settings(stack, zapier, greeter, hook), check=False)
    assert ended.returncode == 0
    told = [one.json["event"] for one in hook.received if one.method == "POST"]
    assert told.count("integration.unhealthy") == 1
    assert len(zapier.seen("/revoke")) == 1


def test_the_walk_fails_where_a_step_does(stack: Stack, zapier: Authority) -> None:
    zapier.faults.consent = lambda given: {"error": "access_denied", "state": given["state"], "iss": given["iss"]}
    with inbox() as hook:
        env = settings(stack, zapier, "http://127.0.0.1:9", hook)
        ended = subprocess.run(["sh", WALK], cwd=PROJECT, env=env, check=False, capture_output=True, text=True)
    assert ended.returncode == 1
    assert "FAILED: 'status=connected' is not in http://localhost:3000/done?" in ended.stderr
    assert "5. " not in ended.stdout
