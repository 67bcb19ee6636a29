"""What the meter bills, against the rules and examples of the DynamoDB Developer Guide."""

from typing import Any

import pytest

from tests.support.template import resources
from tools.bench.meter import _read_units, index_units, item_size

TABLE = "EventsTable"
INDEX = {
    "KeySchema": [{"AttributeName": "owner"}, {"AttributeName": "due"}],
    "Projection": {"ProjectionType": "KEYS_ONLY"},
}


def item(**more: str) -> dict[str, Any]:
    keys = {key["AttributeName"]: "k" for key in resources("AWS::DynamoDB::Table")[TABLE]["KeySchema"]}
    return {name: {"S": value} for name, value in {**keys, **more}.items()}


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "shirt"}, 5),
        ({"S": "é"}, 2),
        ({"N": "27"}, 2),
        ({"N": "-1234"}, 3),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"B": b"abc"}, 3),
        ({"L": []}, 3),
        ({"L": [{"S": "ab"}]}, 3 + 1 + 2),
        ({"M": {"a": {"S": "b"}}}, 3 + 1 + 1 + 1),
        ({"SS": ["ab", "c"]}, 3),
    ],
)
def test_an_item_weighs_its_names_and_values(value: dict[str, Any], size: int) -> None:
    assert item_size({"name": value}) == 4 + size


def test_an_index_takes_nothing_of_an_item_that_it_does_not_hold() -> None:
    assert index_units(INDEX, TABLE, {}, item(text="x" * 5000)) == 0


def test_an_index_takes_nothing_when_what_it_holds_stays() -> None:
    before = item(owner="a", due="1")
    assert index_units(INDEX, TABLE, before, {**before, "text": {"S": "x" * 5000}}) == 0


def test_an_index_takes_one_to_put_and_one_to_delete() -> None:
    held = item(owner="a", due="1")
    assert index_units(INDEX, TABLE, {}, held) == 1
    assert index_units(INDEX, TABLE, held, {}) == 1


def test_an_index_takes_two_when_its_key_moves() -> None:
    assert index_units(INDEX, TABLE, item(owner="a", due="1"), item(owner="a", due="2")) == 2


@pytest.mark.parametrize(("size", "units"), [(1, 0.5), (4090, 0.5), (4200, 1.0)])
def test_a_read_bills_half_a_unit_for_4_kb(size: int, units: float) -> None:
    answer = {"Item": {"a": {"S": "x" * size}}}
    assert _read_units("GetItem", {}, answer) == units
    assert _read_units("GetItem", {"ConsistentRead": True}, answer) == units * 2


def test_a_query_bills_the_sum_of_what_it_read() -> None:
    rows = [{"a": {"S": "x" * 1000}}] * 9
    assert _read_units("Query", {"ConsistentRead": True}, {"Items": rows}) == 3
    assert _read_units("Query", {}, {"Items": []}) == 0.5
