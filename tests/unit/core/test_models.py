"""Requests are read exactly, answers leave out what is absent, and wrong fields are told in one voice."""

import json
from typing import Annotated, Any, Literal, get_args

import pytest
from pydantic import AfterValidator, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import ErrorType

from jobsprint.core.errors import Detail, InvalidFields
from jobsprint.core.models import SENTENCES, RequestModel, ResponseModel, invalid_fields, sentence, validate


def ours(text: str) -> str:
    raise ValueError("our own sentence")


def forbidden(text: str) -> str:
    raise PydanticCustomError("forbidden_url", "{reason}", {"reason": "use https {now}"})


class Cat(RequestModel):
    kind: Literal["cat"]


class Dog(RequestModel):
    kind: Literal["dog"]
    full_name: str


class Probe(RequestModel):
    some_text: Annotated[str, Field(min_length=1, max_length=5, pattern="^[a-z]*$")] = "a"
    long_text: Annotated[str, Field(min_length=3)] = "aaa"
    whole: Annotated[int, Field(ge=1, le=5)] = 1
    share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    flag: bool = False
    names: Annotated[list[str], Field(min_length=1, max_length=2)] = Field(default_factory=list)
    pair: Annotated[list[str], Field(min_length=2)] = Field(default_factory=list)
    by_name: Annotated[dict[str, int], Field(max_length=1)] = Field(default_factory=dict)
    choice: Literal["a", "b", "c"] = "a"
    nothing: None = None
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None
    own: Annotated[str, AfterValidator(ours)] = ""
    url: Annotated[str, AfterValidator(forbidden)] = ""


CASES: list[tuple[str, Any, str]] = [
    ("someText", 5, "send a string"),
    ("someText", "", "must not be empty"),
    ("someText", "abcdef", "up to 5 characters"),
    ("someText", "ABC", "must match ^[a-z]*$"),
    ("longText", "ab", "at least 3 characters"),
    ("whole", "1", "send a whole number"),
    ("whole", 1.5, "send a whole number"),
    ("whole", True, "send a whole number"),
    ("whole", 0, "at least 1"),
    ("whole", 6, "at most 5"),
    ("share", "s3cret", "send a number"),
    ("share", 0, "more than 0"),
    ("share", 1, "less than 1"),
    ("flag", 0, "send true or false"),
    ("names", {}, "send a list"),
    ("names", [], "must not be empty"),
    ("names", ["a"] * 3, "up to 2 elements"),
    ("names[1]", ["a", 5], "send a string"),
    ("pair", ["a"], "at least 2 elements"),
    ("byName", [], "send an object"),
    ("byName", {"a": 1, "b": 2}, "up to 1 fields"),
    ("byName.a", {"a": "s3cret"}, "send a whole number"),
    ("choice", "s3cret", "send 'a', 'b' or 'c'"),
    ("nothing", "s3cret", "send null"),
    ("pet", {"kind": "s3cret"}, "'kind' must be one of 'cat', 'dog'"),
    ("pet", {}, "'kind' is required"),
    ("pet.dog.fullName", {"kind": "dog"}, "is required"),
    ("pet", "s3cret", "send an object"),
    ("own", "s3cret", "our own sentence"),
    ("url", "s3cret", "use https {now}"),
    ("unknown", "s3cret", "is not a field here"),
]


def refusal(model: type[RequestModel], value: object, where: str = "body") -> InvalidFields:
    with pytest.raises(InvalidFields) as refused:
        validate(model, value, where)
    return refused.value


@pytest.mark.parametrize(("field", "value", "message"), CASES)
def test_each_kind_of_mistake_has_its_sentence(field: str, value: Any, message: str) -> None:
    sent = field.partition(".")[0].partition("[")[0]

    error = refusal(Probe, {sent: value})

    assert error.details == (Detail(f"body.{field}", message),)
    assert "s3cret" not in error.message


@pytest.mark.parametrize("value", [None, 5, "s3cret", [], True])
def test_what_is_no_object(value: Any) -> None:
    assert refusal(Probe, value, "body.events[3]").details == (Detail("body.events[3]", "send an object"),)


def test_every_wrong_field_is_listed() -> None:
    error = refusal(Probe, {"whole": 0, "flag": 1, "more": "s3cret"}, "event")

    assert [detail.field for detail in error.details] == ["event.whole", "event.flag", "event.more"]
    assert error.code == "invalid_fields"


