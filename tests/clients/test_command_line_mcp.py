"""`jobsprint mcp install`: what it prints, and what it writes beside what stands there."""

import json
import tomllib
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine

URL = "https://api.example.com/v1/mcp"


@pytest.mark.parametrize("program", ["claude-code", "cursor", "vscode"])
def test_it_prints_the_configuration_without_a_token(cli: CommandLine, program: str) -> None:
    done = cli("mcp", "install", program, "--url", URL)
    assert done.code == 0, done.err
    [servers] = [value for name, value in json.loads(done.out).items() if name.lower().endswith("servers")]
    assert servers["jobsprint"]["url"] == URL
    assert "jsp_" not in done.out


def test_the_endpoint_is_that_of_the_account(cli: CommandLine) -> None:
    done = cli("mcp", "install", "codex")
    section = tomllib.loads(done.out)["mcp_servers"]["jobsprint"]
    assert section["url"].endswith("/v1/mcp")
    assert section["bearer_token_env_var"] == "JOBSPRINT_TOKEN"


def test_it_writes_beside_what_stands_there(cli: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / ".cursor" / "mcp.json"
    file.parent.mkdir()
    file.write_text('{"mcpServers": {"other": {"url": "https://other.example.com"}}}')
    for _ in range(2):
        assert cli("mcp", "install", "cursor", "--url", URL, "--write", cwd=tmp_path).code == 0
    assert set(json.loads(file.read_text())["mcpServers"]) == {"other", "jobsprint"}


@pytest.mark.parametrize("text", ["[]", "{"])
def test_a_file_that_it_cannot_read_stays_as_it_is(cli: CommandLine, text: str, tmp_path: Path) -> None:
    file = tmp_path / ".mcp.json"
    file.write_text(text)
    done = cli("mcp", "install", "claude-code", "--url", URL, "--write", cwd=tmp_path)
    assert (done.code, file.read_text()) == (1, text)
    assert "not a JSON object" in done.err
