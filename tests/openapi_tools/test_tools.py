"""docs/openapi.json as other people's tools see it: linters without a warning, generators without one of ours.

`make test-openapi` installs the tools into .local/openapi-python and .local/openapi-node.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.api import Api
from tests.e2e.local_stack import Stack, free_port
from tests.support.mcp import FakeServer, tool
from tests.support.n8n import FakeN8n, workflow
from tests.support.receiver import Reply, receiving
from tests.support.template import ROOT

DOCUMENT = ROOT / "docs" / "openapi.json"
PYTHON = ROOT / ".local" / "openapi-python" / "bin"
NODE = ROOT / ".local" / "openapi-node" / "node_modules" / ".bin"
# What openapi-generator says of every document in OpenAPI 3.1, and of every one that has an object at all.
GENERAL = re.compile(r"OpenAPI 3\.1 support is still in beta|Failed to get the schema name: null")

# Its Python of `webhooks` does not compile: any parameter or body of a webhook gets an empty type (`def ping(ping: ,`).
WITHOUT_WEBHOOKS = "models,supportingFiles,apis=Actions:Events:Integrations:Service:Webhooks"


def run(folder: Path, program: str, *words: str) -> str:
    """What a tool printed, which has to end with 0; skips where it is not installed."""
    if not (folder / program).exists():
        pytest.skip(f"NOT RUN: {program} is not installed; make test-openapi installs it where Node.js is on the PATH")
    if folder == NODE and shutil.which("node") is None:
        pytest.skip("NOT RUN: node is not on the PATH")
    path = f"{PYTHON}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "PATH": path}
    command = [str(folder / program), *words]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed
    return printed


def test_redocly() -> None:
    printed = run(NODE, "redocly", "lint", "--config", "redocly.yaml", "--format", "github-actions", str(DOCUMENT))
    assert re.findall(r"::(?:warning|error).*", printed) == []


def test_spectral() -> None:
    printed = run(NODE, "spectral", "lint", "--ruleset", ".spectral.yaml", "--fail-severity", "hint", str(DOCUMENT))
    assert "No results" in printed


def test_openapi_typescript(tmp_path: Path) -> None:
    written = tmp_path / "api.ts"
    printed = run(NODE, "openapi-typescript", str(DOCUMENT), "--output", str(written))
    assert not re.search("warn|error", printed, re.IGNORECASE)
    run(NODE, "tsc", "--noEmit", "--strict", str(written))


@pytest.fixture(scope="session")
def python_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a client by openapi-python-client."""
    folder = tmp_path_factory.mktemp("client")
    words = ["generate", "--path", str(DOCUMENT), "--output-path", str(folder), "--overwrite"]
    printed = run(PYTHON, "openapi-python-client", *words)
    assert "arning" not in printed, printed
    return folder


def test_openapi_python_client(python_client: Path) -> None:
    run(PYTHON, "python", "-m", "compileall", "-q", str(python_client))


def test_a_generated_client_calls_every_operation(python_client: Path, stack: Stack) -> None:
    with receiving() as endpoint, receiving() as mcp, receiving() as n8n:
        endpoint.answer = lambda _: Reply(200, {"success": True})
        given = {
            "url": stack.url,
            "token": Api.of(stack).token,
            "endpoint": endpoint.url,
            "mcp": FakeServer(mcp, tools=[tool("send_message")]).url,
            "n8n": FakeN8n(n8n, [workflow("Send Report", "report")]).url,
            "nobody": f"http://127.0.0.1:{free_port()}/mcp",
        }
        script = Path(__file__).with_name("call_operations.py")
        run(PYTHON, "python", str(script), str(DOCUMENT), str(python_client), json.dumps(given))


@pytest.mark.parametrize("generator", ["python", "typescript-fetch"])
def test_openapi_generator(tmp_path: Path, generator: str) -> None:
    words = ["generate", "--input-spec", str(DOCUMENT), "--generator-name", generator, "--output", str(tmp_path)]
    words += ["--global-property", WITHOUT_WEBHOOKS] if generator == "python" else []
    printed = run(PYTHON, "openapi-generator-cli", *words)
    warnings = [line for line in printed.splitlines() if re.search(" (WARN|ERROR) ", line) and not GENERAL.search(line)]
    assert warnings == []
    if generator == "python":
        run(PYTHON, "python", "-m", "compileall", "-q", str(tmp_path))
    else:
        modules = ["--target", "es2022", "--module", "es2022", "--moduleResolution", "bundler"]
        run(NODE, "tsc", "--noEmit", "--strict", *modules, *map(str, tmp_path.rglob("index.ts")))
