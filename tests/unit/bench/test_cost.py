"""The cost model: it moves the way a bill does."""

from dataclasses import replace
from typing import Any

import pytest

from tools.bench.cost import Assumptions, bill
from tools.bench.meter import Bill, index_units, size, units
from tools.bench.storage import Counts

DISPATCH = Bill(reads=1, writes=21, stored=6000)
ONE = Bill(reads=1, writes=3, stored=600)
BATCHES = Counts(25, Bill(reads=1, writes=4, stored=4000, sqs=3), DISPATCH, ONE, egress=1300)
SINGLE = Counts(1, Bill(reads=1, writes=1, stored=600, sqs=1), DISPATCH, ONE, egress=1300)


def total(counts: Counts, **changed: float) -> float:
    return sum(bill(counts, replace(Assumptions(), **changed)).values())  # type: ignore[arg-type]


def test_an_event_costs_more_alone_than_in_a_batch() -> None:
    assert total(SINGLE) > total(BATCHES) + 3


@pytest.mark.parametrize("name", ["receiver_latency", "months", "wire", "aws_call", "dispatch_cpu"])
def test_more_of_anything_costs_more(name: str) -> None:
    assert total(BATCHES, **{name: 2000}) > total(BATCHES, **{name: 1000})


def test_a_million_events_pay_for_their_share_of_the_write_units() -> None:
    given = Assumptions(write_unit=1e-6, read_unit=0)
    assert bill(BATCHES, given)["DynamoDB"] == pytest.approx(4 / 25 + 2.1)
    assert BATCHES.writes == pytest.approx(4 / 25 + 2)
    assert BATCHES.batch_writes == 1
    assert bill(SINGLE, given)["DynamoDB"] == pytest.approx(1 + 2.1)


@pytest.mark.parametrize(
    ("item", "bytes_", "billed"),
    [
        ({}, 0, 1),
        ({"pk": {"S": "é"}}, 5, 1),
        ({"pk": {"S": "x" * 1021}}, 1024, 1),
        ({"pk": {"B": b"x" * 1022}}, 1025, 2),
    ],
)
def test_an_item_is_billed_by_its_kilobytes(item: dict[str, Any], bytes_: int, billed: int) -> None:
    assert (size(item), units(item)) == (bytes_, billed)


def test_an_index_bills_what_enters_and_what_leaves_it() -> None:
    key = {"pk": {"S": "k"}, "sk": {"S": "k"}}
    waiting = {**key, "dueShard": {"S": "1"}, "dueAt": {"N": "1"}}
    assert index_units("EventsTable", {}, key) == 0
    assert index_units("EventsTable", {}, waiting) == index_units("EventsTable", waiting, key) == 1
    assert index_units("EventsTable", waiting, {**waiting, "dueAt": {"N": "2"}}) == 2
    assert index_units("EventsTable", waiting, {**waiting, "text": {"S": "x" * 5000}}) == 0
