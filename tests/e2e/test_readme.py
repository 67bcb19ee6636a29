"""The README's walk runs as it stands, and its verifiers verify what is really delivered."""

import json
import os
import re
import subprocess
from typing import Any

from tests.e2e.api import Api
from tests.e2e.local_stack import Stack
from tests.support.receiver import receiving
from tools.local.options import PROJECT

README = (PROJECT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    """The code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)


def answers_in(text: str) -> list[dict[str, Any]]:
    """The API's answers in what was printed; the receiver in the background may write on the line of one."""
    found, end = [], 0
    while (begin := text.find('{"success"', end)) >= 0:
        answer, end = json.JSONDecoder().raw_decode(text, begin)
        found.append(answer)
    return found


def test_the_walk_runs_and_ends_with_a_signed_webhook(stack: Stack) -> None:
    # `make up` started this stack already; the walk's own would take the standard port.
    script = "\n".join(blocks("bash walk")).replace("make up\n. .local/env", f". '{stack.home.env}'")
    assert ". '" in script, "the walk starts with make up"
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-m", "-c", script],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    answers = answers_in(ran.stdout)
    assert [answer["success"] for answer in answers] == [True] * 9, ran.stdout
    connected, tested, acted, webhook, published, _, preview, deliveries, logs = (answer["data"] for answer in answers)
    assert connected["status"] == "connected"
    assert tested["testResult"]["passed"] is True
    assert acted["result"]["messageId"] == "msg_1"
    assert published["deliveries"] >= 1
    assert {one["id"]: one["reason"] for one in preview["webhooks"]}[webhook["id"]] == "filtered"
    assert deliveries[0]["state"] == "delivered"
    assert logs[0]["action"] == "send_message"
    assert '"event": "workflow.executed"' in ran.stdout


def test_the_verifiers_accept_a_real_delivery_and_refuse_a_changed_one(stack: Stack) -> None:
    secret = "my_secret_key"
    api = Api.of(stack)
    with receiving() as receiver:
        api.create_webhook(receiver.url, secret=secret)
        api.data("POST", "/events", {"event": "workflow.executed", "data": {"amount": 1.5, "10": "x", "2": "é\u2028"}})
        [got] = receiver.wait_for(1)
    in_python: dict[str, object] = {}
    exec(next(block for block in blocks("python") if "def verify" in block), in_python)  # noqa: S102
    verify = in_python["verify"]
    assert callable(verify)
    assert verify(got.body, got.headers["x-jobsprint-signature"], secret)
    assert not verify(got.body + b" ", got.headers["x-jobsprint-signature"], secret)
    in_node = next(block for block in blocks("javascript") if "function verify" in block)
    check = f"{in_node}\nconst body = process.argv[1];\n"
    check += f"console.log(verify(body, '{secret}'), verify(body.replace('1.5', '2.5'), '{secret}'));"
    ran = subprocess.run(["node", "-e", check, got.body.decode()], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["true", "false"]
