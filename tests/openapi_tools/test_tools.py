"""docs/openapi.json as other people's tools see it: linters without a warning, generators without one of ours.

`make test-openapi` installs the tools into .local/openapi-python and .local/openapi-node.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.template import ROOT

DOCUMENT = ROOT / "docs" / "openapi.json"
PYTHON = ROOT / ".local" / "openapi-python" / "bin"
NODE = ROOT / ".local" / "openapi-node" / "node_modules" / ".bin"
# What openapi-generator says of every document in OpenAPI 3.1, and of every one that has an object at all.
GENERAL = re.compile(r"OpenAPI 3\.1 support is still in beta|Failed to get the schema name: null")

# Without a client of `webhooks`, which no client calls: openapi-generator's Python of them does not compile.
OPERATIONS = "models,supportingFiles,apis=Actions:Events:Integrations:Service:Webhooks"


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


def test_openapi_python_client(tmp_path: Path) -> None:
    folder = tmp_path / "client"
    printed = run(PYTHON, "openapi-python-client", "generate", "--path", str(DOCUMENT), "--output-path", str(folder))
    assert "arning" not in printed, printed
    run(PYTHON, "python", "-m", "compileall", "-q", str(folder))


@pytest.mark.parametrize("generator", ["python", "typescript-fetch"])
def test_openapi_generator(tmp_path: Path, generator: str) -> None:
    words = ["generate", "--input-spec", str(DOCUMENT), "--generator-name", generator, "--output", str(tmp_path)]
    printed = run(PYTHON, "openapi-generator-cli", *words, "--global-property", OPERATIONS)
    warnings = [line for line in printed.splitlines() if " WARN " in line and not GENERAL.search(line)]
    assert warnings == []
    if generator == "python":
        run(PYTHON, "python", "-m", "compileall", "-q", str(tmp_path))
    else:
        sources = [str(path) for path in tmp_path.rglob("index.ts")]
        run(
            NODE,
            "tsc",
            "--noEmit",
            "--target",
            "es2022",
            "--module",
            "es2022",
            "--moduleResolution",
            "bundler",
            *sources,
        )
