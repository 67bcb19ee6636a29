"""What an operation bills and how queue and retries go, so that no change makes it worse unseen: `make bench` prints
the same figures."""

import os
from dataclasses import replace

import pytest

from tools.bench import cost, simulation, storage
from tools.bench.storage import Counted


@pytest.fixture(scope="module")
def counted() -> Counted:
    """Counted in this process; what it sets in the environment goes again."""
    before = dict(os.environ)
    try:
        return storage.counted()
    finally:
        os.environ.clear()
        os.environ.update(before)


def test_every_figure_of_storage_holds(counted: Counted) -> None:
    assert not [figure.name for figure in counted.figures if not figure.holds]


def test_a_delivered_event_takes_three_writes_and_no_index(counted: Counted) -> None:
    assert counted.costs.single.writes == 0  # its message keeps it
    assert counted.costs.dispatch_of_one.writes == 1 + 2 + 1  # the event, claim and record, and the count of the batch
    assert counted.costs.dispatch_of_singles.writes <= 4 + 2 * storage.FILL + 1
    assert counted.costs.dispatch.writes == 2 * storage.FILL + 1
    assert counted.costs.dispatch.indexes == counted.costs.batch.indexes == 0


def test_a_batch_of_events_takes_less_than_a_write_for_five(counted: Counted) -> None:
    assert counted.costs.batch.writes <= storage.BATCH / 5


def test_ten_events_of_the_bus_take_two_writes(counted: Counted) -> None:
    assert counted.costs.bus.writes <= 2


def test_nothing_scans_and_nothing_asks_for_a_key_when_warm(counted: Counted) -> None:
    assert not sum(bill.calls["dynamodb:Scan"] for bill in counted.costs.bills)
    assert not sum(bill.kms for bill in counted.costs.bills)


def test_the_bill_stays_within_a_tenth_of_what_was_found(counted: Counted) -> None:
    found = {name: bill.total for name, bill in cost.costs(counted.costs, cost.Prices(), cost.Assumptions()).items()}
    assert found["batch"] < 2.22 * 1.1
    assert found["bus"] < 3.62 * 1.1
    assert found["single"] < 7.36 * 1.1


def test_what_waits_for_dead_receivers_is_bounded_and_none_of_it_lost() -> None:
    busy = replace(simulation.BUSY, hours=30, back_hours=24)
    back = simulation.simulated(busy)
    assert back.most <= busy.per_second * 24 * 3600 * 1.1
    assert back.attempts - back.delivered < 0.1 * back.published
    assert back.published - back.done == back.waiting[-1] <= 10
    assert back.last_of_old_hours - 24 < 1
