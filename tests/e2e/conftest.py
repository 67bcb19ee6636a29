"""The local stack for end-to-end tests: started once per session."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.options import PROJECT, Home
from tests.e2e.local_stack import Stack, command, deployed_anew


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The stack, deployed from template.yaml under enforced IAM."""
    with deployed_anew(PROJECT / ".local" / "e2e") as stack:
        yield stack


@pytest.fixture
def other_home(tmp_path: Path) -> Iterator[Home]:
    """A folder for a second stack, stopped afterwards."""
    home = Home(tmp_path / "second stack")
    yield home
    command(home, "down")
