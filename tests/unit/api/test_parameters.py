"""Parameters are read as pydantic would read them, which is not there when a function starts."""

import re
from typing import Annotated, Any, Literal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter, ValidationError

from jobsprint.api.parameters import Body, Parameters, Path, Query, Request
from jobsprint.core.errors import InvalidFields
from jobsprint.domain.inputs import Input

Kind = Literal["zapier", "n8n", "custom"]
NUMBERS = TypeAdapter(Annotated[int, Field(ge=1, le=100)])
KINDS = TypeAdapter(Kind)
TEXTS = TypeAdapter(Annotated[str, Field(max_length=5)])


class Thing(Input, frozen=True):
    name: str


def even(text: str) -> str:
    if len(text) % 2:
        raise ValueError("an even number of characters")
    return text


def operation(
    thingId: Annotated[str, Path("Thing ID")],  # noqa: N803 - named like its segment
    limit: Annotated[int, Query("Items per page", ge=1, le=100)] = 20,
    kind: Annotated[Kind | None, Query("Filter by kind")] = None,
    text: Annotated[str | None, Query("Filter by text", max_length=5)] = None,
    checked: Annotated[str | None, Query(check=even)] = None,
    body: Annotated[Thing | None, Body()] = None,
) -> None:
    """Takes one of each."""


def read(query: dict[str, list[str]] | None = None, body: Any = None, function: Any = operation) -> dict[str, Any]:
    event = {
        "queryStringParameters": {name: values[-1] for name, values in (query or {}).items()} or None,
        "multiValueQueryStringParameters": query or None,
    }
    return Parameters(function).read(Request({"thingId": "t 1"}, event, lambda: body))


def complaint(query: dict[str, list[str]]) -> list[tuple[str, str]]:
    with pytest.raises(InvalidFields) as caught:
        read(query)
    return [(detail.field, detail.message) for detail in caught.value.details]


def same_as(adapter: TypeAdapter[Any], name: str, text: str) -> None:
    wrong = refusal(adapter, text)
    if wrong:
        assert complaint({name: [text]}) == [(f"query.{name}", wrong)]
    else:
        assert read({name: [text]})[name] == adapter.validate_python(text)


def refusal(adapter: TypeAdapter[Any], text: str) -> str:
    try:
        adapter.validate_python(text)
    except ValidationError as error:
        return error.errors()[0]["msg"]
    return ""


@given(st.one_of(st.integers(-10, 200).map(str), st.text(max_size=8), st.from_regex(r"[ +-]?[0-9_.]{1,30} ?")))
def test_numbers(text: str) -> None:
    assume(not re.search("[0-9_][+-]", text))  # pydantic reads 0-0 as 0, which is no number to anybody else
    same_as(NUMBERS, "limit", text)


@given(st.one_of(st.sampled_from(["zapier", "n8n", "custom"]), st.text()))
def test_choices(text: str) -> None:
    same_as(KINDS, "kind", text)


@given(st.text(max_size=10))
def test_texts(text: str) -> None:
    same_as(TEXTS, "text", text)


def test_what_is_left_out_has_its_default() -> None:
    assert read() == {"thingId": "t 1", "limit": 20, "kind": None, "text": None, "checked": None, "body": None}


def test_a_value_that_stands_in_the_single_map_only() -> None:
    request = Request({"thingId": "t"}, {"queryStringParameters": {"limit": "3"}}, lambda: None)

    assert Parameters(operation).read(request)["limit"] == 3


def test_every_wrong_one_is_named() -> None:
    with pytest.raises(InvalidFields) as caught:
        read({"limit": ["0"], "kind": ["x", "y"], "checked": ["odd"]}, body={"name": 5})

    assert [(detail.field, detail.message) for detail in caught.value.details] == [
        ("query.limit", "Input should be greater than or equal to 1"),
        ("query.kind", "Input should be given once"),
        ("query.checked", "an even number of characters"),
        ("body.name", "Input should be a valid string"),
    ]


def test_bodies() -> None:
    def required(body: Annotated[Thing, Body()]) -> None:
        """Needs a body."""

    def unchecked(body: Annotated[Thing, Body(checked=False)]) -> None:
        """Checks it itself."""

    assert read(body={"name": "a"})["body"] == Thing(name="a")
    assert read(body={"name": 5}, function=unchecked) == {"body": {"name": 5}}
    with pytest.raises(InvalidFields) as caught:
        read(function=required)
    assert [(detail.field, detail.message) for detail in caught.value.details] == [("body", "Field required")]


def test_a_parameter_says_where_it_stands() -> None:
    def silent(limit: Annotated[int, "nothing"] = 1) -> None:
        """Does not say."""

    with pytest.raises(TypeError, match="limit"):
        Parameters(silent)
