"""A sample of `tests/slow/test_mcp_chaos.py`: writes and subscribed events over MCP, while functions crash."""

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import forget_settings
from tests.support.agent_chaos import EXECUTION_SECONDS, agents
from tests.support.subscriber_chaos import RETRY_SCHEDULE, subscribers

ORDERS = 6
EVENTS = 25


@pytest.fixture(autouse=True)
def settings(aws: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXECUTION_SECONDS", str(EXECUTION_SECONDS))
    monkeypatch.setenv("RETRY_SCHEDULE", RETRY_SCHEDULE)
    forget_settings()


def test_a_write_with_a_key_is_done_once_and_its_outcome_is_true(tmp_path: Path) -> None:
    with agents(tmp_path) as [shop]:
        shop.order(range(ORDERS))
        shop.order_twice([ORDERS])
    assert shop.outcome.wrong == []
    counts = shop.outcome.counts
    assert (counts["orders"], counts["duplicates"], counts["both_ran"]) == (ORDERS, 0, 1)
    assert shop.died


def test_subscribed_events_arrive_and_none_goes_to_a_callback_that_failed_its_challenge(tmp_path: Path) -> None:
    with subscribers(tmp_path, seed=15) as found:
        found.subscribe()
        found.publish(EVENTS)
    outcome = found.outcome
    assert (outcome.wrong, outcome.events, outcome.lost, outcome.to_unverified) == ([], EVENTS, 0, 0)
    assert outcome.delivered >= EVENTS
    assert found.died