def test_sentences_are_of_types_that_pydantic_has() -> None:
    assert set(SENTENCES) <= set(get_args(ErrorType))


@pytest.mark.parametrize("error_type", [name for name in SENTENCES if name not in ("union_tag_invalid", "too_short")])
def test_sentences_read_without_a_gap(error_type: str) -> None:
    context = {
        "min_length": 2, "max_length": 2, "gt": 1, "ge": 1, "lt": 1, "le": 1, "multiple_of": 2, "expected": "'a'",
        "discriminator": "'kind'", "pattern": "^a$", "field_type": "List", "tag": "s3cret", "expected_tags": "'a'",
    }  # fmt: skip
    said = sentence({"type": error_type, "loc": (), "msg": "Input should be otherwise", "ctx": context})

    assert "s3cret" not in said
    assert "{" not in said
    assert "Input" not in said


def test_a_custom_error_alone_gives_its_code() -> None:
    assert refusal(Probe, {"url": "x"}).code == "forbidden_url"
    assert refusal(Probe, {"url": "x", "whole": 0}).code == "invalid_fields"
    assert refusal(Probe, {"whole": 0}).code == "invalid_fields"


def test_further_wrong_fields_join_the_list_once() -> None:
    further = [Detail("body.url", "no such host"), Detail("body.whole", "again")]
    asked: list[str] = []

    def also() -> list[Detail]:
        asked.append("asked")
        return further

    with pytest.raises(InvalidFields) as refused:
        validate(Probe, {"whole": 0}, also=also)
    assert refused.value.details == (Detail("body.whole", "at least 1"), Detail("body.url", "no such host"))
    validate(Probe, {}, also=also)
    assert asked == ["asked"]


def test_errors_are_named_without_a_place_too() -> None:
    [listed] = invalid_fields([{"type": "missing", "loc": ("query", "limit"), "msg": "Field required"}]).details
    assert listed == Detail("query.limit", "is required")


def test_what_was_not_sent_is_told_from_null() -> None:
    class Change(RequestModel):
        some_name: str | None = None

    assert validate(Change, {}).model_fields_set == set()
    assert validate(Change, {"someName": None}).model_fields_set == {"some_name"}
    assert validate(Change, {"someName": "a"}).some_name == "a"
    assert refusal(Change, {"some_name": "a"}).details == (Detail("body.some_name", "is not a field here"),)


def test_an_error_does_not_print_its_input() -> None:
    with pytest.raises(ValidationError) as refused:
        Probe.model_validate({"whole": "s3cret"})
    assert "s3cret" not in str(refused.value)


class Inner(ResponseModel):
    next_step: str | None = None


class Answer(ResponseModel):
    """What is answered."""

    success: Literal[True] = True
    maybe: int | str | None = None
    note: Annotated[str | None, Field(description="A note")] = None
    output: Any
    anything: dict[str, Any]
    inner_part: Inner


def test_absent_fields_are_left_out_and_nulls_of_data_stay() -> None:
    answer = Answer(output=None, anything={"a": None}, inner_part=Inner())
    expected = {"success": True, "output": None, "anything": {"a": None}, "innerPart": {}}

    assert answer.model_dump(mode="json") == expected
    assert json.loads(answer.model_dump_json()) == expected
    assert TypeAdapter(list[Answer]).dump_python([answer], by_alias=True) == [expected]
    assert Inner(next_step="a").model_dump() == {"nextStep": "a"}


def test_the_schema_says_so() -> None:
    described = TypeAdapter(Answer).json_schema(mode="serialization")

    assert described["description"] == "What is answered."
    assert described["required"] == ["success", "output", "anything", "innerPart"]
    properties = described["properties"]
    assert properties["success"] == {"const": True, "title": "Success", "type": "boolean"}
    assert properties["note"] == {"description": "A note", "title": "Note", "type": "string"}
    assert properties["maybe"] == {"anyOf": [{"type": "integer"}, {"type": "string"}], "title": "Maybe"}
    assert properties["anything"] == {"additionalProperties": True, "title": "Anything", "type": "object"}
    assert described["$defs"]["Inner"]["properties"] == {"nextStep": {"title": "Nextstep", "type": "string"}}
    assert "required" not in described["$defs"]["Inner"]
