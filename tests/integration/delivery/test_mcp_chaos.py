"""A sample of `tests/slow/test_mcp_chaos.py`: orders and subscribed events over MCP, while functions crash."""

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import forget_settings
from tests.support.agent_chaos import EXECUTION_SECONDS, agents


def test_a_write_with_a_key_is_done_once_and_its_outcome_is_true(
    aws: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXECUTION_SECONDS", str(EXECUTION_SECONDS))
    forget_settings()
    with agents(tmp_path) as [shop]:
        shop.order(range(40))
        print(shop.outcome, shop.died)
        assert (shop.outcome.orders, shop.outcome.duplicates, shop.outcome.wrong) == (40, 0, [])
