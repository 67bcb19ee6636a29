"""What an operation bills, so that no change makes it dearer unseen; `make bench` prints the same counts."""

import os

import pytest

from bench import cost, storage
from bench.storage import Counted


@pytest.fixture(scope="module")
def counted() -> Counted:
    """Counted in this process; what it sets in the environment goes again."""
    before = dict(os.environ)
    try:
        return storage.counted(backlog=50)
    finally:
        os.environ.clear()
        os.environ.update(before)


def test_every_figure_of_storage_holds(counted: Counted) -> None:
    assert not [figure.name for figure in counted.figures if not figure.holds]


def test_a_delivered_event_takes_three_writes_and_no_index(counted: Counted) -> None:
    assert counted.costs.single.writes == 1
    assert counted.costs.dispatch_of_one.writes == 2 + 1  # claim and record, and the count of the batch
    assert counted.costs.dispatch.writes == 2 * storage.FILL + 1
    assert counted.costs.dispatch.indexes == counted.costs.batch.indexes == 0


def test_nothing_scans_and_nothing_asks_for_a_key_when_warm(counted: Counted) -> None:
    bills = vars(counted.costs).values()
    assert not sum(bill.calls["dynamodb:Scan"] for bill in bills)
    assert not sum(bill.kms for bill in bills)


def test_the_bill_stays_within_a_tenth_of_what_was_found(counted: Counted) -> None:
    found = {name: bill.total for name, bill in cost.costs(counted.costs, cost.Prices(), cost.Assumptions()).items()}
    assert found["batch"] < 3.65 * 1.1
    assert found["bus"] < 5.04 * 1.1
    assert found["single"] < 8.33 * 1.1
