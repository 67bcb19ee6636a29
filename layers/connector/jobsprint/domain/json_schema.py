"""Checks a capability's JSON Schema, and parameters against it.

Validation is `jsonschema-rs`: references are never fetched, and patterns run on a linear-time engine, because schemas
come from tenants. It is imported on use: only the operations that meet a schema pay for it.
"""

from typing import Any

from jobsprint.domain.canonical import JsonValue
from jobsprint.domain.errors import Detail
from jobsprint.domain.models import JsonObject

_MAX_DETAILS = 20
_REFERENCE_KEYWORDS = frozenset({"$ref", "$dynamicRef", "$recursiveRef"})
_MAX_REFERENCES = 20  # each may double the work: 2 of them in each of 20 definitions never end


def _validator(schema: JsonObject) -> Any:
    import jsonschema_rs

    def refuse(uri: str) -> Any:
        raise ValueError(f"references to other documents are not followed: {uri}")

    return jsonschema_rs.validator_for(
        schema, retriever=refuse, pattern_options=jsonschema_rs.RegexOptions(), mask="the value"
    )


def check_schema(schema: JsonObject) -> None:
    """Raises ValueError unless `schema` is a JSON Schema of an object that can be used without fetching anything."""
    if schema.get("type") != "object":
        raise ValueError('the schema of parameters starts with "type": "object"')
    if _references(schema) > _MAX_REFERENCES:
        raise ValueError(f"a schema may have up to {_MAX_REFERENCES} references")
    try:
        _validator(schema)
    except Exception as error:
        raise ValueError(f"not a usable JSON Schema: {str(error).splitlines()[0][:200]}") from error


def _references(schema: JsonValue) -> int:
    if isinstance(schema, list):
        return sum(map(_references, schema))
    if isinstance(schema, dict):
        return sum((name in _REFERENCE_KEYWORDS) + _references(part) for name, part in schema.items())
    return 0


def check_parameters(schema: JsonObject, parameters: JsonObject, where: str = "body.parameters") -> list[Detail]:
    """What is wrong with `parameters` by `schema`, one detail per wrong field, without their values; at most 20."""
    details = []
    for error in _validator(schema).iter_errors(parameters):
        path = where + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.instance_path)
        details += _details(error, path)
        if len(details) >= _MAX_DETAILS:
            break
    return details[:_MAX_DETAILS]


def _details(error: Any, path: str) -> list[Detail]:
    """The wrong fields of one complaint, missing and surplus ones by their own names, in the words of other bodies."""
    if missing := getattr(error.kind, "property", None):
        return [Detail(f"{path}.{missing}", "Field required")]
    if surplus := getattr(error.kind, "unexpected", None):
        return [Detail(f"{path}.{name}", "Extra inputs are not permitted") for name in surplus]
    return [Detail(path, error.message)]
