"""Parameters that a tool wants in headers too: `x-mcp-header` in its schema (MCP 2026-07-28, transports).

An annotation counts only on a string, integer or boolean that is reached from the root through `properties` alone. A
tool with any other annotation is not usable, and its client has to drop it.
"""

import base64
import re
from collections.abc import Iterator

from jobsprint.connectors.mcp.schemas import LISTED, NAMED, SINGLE
from jobsprint.core.canonical_json import JsonObject, JsonValue

_ANNOTATION = "x-mcp-header"
_MIRRORED_TYPES = ("string", "integer", "boolean")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_PLAIN = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_ENCODED = re.compile(r"=\?base64\?.*\?=")
_Path = tuple[str, ...]


def mirrored(schema: JsonObject) -> dict[_Path, str]:
    """The annotated parameters: where they stand, and the end of their header's name. Raises ValueError."""
    found: dict[_Path, str] = {}
    for path, part in _positions(schema):
        if _ANNOTATION not in part:
            continue
        name = part[_ANNOTATION]
        if not path or part.get("type") not in _MIRRORED_TYPES:
            raise ValueError("a header is taken from a string, integer or boolean below `properties` only")
        if not isinstance(name, str) or not _TOKEN.fullmatch(name):
            raise ValueError("not the end of a header's name")
        if name.lower() in {other.lower() for other in found.values()}:
            raise ValueError("two parameters go into the same header")
        found[path] = name
    return found


def parameter_headers(schema: JsonObject, arguments: JsonObject) -> dict[str, str]:
    """The `Mcp-Param-…` headers for a call; a parameter without a value sends none."""
    headers = {}
    for path, name in mirrored(schema).items():
        value = _value(arguments, path)
        if isinstance(value, bool):
            headers[f"Mcp-Param-{name}"] = str(value).lower()
        elif isinstance(value, str | int | float):
            headers[f"Mcp-Param-{name}"] = header_value(str(value))
    return headers


def header_value(text: str) -> str:
    """`text` as a header value: as it is, or as `=?base64?…?=` where it would not arrive unchanged."""
    if _PLAIN.fullmatch(text) and not _ENCODED.fullmatch(text):
        return text
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="


def _value(arguments: JsonObject, path: _Path) -> JsonValue:
    value: JsonValue = arguments
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _positions(schema: JsonObject) -> Iterator[tuple[_Path, JsonObject]]:
    """Every schema within a schema, with its path where `properties` alone lead there, else with an empty one."""
    waiting: list[tuple[_Path | None, JsonValue]] = [((), schema)]
    while waiting:
        path, part = waiting.pop()
        if not isinstance(part, dict):
            continue
        yield path or (), part
        for keyword, below in part.items():
            if keyword == "properties" and isinstance(below, dict):
                waiting += [(None if path is None else (*path, name), one) for name, one in below.items()]
            elif keyword in SINGLE:
                waiting.append((None, below))
            elif keyword in LISTED and isinstance(below, list):
                waiting += [(None, one) for one in below]
            elif keyword in NAMED and isinstance(below, dict):
                waiting += [(None, one) for one in below.values()]
