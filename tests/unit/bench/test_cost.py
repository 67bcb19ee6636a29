"""The cost model: its parts are the whole, and it moves the way a bill does."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.bench.cost import Assumptions, Prices, costs, standing
from tools.bench.meter import Bill
from tools.bench.storage import Costs

COUNTS = Costs(
    single=Bill(reads=1, sqs=1, logged=500),
    batch=Bill(reads=1, writes=25, sqs=3, stored=4000, logged=500),
    bus=Bill(reads=1, writes=10, sqs=1, stored=7000, logged=500),
    dispatch=Bill(reads=1, writes=21, stored=6000, logged=700),
    dispatch_of_one=Bill(reads=1, writes=4, stored=900, logged=600),
    dispatch_of_singles=Bill(reads=1, writes=23, stored=9000, logged=700),
    call=Bill(reads=1.5, logged=200),
    health=Bill(reads=2, writes=1, logged=300),
    sweep=Bill(reads=8, logged=200),
    egress=1300,
)
DELIVERING = ("batch", "bus", "single")


def bill(name: str, **changed: float) -> float:
    """Dollars per million with some assumptions changed."""
    return costs(COUNTS, Prices(), replace(Assumptions(), **changed))[name].total


@pytest.mark.parametrize("name", costs(COUNTS, Prices(), Assumptions()))
def test_the_parts_are_the_whole(name: str) -> None:
    found = costs(COUNTS, Prices(), Assumptions())[name]
    assert found.total == pytest.approx(sum(found.parts.values()))
    assert all(part > 0 for part in found.parts.values())


@pytest.mark.parametrize("name", DELIVERING)
@settings(max_examples=20)
@given(fewer=st.integers(1, 9), more=st.integers(1, 9))
def test_fuller_batches_cost_less(name: str, fewer: int, more: int) -> None:
    assert bill(name, fill=fewer + more) < bill(name, fill=fewer)


@pytest.mark.parametrize("what", ["receiver_latency", "retention_days", "wire", "system_log_bytes"])
@pytest.mark.parametrize("name", DELIVERING)
@settings(max_examples=20)
@given(few=st.integers(0, 5000), more=st.integers(1, 5000))
def test_more_of_it_costs_more(name: str, what: str, few: int, more: int) -> None:
    assert bill(name, **{what: few + more}) > bill(name, **{what: few})


def test_what_stands_there_is_paid_without_traffic() -> None:
    found = standing(COUNTS, Prices(), Assumptions())
    assert set(found.parts) == {"alarms", "sqs", "kms", "secrets", "sweeps"}
    assert all(part > 0 for part in found.parts.values())
    silent = standing(COUNTS, Prices(), replace(Assumptions(), polls_an_hour=0))
    assert silent.total == pytest.approx(found.total - found.parts["sqs"])


def test_an_event_costs_least_in_a_batch_and_most_alone() -> None:
    assert bill("batch") < bill("bus") < bill("single")


def test_a_delivered_event_pays_for_its_three_writes() -> None:
    parts = costs(COUNTS, Prices(write_unit=1e-6, read_unit=0), Assumptions())["batch"].parts
    assert parts["dynamodb"] == pytest.approx(1 + 2 + 0.1)


def test_ten_single_events_share_the_writes_that_keep_them() -> None:
    prices = Prices(write_unit=1e-6, read_unit=0)
    shared = [costs(COUNTS, prices, Assumptions(fill=fill))["single"].parts["dynamodb"] for fill in (10, 1)]
    assert shared == pytest.approx([0.2 + 2 + 0.1, 1 + 2 + 1])
