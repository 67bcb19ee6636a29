"""The local stack as the end-to-end tests and those of the connectors see it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.local import stack as deployed
from tools.local import tokens
from tools.local.options import PROJECT, Home

# Short waits, so that a test can watch a delivery being retried until it is exhausted.
SETTINGS = {"RETRY_SCHEDULE": "0,1,2,3", "HEALTH_TEST_RATE": "rate(15 minutes)", "ALLOW_PRIVATE_TARGETS": "true"}


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
    """`python -m tools.local …` as make calls it."""
    return subprocess.run(
        [sys.executable, "-m", "tools.local", "--home", str(home.folder), *words],
        cwd=PROJECT,
        env={**os.environ, **(settings or {})},
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def running(home: Home) -> Iterator[Iterator[str]]:
    """`make run` while the block runs, ended as by Ctrl-C; gives the lines that it prints."""
    words = [sys.executable, "-u", "-m", "tools.local", "--home", str(home.folder), "run"]
    with subprocess.Popen(
        words,
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # As in a terminal: a shell that runs the tests in the background has its children ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdout
        try:
            yield process.stdout
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=90)
    assert process.returncode == 130


@contextmanager
def fresh_stack(folder: Path, **settings: str) -> Iterator[Stack]:
    """A stack without a past in `folder`, on a free port, while the block runs; deployed under enforced IAM.

    `settings` are variables of the make line.

    `E2E_REUSE=1` takes the stack that `make up` or `make run` has started instead.
    """
    if os.environ.get("E2E_REUSE"):
        home = Home(PROJECT / ".local")
        yield Stack(home, deployed.read_env(home))
        return
    home = Home(folder)
    command(home, "down")
    shutil.rmtree(home.folder, ignore_errors=True)
    try:
        started = command(home, "up", settings=SETTINGS | {"PORT": str(free_port())} | settings)
        assert started.returncode == 0, started.stdout + started.stderr
        yield Stack(home, deployed.read_env(home))
    finally:
        command(home, "down")
