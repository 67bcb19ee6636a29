"""The `webhooks` of docs/openapi.json: what a tenant's endpoint gets (docs/api-contract.md, Signatures).

`webhooks.toml` has the events that the service publishes about itself; each has a schema of its own.
"""

import tomllib
from pathlib import Path
from typing import Any

Json = dict[str, Any]

_LIST = Path(__file__).with_name("webhooks.toml")
_SCHEMAS = "#/components/schemas/"
TAG = "Received events"
_TYPES: dict[str, Json] = {
    "date-time": {"type": "string", "format": "date-time"},
    "strings": {"type": "array", "items": {"type": "string"}},
}
_TIME: Json = {"type": "string", "format": "date-time", "description": "The event's own time"}
_SIGNATURE: Json = {
    "type": "string",
    "pattern": "^sha256=",
    "description": "`sha256=` and the hex HMAC-SHA256 of `JSON.stringify({event, timestamp, data})` under the secret",
}
_SIGNED = "sha256=c82a4f5d7a2b2d5c8f2f4b0a3c1e9d7b6a5948372615f0e1d2c3b4a596877869"
_HEADERS = {
    "webhook-id": ("The event's id, `evt_…`: the same on every attempt", "evt_01jgzq4x8m7v2c5k9t3w6y0n1p"),
    "webhook-timestamp": ("Unix seconds of this attempt", "1767700800"),
    "webhook-signature": (
        "Standard Webhooks: `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`, one for each valid secret",
        "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    ),
    "X-Jobsprint-Signature": ("`sha256=` and the hex HMAC-SHA256 of the exact body", _SIGNED),
    "X-Jobsprint-Event": ("The event's name", "workflow.executed"),
    "X-Jobsprint-Attempt": ("The number of this attempt, from 1", "1"),
}
_EXECUTED: Json = {"workflowId": "wf_abc123", "executionId": "exec_xyz789", "status": "success", "duration": 5234}


def listed() -> dict[str, Json]:
    """The service's own events by their names."""
    return tomllib.loads(_LIST.read_text(encoding="utf-8"))


def webhooks() -> Json:
    """The requests that receivers get: any event, and each of the service's own by its name."""
    any_event = _request("event", "ReceivedEvent", "Any published event", _body("workflow.executed", _EXECUTED))
    own = {
        name: _request(name, _schema_name(name), event["summary"], _body(name, _example(event)))
        for name, event in listed().items()
    }
    return {"event": any_event, **own}


def schemas() -> Json:
    """Their `components.schemas`."""
    free: Json = {"type": "object", "additionalProperties": True, "description": "What its publisher sent"}
    name: Json = {"type": "string", "description": "The event's name"}
    made = {"ReceivedEvent": _event(name, {**free, "title": "Payload"}, "An event, signed.")}
    for event_name, event in listed().items():
        schema = _schema_name(event_name)
        made[f"{schema}Data"] = _data(event)
        data = {"$ref": f"{_SCHEMAS}{schema}Data", "description": "What happened"}
        made[schema] = _event({**name, "const": event_name}, data, f"{event['summary']}.")
    return made


def parameters() -> Json:
    """Their headers, as `components.parameters`."""
    return {
        _parameter_name(header): {
            "name": header,
            "in": "header",
            "required": True,
            "description": description,
            "schema": {"type": "string"},
            "example": example,
        }
        for header, (description, example) in _HEADERS.items()
    }


def _request(name: str, schema: str, summary: str, example: Json) -> Json:
    content = {"schema": {"$ref": f"{_SCHEMAS}{schema}"}, "examples": {"default": {"value": example}}}
    operation = {
        "tags": [TAG],
        "summary": summary,
        "description": "Sent to every webhook that takes it, and again until it is answered with 2xx.",
        "operationId": "receive" + "".join(part.capitalize() for part in name.split(".")),
        "parameters": [{"$ref": f"#/components/parameters/{_parameter_name(header)}"} for header in _HEADERS],
        "requestBody": {"required": True, "content": {"application/json": content}},
        "responses": {
            "2XX": {"description": "Delivered, whatever the body"},
            "410": {"description": "The delivery ends, and the webhook is disabled"},
            "429": {"description": "Tried again, no earlier than `Retry-After` says"},
        },
        "security": [],
    }
    return {"post": operation}


def _event(name: Json, data: Json, description: str) -> Json:
    return {
        "type": "object",
        "description": description,
        "required": ["event", "timestamp", "data", "signature"],
        "properties": {"event": name, "timestamp": _TIME, "data": data, "signature": _SIGNATURE},
    }


def _data(event: Json) -> Json:
    fields = {
        name.removesuffix("?"): {**_TYPES.get(kind, {"type": kind}), "description": description}
        for name, (kind, description, _) in event["fields"].items()
    }
    required = [name for name in event["fields"] if not name.endswith("?")]
    return {"type": "object", "description": "What happened", "required": required, "properties": fields}


def _example(event: Json) -> Json:
    return {name.removesuffix("?"): example for name, (_, _, example) in event["fields"].items() if example != ""}


def _body(name: str, data: Json) -> Json:
    return {"event": name, "timestamp": "2026-01-06T12:00:00Z", "data": data, "signature": _SIGNED}


def _schema_name(event: str) -> str:
    return "".join(part.capitalize() for part in event.split(".")) + "Event"


def _parameter_name(header: str) -> str:
    return "".join(part.capitalize() for part in header.split("-"))
