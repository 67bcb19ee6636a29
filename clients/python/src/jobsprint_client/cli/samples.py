"""A sample value made from a JSON Schema."""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

_MAX_DEPTH = 8
_TEXTS = {
    "date-time": "2026-01-06T12:00:00Z",
    "date": "2026-01-06",
    "time": "12:00:00Z",
    "duration": "PT1H",
    "email": "ada@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uri-reference": "/",
    "uuid": "123e4567-e89b-42d3-a456-426614174000",
}


def sample(schema: Any) -> Any:
    """A value that fits a schema as far as it is simple: its own example, if it has one.

    Patterns, conditions and references to other documents are not followed; what does not fit, the service says.
    """
    return _sample(schema, schema, "", 0)


def _sample(schema: Any, root: Any, name: str, depth: int) -> Any:
    if not isinstance(schema, Mapping) or depth > _MAX_DEPTH:
        return {} if depth == 0 else name or "sample"
    schema = _merged(_followed(schema, root), root)
    for word in ("examples", "enum"):
        if isinstance(schema.get(word), list) and schema[word]:
            return schema[word][0]
    for word in ("const", "example", "default"):
        if word in schema:
            return schema[word]
    for word in ("oneOf", "anyOf"):
        if isinstance(schema.get(word), list) and schema[word]:
            rest = {key: value for key, value in schema.items() if key != word}
            return _sample(_merged({**rest, "allOf": [schema[word][0]]}, root), root, name, depth)
    return _of_type(schema, root, name, depth)


def _of_type(schema: Schema, root: Any, name: str, depth: int) -> Any:
    kind = _type(schema)
    if kind == "object":
        fields = schema.get("properties")
        fields = fields if isinstance(fields, Mapping) else {}
        required = [each for each in schema.get("required", ()) if each not in fields]
        return {key: _sample(value, root, key, depth + 1) for key, value in fields.items()} | dict.fromkeys(
            required, "sample"
        )
    if kind == "array":
        first = schema.get("prefixItems")
        if isinstance(first, list):
            return [_sample(each, root, name, depth + 1) for each in first]
        item = _sample(schema.get("items", True), root, name, depth + 1)
        return [item] * max(1, min(int(schema.get("minItems", 1)), 100)) if schema.get("maxItems") != 0 else []
    if kind in ("integer", "number"):
        return _number(schema, kind)
    if kind == "string":
        return _text(schema, name)
    return {"boolean": True, "null": None}.get(kind)


def _type(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        return next((str(each) for each in kind if each != "null"), "null")
    if isinstance(kind, str):
        return kind
    if "items" in schema or "prefixItems" in schema:
        return "array"
    return "object" if "properties" in schema or "required" in schema else "string"


def _number(schema: Schema, kind: str) -> int | float:
    step = schema.get("multipleOf", 1 if kind == "integer" else None)
    low, high = schema.get("minimum"), schema.get("maximum")
    low = schema["exclusiveMinimum"] + (step or 1) if "exclusiveMinimum" in schema and low is None else low
    high = schema["exclusiveMaximum"] - (step or 1) if "exclusiveMaximum" in schema and high is None else high
    value = low if low is not None else min(1, high) if high is not None else 1
    if step and value % step:
        value += step - value % step
    return int(value) if kind == "integer" else value


def _text(schema: Schema, name: str) -> str:
    text = _TEXTS.get(schema.get("format", ""), name or "sample")
    text += "x" * (int(schema.get("minLength", 0)) - len(text))
    return text[: int(schema["maxLength"])] if "maxLength" in schema else text


def _followed(schema: Schema, root: Any) -> Schema:
    """What a reference within the document leads to; nothing for another one, and for one that leads to itself."""
    seen = set()
    while isinstance(schema, Mapping) and "$ref" in schema:
        reference = str(schema["$ref"])
        if not reference.startswith("#") or reference in seen:
            return {}
        seen.add(reference)
        found: Any = root
        for step in reference[1:].split("/")[1:]:
            found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
        schema = {**(found if isinstance(found, Mapping) else {}), **{k: v for k, v in schema.items() if k != "$ref"}}
    return schema


def _merged(schema: Schema, root: Any) -> Schema:
    """A schema with those of its `allOf` in it."""
    whole = dict(schema)
    for part in whole.pop("allOf", ()) or ():
        other = _merged(_followed(part, root), root) if isinstance(part, Mapping) else {}
        for key, value in other.items():
            if key == "properties" and isinstance(value, Mapping):
                whole[key] = {**value, **whole.get(key, {})}
            elif key == "required" and isinstance(value, list):
                whole[key] = [*whole.get(key, []), *value]
            else:
                whole.setdefault(key, value)
    return whole
