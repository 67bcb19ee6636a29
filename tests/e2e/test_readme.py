"""The README's walk and the commands of the guides run as they stand, and the verifiers verify what is delivered."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import requests

from tests.e2e.api import Api
from tests.e2e.local_stack import Stack
from tests.support.receiver import receiving
from tools.local.options import PROJECT

# Each goes on where the walk ended, and the rotation is last: it takes the secret from the receiver.
GUIDES = ("filters", "idempotency", "agents", "recover", "poll-for-events", "rotate-secrets")
END = "kill %1\n"
# A message is a line; the receiver in the background may write before it.
_MESSAGE = re.compile(r'{"jsonrpc".*')


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of a language. Those in `bash` run; those in `sh` name what a reader has to put in."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)


def guide(name: str) -> Path:
    return PROJECT / "docs" / "guides" / f"{name}.md"


def answers_in(text: str) -> list[dict[str, Any]]:
    """The API's answers in what was printed; the receiver in the background may write on the line of one."""
    found, end = [], 0
    while (begin := text.find('{"success"', end)) >= 0:
        answer, end = json.JSONDecoder().raw_decode(text, begin)
        found.append(answer)
    return found


def results_in(text: str) -> list[dict[str, Any]]:
    """The results of MCP messages in what was printed."""
    return [json.loads(message)["result"] for message in _MESSAGE.findall(text)]


def printed(stack: Stack, script: str) -> str:
    """What a script prints that begins with the walk; it ends well."""
    # `make up` started this stack already; the walk's own would take the standard port.
    here = script.replace("make up\n. .local/env", f". '{stack.home.env}'")
    assert here != script, "the walk starts with make up"
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-m", "-c", here],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_the_walk_and_the_guides_run_as_they_stand(stack: Stack) -> None:
    walk = "\n".join(blocks(PROJECT / "README.md", "bash"))
    assert walk.endswith(END)
    more = "\n".join(block for name in GUIDES for block in blocks(guide(name), "bash"))
    output = printed(stack, walk.removesuffix(END) + more + END)
    answers = answers_in(_MESSAGE.sub("", output))
    assert [answer["success"] for answer in answers] == [True] * 19, output
    data = [answer["data"] for answer in answers]
    connected, tested, acted, repeated, webhook, published, again, deliveries, logs = data[:9]
    assert connected["status"] == "connected"
    assert tested["testResult"]["passed"] is True
    assert acted["result"]["messageId"] == "msg_1"
    assert repeated == acted
    assert published == again
    assert published["deliveries"] == 1
    assert [one["state"] for one in deliveries] == ["delivered"]
    assert [one["action"] for one in logs] == ["send_message"]
    assert output.count('received {"event": "workflow.executed"') == 1
    changed, preview, acted, described, counted, polling, _, polled, acknowledged, rotated = data[9:]
    assert changed["filter"]
    assert {one["id"]: one["reason"] for one in preview["webhooks"]}[webhook["id"]] == "filtered"
    assert acted["result"]["text"] == "Order 1235 is paid"
    assert described["name"] == "order.paid"
    assert counted["status"] in ("running", "done")
    assert polling["type"] == "polling"
    assert [message["event"] for message in polled["messages"]] == ["order.paid"]
    assert [message["state"] for message in acknowledged["messages"]] == ["delivered"]
    assert rotated["secret"].startswith("whsec_")
    tools, sent, replayed, wrong, listed, polled_events = results_in(output)
    assert "myendpoint_send_message" in [tool["name"] for tool in tools["tools"]]
    assert sent["structuredContent"]["result"]["text"] == "Order 1237 is paid"
    assert replayed["structuredContent"] == {**sent["structuredContent"], "replayed": True}
    assert wrong["structuredContent"]["error"]["details"][0]["field"] == "arguments.channel"
    assert "order.paid" in [event["name"] for event in listed["events"]]
    assert polled_events["events"] == []


def test_no_other_guide_has_commands_that_no_test_runs() -> None:
    pages = {page for page in (PROJECT / "docs").rglob("*.md") if blocks(page, "bash")}
    assert pages == {*map(guide, GUIDES), PROJECT / "docs" / "quick-start.md"}
    assert blocks(PROJECT / "docs" / "quick-start.md", "bash") == blocks(PROJECT / "README.md", "bash")


def test_the_verifier_of_the_body_accepts_a_real_delivery_and_refuses_a_changed_one(stack: Stack) -> None:
    secret = "my_secret_key"
    api = Api.of(stack)
    with receiving() as receiver:
        api.create_webhook(receiver.url, secret=secret)
        api.data("POST", "/events", {"event": "workflow.executed", "data": {"amount": 1.5, "10": "x", "2": "é\u2028"}})
        [got] = receiver.wait_for(1)
    in_node = next(block for block in blocks(guide("verify-webhooks"), "javascript") if "const crypto" in block)
    check = f"{in_node}\nconst body = process.argv[1];\n"
    check += f"console.log(verify(body, '{secret}'), verify(body.replace('1.5', '2.5'), '{secret}'));"
    ran = subprocess.run(["node", "-e", check, got.body.decode()], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["true", "false"]


def test_the_guide_is_served_with_its_policy(stack: Stack) -> None:
    first = requests.get(f"{stack.url}/guide", timeout=30)
    assert first.url == f"{stack.url}/guide/index.html"
    assert "<title>" in first.text
    assert "default-src 'none'" in first.headers["Content-Security-Policy"]
    for name, content_type in {
        "guides/oauth.html": "text/html; charset=utf-8",
        "guides/oauth.md": "text/markdown; charset=utf-8",
        "llms.txt": "text/plain; charset=utf-8",
    }.items():
        got = requests.get(f"{stack.url}/guide/{name}", timeout=30)
        assert (got.status_code, got.headers["Content-Type"]) == (200, content_type)
        got.encoding = "utf-8"
        assert got.text == (PROJECT / "functions" / "get_docs" / "guide" / name).read_text("utf-8")
    nothing = requests.get(f"{stack.url}/guide/nothing.html", timeout=30)
    assert (nothing.status_code, nothing.json()["error"]["code"]) == (404, "not_found")
