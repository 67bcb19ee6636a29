"""The official `@modelcontextprotocol/server-everything`, installed from npm into `.local`, from connect to log."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.call import Answer, call
from tests.support.template import ROOT

pytestmark = pytest.mark.usefixtures("aws")

PACKAGE = "@modelcontextprotocol/server-everything"
VERSION = "2026.8.31"
FOLDER = ROOT / ".local" / "server-everything"


def _path() -> dict[str, str]:
    own = ROOT / ".local" / "node" / "bin"
    return {**os.environ, "PATH": f"{own}{os.pathsep}{os.environ['PATH']}"}


def _program() -> Path:
    program = FOLDER / "node_modules" / ".bin" / "mcp-server-everything"
    if not program.exists():
        npm = shutil.which("npm", path=_path()["PATH"])
        assert npm, "npm is needed: install Node.js 20 or newer"
        FOLDER.mkdir(parents=True, exist_ok=True)
        command = [npm, "install", "--prefix", str(FOLDER), "--no-audit", "--no-fund", f"{PACKAGE}@{VERSION}"]
        subprocess.run(command, check=True, env=_path(), stdout=subprocess.DEVNULL)
    return program


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The Streamable HTTP endpoint of the running server."""
    port = _free_port()
    command = [str(_program()), "streamableHttp"]
    environment = {**_path(), "PORT": str(port)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 30
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    assert time.monotonic() < deadline, "the server does not start"
                    time.sleep(0.1)
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            process.terminate()


@pytest.fixture
def everything(url: str, aws: Any) -> str:
    """The id of an integration with the server."""
    body = {"authType": "none", "serverUrl": url}
    answer = call("POST", "/integrations/mcp_server/connect", body=body)
    assert (answer.status, answer.data["status"]) == (201, "connected"), answer.body
    return str(answer.data["id"])


def act(integration_id: str, action: str, **parameters: Any) -> Answer:
    return call("POST", f"/integrations/{integration_id}/actions/{action}", body={"parameters": parameters})


def test_its_tools_are_actions(everything: str) -> None:
    shown = call("GET", f"/integrations/{everything}").data

    capabilities = {one["name"]: one["parameters"] for one in shown["capabilities"]}
    assert capabilities["echo"] == [
        {"name": "message", "type": "string", "required": True, "description": "Message to echo"}
    ]
    assert capabilities.keys() >= {"get-sum", "get-tiny-image", "get-structured-content"}


def test_text_numbers_structure_images_and_links(everything: str) -> None:
    assert act(everything, "echo", message="Grüße 🎉").data["result"]["text"] == "Echo: Grüße 🎉"
    assert "42" in act(everything, "get-sum", a=40, b=2).data["result"]["text"]
    weather = act(everything, "get-structured-content", location="New York").data["result"]
    assert weather.keys() == {"success", "temperature", "conditions", "humidity"}
    image = act(everything, "get-tiny-image").data["result"]
    assert [one["type"] for one in image["attachments"]] == ["image"]
    assert image["attachments"][0]["bytes"] > 100
    links = act(everything, "get-resource-links", count=2).data["result"]
    assert [one["type"] for one in links["attachments"]] == ["resource_link", "resource_link"]


def test_a_slow_tool_with_progress_and_the_checks(everything: str) -> None:
    slow = act(everything, "trigger-long-running-operation", duration=1, steps=2)
    assert slow.status == 200, slow.body
    wrong = act(everything, "get-sum", a="x", b=2)
    assert [detail["field"] for detail in wrong.error["details"]] == ["body.parameters.a"]


def test_its_health_and_its_log(everything: str) -> None:
    assert call("POST", f"/integrations/{everything}/test").data["status"] == "healthy"
    act(everything, "echo", message="hi")
    [entry] = call("GET", f"/integrations/{everything}/logs").data
    assert (entry["action"], entry["status"]) == ("echo", "success")
