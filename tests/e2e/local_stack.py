"""The local stack as the end-to-end tests see it."""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local import stack as deployed
from local import tokens
from local.options import PROJECT, Home


@dataclass(frozen=True)
class Stack:
    """A running local stack."""

    home: Home
    env: dict[str, str] = field(repr=False)

    @property
    def url(self) -> str:
        """The base URL, ending in /v1."""
        return self.env["JOBSPRINT_URL"]

    @property
    def token(self) -> str:
        """The token of tenant `demo`, with every scope."""
        return self.env["JOBSPRINT_TOKEN"]

    @property
    def auth(self) -> dict[str, str]:
        """The header that carries the token."""
        return {"Authorization": f"Bearer {self.token}"}

    def client(self, service: str) -> Any:
        """A boto3 client that may do everything."""
        return deployed.client(service, self.env["AWS_ENDPOINT_URL"])

    def issue_token(self, tenant: str, scopes: tuple[str, ...] = ("*",)) -> str:
        """A token for another tenant, or with fewer scopes."""
        return tokens.issue(tokens.Clients.local(self.home), tenant, list(scopes), None)


def free_port() -> int:
    """A port that nothing uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def command(home: Home, *words: str, settings: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """`python -m local …` as make calls it."""
    return subprocess.run(
        [sys.executable, "-m", "local", "--home", str(home.folder), *words],
        cwd=PROJECT,
        env={**os.environ, **(settings or {})},
        capture_output=True,
        text=True,
        check=False,
    )
