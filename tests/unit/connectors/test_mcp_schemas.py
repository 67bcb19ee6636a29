"""Schemas that our validator cannot check: the tool stays, and exactly that part is left out."""

import copy
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobsprint.connectors.mcp import schemas
from jobsprint.core.json_schema import Checker, check_schema
from jobsprint.core.schema_patterns import Budget

OUTLINE = ("all but the names and types of its parameters",)


def checkable(schema: Any, shared: Budget | None = None) -> tuple[Any, tuple[str, ...]]:
    return schemas.checkable(schema, shared or Budget.of_listing())


def with_email(**keywords: Any) -> dict[str, Any]:
    """A schema whose parameter `email` has these keywords."""
    return {"type": "object", "properties": {"email": {"type": "string", **keywords}, "age": {"type": "integer"}}}


EMAIL = r"^(?!\.)(?!.*\.\.)([A-Za-z0-9_'+\-\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}$"  # zod's


@pytest.mark.parametrize(
    ("keywords", "left_out"),
    [
        ({"pattern": EMAIL}, ["properties.email.pattern"]),
        ({"pattern": r"[\w-.]+"}, ["properties.email.pattern"]),
        ({"pattern": r"(a)\1"}, ["properties.email.pattern"]),
        ({"pattern": r"(?<=a)b"}, ["properties.email.pattern"]),
        ({"pattern": "["}, ["properties.email.pattern"]),
        ({"pattern": 5}, ["properties.email.pattern"]),
        ({"minimum": 1, "exclusiveMinimum": True}, ["properties.email.exclusiveMinimum"]),
        ({"required": True}, ["properties.email.required"]),
        ({"required": None}, ["properties.email.required"]),
        ({"type": "any"}, ["properties.email.type"]),
        ({"enum": {}}, ["properties.email.enum"]),
        ({"enum": None}, ["properties.email.enum"]),
        ({"items": [{"type": "string"}]}, ["properties.email.items"]),
        ({"additionalProperties": None}, ["properties.email.additionalProperties"]),
        ({"minLength": "5"}, ["properties.email.minLength"]),
        ({"anyOf": []}, ["properties.email.anyOf"]),
        ({"format": ["email"]}, ["properties.email.format"]),
        ({"$ref": "#/definitions/Nothing"}, ["properties.email.$ref"]),
        ({"$ref": "#Nothing"}, ["properties.email.$ref"]),
        ({"$ref": "https://example.com/schema"}, ["properties.email.$ref"]),
        ({"$ref": 5}, ["properties.email.$ref"]),
        ({"$dynamicRef": "#meta"}, ["properties.email.$dynamicRef"]),
        ({"$id": "::::"}, ["properties.email.$id"]),
        ({"not": {"pattern": "(?=x)"}}, ["properties.email.not"]),
        ({"anyOf": [{"pattern": "(?=x)"}, {"maxLength": 3}]}, ["properties.email.anyOf.0.pattern"]),
        ({"oneOf": [{"pattern": "(?=x)"}, {"maxLength": 3}]}, ["properties.email.oneOf"]),
        ({"patternProperties": {"(?=x)": {}}, "additionalProperties": False},
         ["properties.email.patternProperties.(?=x)"]),
        ({"pattern": "(?=x)", "exclusiveMaximum": False},
         ["properties.email.exclusiveMaximum", "properties.email.pattern"]),
    ],
)  # fmt: skip
def test_what_is_left_out(keywords: dict[str, Any], left_out: list[str]) -> None:
    schema = with_email(**keywords)
    before = copy.deepcopy(schema)

    found, places = checkable(schema)

    assert schema == before
    assert sorted(places) == left_out
    assert [wrong.field for wrong in Checker(found).details({"email": "a@example.com", "age": "ten"}, "body")] == [
        "body.age"
    ]


@pytest.mark.parametrize(
    ("schema", "left_out"),
    [
        ({"type": "object", "required": None}, ("required",)),
        ({"type": "object", "required": [5]}, ("required",)),
        ({"type": "object", "$schema": "https://example.com/schema"}, ("$schema",)),
        ({"type": "object", "$schema": "zod"}, ("$schema",)),
        ({"type": "object", "$schema": 7}, ("$schema",)),
        ({"type": "object", "properties": {"a": None}}, ("properties.a",)),
        ({"type": "object", "properties": {"a": "string"}}, ("properties.a",)),
        ({"type": "object", "properties": "none"}, ("properties",)),
        ({"type": "object", "properties": []}, ()),  # an empty object, as PHP writes it
        ({"type": "object", "properties": None}, ()),
        ({"type": "object", "$schema": "zod", "properties": {"a": {"pattern": "(?=x)"}}},
         ("$schema", "properties.a.pattern")),
        ({"type": "object", "properties": {"a": {"$ref": "#/no"}, "b": {"$ref": "#/$defs/b"}}, "$defs": {"b": {}}},
         ("properties.a.$ref",)),
        ({"type": "object", "$defs": {"b": {"pattern": "(?=x)"}}, "oneOf": [{"$ref": "#/$defs/b"}, {"minLength": 1}]},
         ("$defs.b.pattern",)),
    ],
)  # fmt: skip
def test_what_is_left_out_of_the_whole(schema: dict[str, Any], left_out: tuple[str, ...]) -> None:
    found, places = checkable(schema)

    check_schema(found)
    assert places == left_out
    assert "oneOf" not in found


