"""Details of wrong fields: every one, by its path, and never the value sent."""

from typing import Annotated

import pytest
from msgspec import field

from jobsprint.core.errors import Detail, InvalidFields, all_wrong, wrong_fields
from jobsprint.domain.inputs import Check, Input
from jobsprint.domain.validation import validate


def _refuse(text: str) -> str:
    raise ValueError("our own sentence")


class _Inner(Input, frozen=True):
    number: int


class _Outer(Input, frozen=True):
    name: str
    list_: list[_Inner] = field(default_factory=list)
    ours: Annotated[str, Check(_refuse)] = ""


def test_every_wrong_field_is_listed_without_its_value() -> None:
    with pytest.raises(InvalidFields) as refused:
        validate(_Outer, {"list_": [{"number": 1}, {"number": "s3cret"}], "ours": "s3cret", "more": "s3cret"})

    details = refused.value.details
    assert [detail.field for detail in details] == ["body.name", "body.list_[1].number", "body.ours", "body.more"]
    assert details[2].message == "our own sentence"
    assert "s3cret" not in str(details) + refused.value.message


def test_fields_are_named_from_where_they_stand() -> None:
    with pytest.raises(InvalidFields) as refused:
        validate(_Outer, 5, "body.events[3]")

    assert [detail.field for detail in refused.value.details] == ["body.events[3]"]


def test_the_message_names_the_first_three() -> None:
    error = wrong_fields(Detail(name, "wrong") for name in "abcd")

    assert error.message == "a: wrong; b: wrong; c: wrong"
    assert len(error.details) == 4


def test_a_single_error_keeps_its_code_and_several_become_one() -> None:
    first = InvalidFields.one("body.url", "no", code="forbidden_url")
    second = InvalidFields.one("body.name", "no")

    assert all_wrong([first]) is first
    assert [detail.field for detail in all_wrong([second, first]).details] == ["body.name", "body.url"]
