"""Parameters in headers, against the official SDK's own reading of them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.shared import inbound

from jobsprint.connectors.mcp.headers import header_value, mirrored, parameter_headers


@given(st.text(max_size=40))
def test_a_value_arrives_as_it_was(text: str) -> None:
    assert header_value(text).isascii()
    assert inbound.decode_header_value(header_value(text)) == text


@pytest.mark.parametrize("text", ["plain", "=?base64?eA==?=", " edge", "ü", "a\r\nb: c", ""])
def test_a_value_is_written_as_the_sdk_writes_it(text: str) -> None:
    expected = inbound.encode_header_value(text)
    assert header_value(text) == (expected if text else "=?base64??=")


NESTED: dict[str, Any] = {
    "type": "object",
    "properties": {
        "region": {"type": "string", "x-mcp-header": "Region"},
        "deep": {"type": "object", "properties": {"on": {"type": "boolean", "x-mcp-header": "On"}}},
        "n": {"type": "integer", "x-mcp-header": "N"},
        "example": {"type": "object", "default": {"x-mcp-header": "no annotation"}},
    },
}


@pytest.mark.parametrize(
    ("arguments", "headers"),
    [
        ({"region": "eu", "deep": {"on": True}, "n": 5}, {"Region": "eu", "On": "true", "N": "5"}),
        ({"deep": {"on": False}}, {"On": "false"}),
        ({"region": None, "deep": 3}, {}),
        ({}, {}),
    ],
)
def test_what_is_sent_is_what_the_sdk_expects(arguments: dict[str, Any], headers: dict[str, str]) -> None:
    assert parameter_headers(NESTED, arguments) == {f"Mcp-Param-{name}": value for name, value in headers.items()}
    assert parameter_headers(NESTED, arguments) == inbound.mcp_param_headers(
        inbound.x_mcp_header_map(NESTED), arguments
    )


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "x-mcp-header": "Root"},
        {"type": "object", "properties": {"a": {"type": "number", "x-mcp-header": "A"}}},
        {"type": "object", "properties": {"a": {"type": ["string"], "x-mcp-header": "A"}}},
        {"type": "object", "properties": {"a": {"type": "string", "x-mcp-header": "a b"}}},
        {"type": "object", "properties": {"a": {"type": "string", "x-mcp-header": 1}}},
        {"type": "object", "properties": {"a": {"anyOf": [{"type": "string", "x-mcp-header": "A"}]}}},
        {"type": "object", "properties": {"a": {"items": {"type": "string", "x-mcp-header": "A"}}}},
        {"type": "object", "$defs": {"a": {"type": "string", "x-mcp-header": "A"}}},
        {
            "type": "object",
            "properties": {
                "a": {"type": "string", "x-mcp-header": "A"},
                "b": {"type": "string", "x-mcp-header": "a"},
            },
        },
        NESTED,
        {"type": "object", "properties": {"a": {"enum": [{"x-mcp-header": "data"}]}}},
    ],
)
def test_the_same_schemas_are_refused_as_by_the_sdk(schema: dict[str, Any]) -> None:
    if inbound.find_invalid_x_mcp_header(schema) is None:
        mirrored(schema)
    else:
        with pytest.raises(ValueError, match="header"):
            mirrored(schema)