@pytest.mark.parametrize(
    "schema",
    [
        with_email(),
        with_email(pattern="^[a-z]+$"),
        {"type": "object", "$schema": "http://json-schema.org/draft-04/schema#", "properties": {
            "n": {"minimum": 1, "exclusiveMinimum": True}}},
        {"type": "object", "properties": {"a": {"$ref": "#/properties/b"}, "b": {}}},
    ],
)  # fmt: skip
def test_what_can_be_checked_stays(schema: dict[str, Any]) -> None:
    assert checkable(schema) == (schema, ())


def test_more_references_than_are_followed() -> None:
    schema: dict[str, Any] = {"type": "object", "$defs": {"a": {"type": "string"}}}
    schema["properties"] = {f"p{number}": {"$ref": "#/$defs/a"} for number in range(25)}

    found, places = checkable(schema)

    check_schema(found)
    assert len(places) == 25
    assert found["properties"]["p7"] == {}  # type: ignore[index, call-overload]


def test_one_pattern_in_many_places_is_one_step() -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {f"p{n}": {"pattern": "(?=x)"} for n in range(100)}}

    found, places = checkable(schema)

    assert len(places) == 100
    assert found["properties"]["p7"] == {}  # type: ignore[index, call-overload]


def test_of_too_many_faults_the_outline_stays() -> None:
    part = {"type": "string", "description": "It", "minLength": 1}
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {f"p{n}": {**part, "minLength": f"{n}"} for n in range(30)},
    }

    found, places = checkable(schema)

    assert places == OUTLINE
    assert found["properties"]["p7"] == {"type": "string", "description": "It"}  # type: ignore[index, call-overload]


def test_a_schema_over_128_kb_is_not_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonschema_rs, "validator_for", None)
    large = with_email(description="x" * 100, examples=["y" * 128 * 1024])

    assert checkable(large)[1] == OUTLINE
    assert checkable(large)[0]["properties"]["email"] == {"type": "string", "description": "x" * 100}  # type: ignore[index, call-overload]
    assert checkable({"type": "object", "properties": {"p" * 100 + str(n): {} for n in range(2000)}})[0] == {
        "type": "object"
    }


KEYWORDS = st.sampled_from(
    "type properties required items pattern patternProperties enum $ref $defs oneOf anyOf not if then contains "
    "additionalProperties $schema $id exclusiveMinimum a b".split()
)
PLAIN = st.sampled_from(["object", "string", "(?=x)", "#/$defs/a", "#", "x"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from(["object", "string", "(?=x)", "#/$defs/a", "#", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYWORDS, inner, max_size=4),
    max_leaves=14,
)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["x", "object", ""]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "b", "x"]), inner, max_size=2),
    max_leaves=5,
)


@given(st.dictionaries(KEYWORDS, VALUES, max_size=6))
def test_any_schema_becomes_one_that_can_be_checked(schema: dict[str, Any]) -> None:
    found, places = checkable({**schema, "type": "object"})

    check_schema(found)
    assert all(isinstance(place, str) and place for place in places)


@given(st.dictionaries(KEYWORDS, VALUES, max_size=6), st.dictionaries(st.sampled_from(["a", "b"]), DATA, max_size=2))
def test_what_a_good_part_refuses_the_whole_still_refuses_and_nothing_more(
    schema: dict[str, Any], value: dict[str, Any]
) -> None:
    """A schema that was repaired accepts whatever its good original accepted."""
    good = {**schema, "type": "object"}
    try:
        check_schema(good)
    except ValueError:
        return
    wrong = {**good, "allOf": [{"pattern": "(?=x)"}, copy.deepcopy(good)]}

    found, _ = checkable(wrong)

    if not Checker(good).details(value, "body"):
        assert not Checker(found).details(value, "body")


def test_patterns_that_take_too_much_are_left_out_alone() -> None:
    large = {"anyOf": [{"pattern": rf"^\p{{L}}{{130}}x{n}$", "maxLength": 200} for n in range(45)]}
    found, places = checkable(with_email(**large))

    assert {place.rpartition(".")[2] for place in places} == {"pattern"}
    assert found == with_email(anyOf=[{"maxLength": 200}] * 45)
    assert Checker(found).details({"email": "x" * 201}, "body")


def test_the_patterns_of_all_tools_share_a_budget() -> None:
    shared = Budget(30_000)
    schema = with_email(pattern="^[a-z]{1,20}$")
    results = [checkable(schema, shared) for _ in range(5)]

    assert results[0] == (schema, ())
    assert results[-1] == (with_email(), ("properties.email.pattern",))
