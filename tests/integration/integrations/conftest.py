"""What the OAuth tests share."""

from collections.abc import Iterator
from typing import Any

import pytest

from jobsprint.connectors import registry
from tests.conftest import forget_settings
from tests.support.authority import Authority, authority


@pytest.fixture
def server(aws: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Authority]:
    """A protected server that is this deployment's Zapier, and a connector that can talk to it."""
    monkeypatch.setitem(registry.CONNECTORS, "mcp", "tests.support.bearer:Bearer")
    monkeypatch.setitem(registry.CONNECTORS, "zapier", "tests.support.bearer:ZapierBearer")
    with authority() as made:
        monkeypatch.setenv("ZAPIER_MCP_URL", made.mcp)
        forget_settings()
        yield made
