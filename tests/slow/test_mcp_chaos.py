"""1,000 writes and 10,000 subscribed events over MCP, while functions crash and upstreams answer badly."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from jobsprint.core.observability import logger
from tests.conftest import forget_settings
from tests.support.agent_chaos import EXECUTION_SECONDS, Agents, agents
from tests.support.subscriber_chaos import RETRY_SCHEDULE, subscribers

ORDERS = 1000
TWICE = 100
TENANTS = 2
EVENTS = 10_000


@pytest.fixture(autouse=True)
def settings(aws: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("EXECUTION_SECONDS", str(EXECUTION_SECONDS))
    monkeypatch.setenv("RETRY_SCHEDULE", RETRY_SCHEDULE)
    forget_settings()
    logger.setLevel("CRITICAL")
    yield
    logger.setLevel("INFO")


def report(title: str, counts: object, died: Counter[str]) -> None:
    print(f"\n{title}: {died.total()} deaths; {counts}")
    for call, times in sorted(died.items()):
        print(f"  {times:4} {call}")


def test_writes_with_a_key_are_done_once_and_their_outcomes_are_true(tmp_path: Path) -> None:
    def use(shop: Agents) -> None:
        shop.order(range(ORDERS // TENANTS))
        shop.order_twice(range(ORDERS, ORDERS + TWICE // TENANTS))

    with agents(tmp_path, tenants=TENANTS) as shops, ThreadPoolExecutor(TENANTS) as threads:
        list(threads.map(use, shops))

    outcomes = [shop.outcome for shop in shops]
    total: Counter[str] = sum((one.counts for one in outcomes), Counter())
    died: Counter[str] = sum((shop.died for shop in shops), Counter())
    report("writes", dict(total), died)
    assert [flaw for one in outcomes for flaw in one.wrong] == []
    assert (total["orders"], total["duplicates"], total["both_ran"]) == (ORDERS, 0, TWICE)
    assert min(total["succeeded"], total["failed"], total["unknown"]) > ORDERS / 50
    assert {call.split(" ")[0] for call in died} == {"serve_mcp", "run_executions"}
    assert {"run_executions http before", "run_executions http after"} <= set(died)


def test_subscribed_events_arrive_and_none_goes_to_a_callback_that_failed_its_challenge(tmp_path: Path) -> None:
    with subscribers(tmp_path, seed=15) as found:
        found.subscribe()
        found.publish(EVENTS)

    outcome = found.outcome
    report("subscribed events", outcome, found.died)
    assert outcome.wrong == []
    assert (outcome.events, outcome.lost, outcome.to_unverified) == (EVENTS, 0, 0)
    assert outcome.delivered == outcome.owed >= EVENTS
    assert {"serve_mcp", "publish_events", "dispatch_webhooks"} <= {call.split(" ")[0] for call in found.died}
    assert {"dispatch_webhooks http before", "dispatch_webhooks http after"} <= set(found.died)
