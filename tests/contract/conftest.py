"""n8n as it was recorded: every test plays the conversation of its own name."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.conversations import replayed
from tests.support.n8n_world import World

REPLIES = Path(__file__).parent / "replies" / "n8n"


@pytest.fixture
def n8n(request: pytest.FixtureRequest) -> Iterator[World]:
    """The n8n that `tests/connectors` recorded (`RECORD=1 make test-connectors`)."""
    with replayed(REPLIES / f"{request.node.name}.json") as conversation:
        yield World(conversation)
