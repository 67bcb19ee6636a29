"""A local stack of its own, on a machine that does nothing else: these tests measure times."""

from collections.abc import Iterator

import pytest

from tests.support.receiver import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A tenant's HTTP endpoint on 127.0.0.1."""
    with receiving() as found:
        yield found
