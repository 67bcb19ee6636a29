"""`jobsprint mcp`: the configuration with which an agent's program calls the MCP endpoint."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import click

from jobsprint_client.cli import account
from jobsprint_client.cli.failures import Failure
from jobsprint_client.cli.output import note, say

_NAME = "jobsprint"
_VARIABLE = "JOBSPRINT_TOKEN"
_SECTION = f"[mcp_servers.{_NAME}]"


class _Program(NamedTuple):
    """An agent's program: its file, in this folder or at home, and what has to stand there for a URL."""

    file: Path
    content: Callable[[str], dict[str, Any]]
    token: str


# Each program reads the token from where it keeps secrets, so that none stands in a file that may be committed.
_PROGRAMS = {
    "claude-code": _Program(
        Path(".mcp.json"),
        lambda url: {
            "mcpServers": {
                _NAME: {"type": "http", "url": url, "headers": {"Authorization": f"Bearer ${{{_VARIABLE}}}"}}
            }
        },
        f"It reads the token from the variable {_VARIABLE}.",
    ),
    "cursor": _Program(
        Path(".cursor/mcp.json"),
        lambda url: {"mcpServers": {_NAME: {"url": url, "headers": {"Authorization": f"Bearer ${{env:{_VARIABLE}}}"}}}},
        f"It reads the token from the variable {_VARIABLE}.",
    ),
    "vscode": _Program(
        Path(".vscode/mcp.json"),
        lambda url: {
            "servers": {
                _NAME: {"type": "http", "url": url, "headers": {"Authorization": "Bearer ${input:jobsprint-token}"}}
            },
            "inputs": [
                {"type": "promptString", "id": "jobsprint-token", "description": "Jobsprint token", "password": True}
            ],
        },
        "It asks for the token when it first starts the server.",
    ),
    "codex": _Program(
        Path("~/.codex/config.toml"),
        lambda url: {"url": url, "bearer_token_env_var": _VARIABLE},
        f"It reads the token from the variable {_VARIABLE}.",
    ),
}


@click.group()
def mcp() -> None:
    """Let agents use what is connected, over the Model Context Protocol."""


@mcp.command()
@click.argument("program", type=click.Choice(sorted(_PROGRAMS)))
@click.option("--write", is_flag=True, help="Write it into the program's file, beside what stands there.")
@click.option("--url", help="The MCP endpoint. That of the account you are logged in to, if it is left out.")
def install(program: str, write: bool, url: str | None) -> None:
    """Print an agent's configuration for the MCP endpoint, or write it.

    It holds no token: give the agent one of its own with the scope mcp:tools (`jobsprint tokens create`).
    """
    chosen = _PROGRAMS[program]
    endpoint = url or f"{account.current().base_url.rstrip('/')}/mcp"
    is_toml = chosen.file.suffix == ".toml"
    content = chosen.content(endpoint)
    text = _toml(content) if is_toml else json.dumps(content, indent=2)
    if not write:
        note(f"For {chosen.file}:")
        say(text)
    else:
        file = chosen.file.expanduser()
        before = file.read_text("utf-8") if file.exists() else ""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_with_section(before, text, file) if is_toml else _merged(before, content, file), "utf-8")
        say(f"Wrote {chosen.file}")
    note(chosen.token)


def _toml(content: dict[str, Any]) -> str:
    return "\n".join([_SECTION, *(f"{name} = {json.dumps(value)}" for name, value in content.items())])


def _with_section(before: str, section: str, file: Path) -> str:
    if _SECTION in before:
        raise Failure(f"{file} has {_SECTION} already", "change it there by hand")
    return f"{before.rstrip()}\n\n{section}\n".lstrip()


def _merged(before: str, content: dict[str, Any], file: Path) -> str:
    """What the file holds, with this server in place of one of the same name."""
    try:
        held = json.loads(before or "{}")
    except ValueError:
        held = None
    if not isinstance(held, dict):
        raise Failure(f"{file} is not a JSON object", "mend it, or run it without --write and copy the text")
    for name, value in content.items():
        if isinstance(value, dict):
            held[name] = {**held.get(name, {}), **value}
        else:
            held[name] = [*(one for one in held.get(name, []) if one not in value), *value]
    return json.dumps(held, indent=2) + "\n"
