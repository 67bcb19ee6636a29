"""`sam local invoke` as one types it, on a local stack of its own. Needs a container engine and `make build`."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.e2e.local_stack import Stack, fresh_stack
from tests.support.receiver import Receiver, Reply, receiving
from tests.support.template import functions
from tools.local.options import PROJECT


@pytest.fixture(scope="session", autouse=True)
def ended_in_order() -> None:
    """Being told to end, or losing the terminal, ends the run as Ctrl-C does: what was started is stopped."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def engine() -> None:
    """Without a container engine there is nothing to try, and the run fails and says so."""
    try:
        docker.from_env(timeout=5).ping()
    except docker.errors.DockerException:
        pytest.exit("No container engine answers: start Docker, or podman with DOCKER_HOST set.", returncode=1)


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The local stack."""
    with fresh_stack(PROJECT / ".local" / "sam-local") as stack:
        yield stack


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    """A tenant's endpoint on all addresses, so that functions in containers reach it too."""
    with receiving("0.0.0.0") as found:
        found.answer = lambda _: Reply(body={"done": True})
        yield found


def sam_local_invoke(folder: str, event: Path, variables: Path) -> Any:
    """What the function of a folder answers; `variables` stands for the file that samconfig.toml names."""
    command = [sys.executable, "-m", "samcli", "local", "invoke", functions()[folder]["LogicalId"], "-e", str(event)]
    ran = subprocess.run(
        [*command, "--env-vars", str(variables)],
        cwd=PROJECT,
        env={name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAM_"))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.startswith("{"), ran.stdout + ran.stderr  # else the function timed out
    return json.loads(ran.stdout)
