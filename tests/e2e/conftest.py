"""The local stack for end-to-end tests: started once per session."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.api import Api
from tests.e2e.local_stack import Stack, command, fresh_stack
from tests.support.receiver import Receiver, receiving
from tools.local.options import PROJECT, Home


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The stack, deployed from template.yaml under enforced IAM."""
    with fresh_stack(PROJECT / ".local" / "e2e") as stack:
        yield stack


@pytest.fixture
def api(stack: Stack) -> Api:
    """The API, for a tenant of the test's own."""
    return Api.of(stack)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A tenant's HTTP endpoint on 127.0.0.1."""
    with receiving() as found:
        yield found


@pytest.fixture
def other_home(tmp_path: Path) -> Iterator[Home]:
    """A folder for a second stack, stopped afterwards."""
    home = Home(tmp_path / "second stack")
    yield home
    command(home, "down")
