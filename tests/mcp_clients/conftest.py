"""The local stack with a tenant whose connections have the tools that the conformance suite looks for."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.api import Api
from tests.e2e.local_stack import Stack, fresh_stack
from tests.support.receiver import Received, Receiver, Reply, receiving
from tools.local import node
from tools.local.console import Failure
from tools.local.options import PROJECT

MODULES = PROJECT / ".local" / "mcp-node" / "node_modules"
FIXTURE = Path(__file__).with_name("json_schema.json")
SIMPLE = "This is a simple text response for testing."


@dataclass(frozen=True)
class Served:
    """Where the endpoint is; at `front` for clients that can send no token, which a proxy adds."""

    url: str
    token: str
    front: str


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The stack, deployed from template.yaml under enforced IAM; pages of the proxy may call it."""
    with fresh_stack(PROJECT / ".local" / "mcp-stack", MCP_ORIGINS="http://localhost") as stack:
        yield stack


@pytest.fixture(scope="session")
def served(stack: Stack) -> Iterator[Served]:
    """An endpoint with `test_simple_text`, `test_error_handling` and what else the suite calls."""
    api = Api.of(stack, scopes=("integrations:write", "integrations:read", "mcp:tools", "actions:execute"))
    with receiving() as application, receiving() as proxy:
        application.answer = _application
        names = ("simple_text", "error_handling", "streaming_elicitation", "logging_tool")
        api.connect_custom(
            application.url, name="test", actions=[{"name": name, "description": name} for name in names]
        )
        schema = json.loads(FIXTURE.read_text("utf-8"))
        actions = [{"name": "schema_2020_12_tool", "description": "JSON Schema 2020-12", "parameters": schema}]
        api.connect_custom(application.url, name="json", actions=actions)
        proxy.answer = lambda request: _forwarded(request, api, proxy)
        yield Served(f"{api.url}/mcp", api.token, f"{proxy.url}/v1/mcp")


def _application(request: Received) -> Reply:
    if request.json["action"] == "error_handling":
        return Reply(400, {"success": False, "error": "This tool always fails"})
    return Reply(body={"success": True, "text": SIMPLE})


def _forwarded(request: Received, api: Api, proxy: Receiver) -> Reply:
    """The endpoint's answer to the same request with the token; the proxy's own origin counts as allowed."""
    headers = {name: value for name, value in request.headers.items() if name not in ("host", "content-length")}
    if headers.get("origin") == proxy.url:
        headers["origin"] = "http://localhost"
    headers["authorization"] = f"Bearer {api.token}"
    url = api.url.removesuffix("/v1") + request.path
    answer = requests.request(request.method, url, headers=headers, data=request.body, timeout=35)
    kept = {name: value for name, value in answer.headers.items() if name.lower() in ("content-type", "allow")}
    return Reply(answer.status_code, answer.content, kept)


def run(script: Path, *words: str, seconds: float = 300, **variables: str) -> subprocess.CompletedProcess[str]:
    """A Node.js program of those that `make test-mcp` installs; skips where it is not installed."""
    if not script.exists():
        pytest.skip(f"NOT RUN: {script.name} is not installed; make test-mcp installs it")
    try:
        command, environment = [str(node.node()), str(script), *words], node.environment(variables)
    except Failure as failure:
        pytest.skip(f"NOT RUN: {failure}")
    return subprocess.run(
        command, env=environment, cwd=PROJECT / ".local", capture_output=True, text=True, timeout=seconds, check=False
    )


def program(package: str, name: str | None = None) -> Path:
    """The script of an installed npm package."""
    folder = MODULES / package
    described: dict[str, Any] = json.loads((folder / "package.json").read_text("utf-8")) if folder.exists() else {}
    scripts = described.get("bin", {})
    return folder / (scripts if isinstance(scripts, str) else scripts.get(name or next(iter(scripts), ""), "missing"))
