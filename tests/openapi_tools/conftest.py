"""The local stack that a generated client calls."""

from collections.abc import Iterator

import pytest

from tests.e2e.local_stack import Stack, fresh_stack
from tools.local.options import PROJECT


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The stack, deployed from template.yaml under enforced IAM."""
    with fresh_stack(PROJECT / ".local" / "openapi-stack") as stack:
        yield stack
