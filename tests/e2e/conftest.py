"""The local stack for end-to-end tests: started once per session, on a free port, in a folder of its own.

`E2E_REUSE=1` takes the stack that `make up` or `make run` has started instead.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import stack as deployed
from local.options import PROJECT, Home
from tests.e2e.local_stack import Stack, command, free_port

# Short waits, so that a test can watch a delivery being retried until it is exhausted.
SETTINGS = {"RETRY_SCHEDULE": "0,1,2,3", "HEALTH_TEST_RATE": "rate(15 minutes)", "ALLOW_PRIVATE_TARGETS": "true"}


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The stack, deployed from template.yaml under enforced IAM."""
    if os.environ.get("E2E_REUSE"):
        home = Home(PROJECT / ".local")
        yield Stack(home, deployed.read_env(home))
        return
    home = Home(PROJECT / ".local" / "e2e")
    command(home, "down")
    shutil.rmtree(home.folder, ignore_errors=True)
    try:
        started = command(home, "up", settings=SETTINGS | {"PORT": str(free_port())})
        assert started.returncode == 0, started.stdout + started.stderr
        yield Stack(home, deployed.read_env(home))
    finally:
        command(home, "down")


@pytest.fixture
def other_home(tmp_path: Path) -> Iterator[Home]:
    """A folder for a second stack, stopped afterwards."""
    home = Home(tmp_path / "second stack")
    yield home
    command(home, "down")
