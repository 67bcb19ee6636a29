"""Schemas of tenants: none is fetched, none hangs, and every wrong field is named without its value."""

import time

import pytest

from jobsprint.core import json_schema
from jobsprint.core.canonical_json import JsonObject, JsonValue
from jobsprint.core.json_schema import Checker, check_schema


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"type": "string"}}},
        {"type": "object", "properties": {"userRef": {"type": "string"}}},
        {"type": "object", "properties": {f"p{n}": {"type": "string"} for n in range(100)}},
        {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"},
    ],
)
def test_schemas_that_can_be_used(schema: JsonObject) -> None:
    check_schema(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "array"},
        {"type": ["object"]},
        {"type": "object", "properties": {"a": {"type": "text"}}},
        {"type": "object", "properties": []},
        {"type": "object", "required": "a"},
        {"type": "object", "properties": {"a": {"pattern": "("}}},
        {"type": "object", "properties": {"a": {"pattern": "(?=a)a"}}},
        {"type": "object", "properties": {"a": {"$ref": "https://schemas.example/a.json"}}},
        {"type": "object", "properties": {"a": {"$ref": "file:///etc/passwd"}}},
        {"type": "object", "$schema": "https://schemas.example/meta"},
        {"type": "object", "properties": {f"p{n}": {"$ref": "#/$defs/a"} for n in range(21)}, "$defs": {"a": {}}},
    ],
)
def test_schemas_that_cannot_be_used(schema: JsonObject) -> None:
    with pytest.raises(ValueError, match=r"."):
        check_schema(schema)


def test_references_in_a_circle_end() -> None:
    for schema in ({"type": "object", "$ref": "#"}, {"type": "object", "allOf": [{"$ref": "#"}]}):
        check_schema(schema)
        assert Checker(schema).details({"a": 1}, "body.parameters") == ()


def test_as_many_references_as_allowed_stay_quick() -> None:
    doubled: JsonObject = {
        f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n - 1}"}, {"$ref": f"#/$defs/d{n - 1}"}]} for n in range(1, 10)
    }
    schema: JsonObject = {
        "type": "object",
        "$defs": {"d0": {"type": "string"}, **doubled},
        "properties": {"a": {"$ref": "#/$defs/d9"}},
    }
    check_schema(schema)
    started = time.monotonic()

    assert Checker(schema).details({"a": 1}, "body.parameters")
    assert time.monotonic() - started < 2


def test_every_wrong_parameter_is_named_without_its_value() -> None:
    schema: JsonObject = {
        "type": "object",
        "required": ["text", "channel"],
        "additionalProperties": False,
        "properties": {
            "text": {"type": "string"},
            "channel": {"type": "string"},
            "to": {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "integer"}}}},
        },
    }

    details = Checker(schema).details(
        {"text": 5, "to": [{"id": 1}, {"id": "s3cret"}], "more": "s3cret"}, "body.parameters"
    )

    assert {detail.field for detail in details} == {
        "body.parameters.text",
        "body.parameters.channel",
        "body.parameters.to[1].id",
        "body.parameters.more",
    }
    assert "s3cret" not in str(details)


def test_a_flood_of_wrong_parameters_is_cut() -> None:
    schema: JsonObject = {"type": "object", "additionalProperties": {"type": "string"}}

    assert len(Checker(schema).details({str(n): n for n in range(100)}, "body.parameters")) == 20


@pytest.mark.parametrize(
    ("part", "values", "says"),
    [
        ({"anyOf": [{"maximum": 1}] * 100}, [7] * 10_000, "too large to say where"),
        ({"allOf": [{"minimum": 1}] * 1000}, [7] * 60_000, "Not checked"),
        ({"$ref": "#/$defs/d9"}, [7] * 10_000, "Not checked"),
        ({"allOf": [{"pattern": "(a|b)*c"}] * 300}, ["ababababab"] * 15_000, "too large to say where"),
    ],
)
def test_no_schema_makes_checking_slow(part: JsonObject, values: list[JsonValue], says: str) -> None:
    doubled: JsonObject = {
        f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n - 1}"}, {"$ref": f"#/$defs/d{n - 1}"}]} for n in range(1, 10)
    }
    definitions: JsonObject = {"$defs": {"d0": {"type": "integer"}, **doubled}} if "$ref" in part else {}
    checker = Checker({"type": "object", **definitions, "properties": {"x": {"items": part}}})
    started = time.process_time()

    [detail] = checker.details({"x": values}, "data")

    assert (detail.field, says in detail.message) == ("data", True)
    assert time.process_time() - started < 1


def test_parts_that_are_referred_to_often_count_as_often_and_no_more() -> None:
    """A schema as tools have that append blocks to a page: 20 references, and none of them grows."""
    kinds = [f"kind{n}" for n in range(10)]
    blocks: list[JsonValue] = [
        {
            "required": ["type", kind],
            "properties": {
                "type": {"const": kind},
                kind: {
                    "properties": {
                        "text": {"type": "array", "items": {"$ref": "#/$defs/text"}},
                        "color": {"$ref": "#/$defs/color"},
                    }
                },
            },
        }
        for kind in kinds
    ]
    schema: JsonObject = {
        "type": "object",
        "$defs": {
            "text": {"type": "object", "required": ["content"], "properties": {"content": {"type": "string"}}},
            "color": {"enum": ["default", "red"]},
        },
        "properties": {"children": {"type": "array", "items": {"anyOf": blocks}}},
    }
    check_schema(schema)
    block: JsonObject = {"type": "kind1", "kind1": {"text": [{"content": "A sentence of a page."}], "color": "red"}}

    assert Checker(schema).details({"children": [block] * 200}, "body.parameters") == ()
    assert Checker(schema).details({"children": [{"type": "kind1"}]}, "body.parameters")


@pytest.mark.parametrize(
    "parts",
    [
        {"$defs": {"a": {"anyOf": [{"items": {"$ref": "#/$defs/a"}}, {"items": {"$ref": "#/$defs/a"}}]}}},
        {"properties": {"a": {"$ref": "#"}, "b": {"anyOf": [{"$ref": "#"}, {"$ref": "#"}, {"$ref": "#"}]}}},
        {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"items": {"$ref": "#/$defs/a"}}}},
        {"$defs": {"a": {"$anchor": "x"}}, "properties": {"a": {"$ref": "#x"}, "b": {"$dynamicRef": "#x"}}},
        {"$defs": {"a/b": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/a~1b"}}},
        {"properties": {"$ref": {"type": "string"}}},
        {"$defs": {"a": {"$id": "urn:a", "$defs": {"b": {}}}}, "properties": {"a": {"$ref": "#/$defs/a/$defs/b"}}},
    ],
)
def test_references_that_cannot_be_expanded_count_as_growing(parts: JsonObject) -> None:
    schema: JsonObject = {"type": "object", **parts}
    check_schema(schema)
    assert json_schema._work(schema) > json_schema._size(schema)
