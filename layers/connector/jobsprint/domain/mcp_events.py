"""MCP Events (SEP-3415): how an event looks to an MCP client, and what it may subscribe to."""

from collections.abc import Mapping

from jobsprint.core import canonical_json
from jobsprint.core.canonical_json import JsonObject, JsonValue
from jobsprint.domain.events import MAX_DATA_BYTES, MAX_LENGTH

SUBSCRIPTION_HEADER = "X-MCP-Subscription-Id"
FINAL_STATUSES = frozenset({413})
"""Answers after which a delivery is not sent again; 410 is one for every webhook."""

MAX_BODY_BYTES = 256 * 1024
WHERE = "where"
"""The argument that holds an event pattern."""

_SCALARS = frozenset({"string", "integer", "number", "boolean"})
_SHOWN = ("type", "description", "enum", "title")
_AROUND_DATA = 1024
assert MAX_DATA_BYTES + MAX_LENGTH + _AROUND_DATA <= MAX_BODY_BYTES  # noqa: S101 - every event fits


def occurrence(event_id: str, name: str, timestamp: str, data: str) -> str:
    """The JSON text of an event; `data` is canonical JSON text and goes in as it is. Its cursor is its id."""
    head = canonical_json.dumps({"eventId": event_id, "name": name, "timestamp": timestamp})
    return f'{head[:-1]},"data":{data},"cursor":{canonical_json.dumps(event_id)}}}'


def input_schema(payload: JsonObject | None) -> JsonObject:
    """The JSON Schema of a subscription's arguments for events with that schema of their data.

    Each field of the data that holds one text, number or truth value is an argument: only events with that value come.
    """
    properties: JsonObject = {
        name: {shown: schema[shown] for shown in _SHOWN if shown in schema}
        for name, schema in _fields(payload).items()
        if name != WHERE
    }
    properties[WHERE] = {
        "type": "object",
        "description": "An event pattern in EventBridge's syntax over event, timestamp and data: only events that "
        'match it come, such as {"data": {"amount": [{"numeric": [">", 100]}]}}',
    }
    return {"type": "object", "properties": properties, "additionalProperties": False}


def pattern(arguments: Mapping[str, JsonValue]) -> JsonObject | None:
    """The event pattern of a subscription's arguments; None where they let every event pass.

    Raises ValueError where `where` and another argument test the same field.
    """
    where = arguments.get(WHERE)
    whole: JsonObject = dict(where) if isinstance(where, dict) else {}
    wanted: JsonObject = {name: [value] for name, value in arguments.items() if name != WHERE}
    if wanted:
        tested = whole.get("data")
        tested = tested if isinstance(tested, dict) else {}
        if twice := sorted(set(wanted) & set(tested)):
            raise ValueError(f"{twice[0]} is an argument, and tested in {WHERE} too")
        whole["data"] = {**tested, **wanted}
    return whole or None


def _fields(payload: JsonObject | None) -> dict[str, JsonObject]:
    properties = (payload or {}).get("properties")
    found = properties.items() if isinstance(properties, dict) else ()
    return {
        name: schema
        for name, schema in found
        if isinstance(schema, dict) and isinstance(schema.get("type"), str) and schema["type"] in _SCALARS
    }
