"""What a tool is: how it is listed, and what runs it with what it is given."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from jobsprint.core.canonical_json import JsonObject
from jobsprint.domain.audit import Client
from jobsprint.domain.callers import Caller

KEY = "idempotencyKey"
META_KEY = "jobsprint/idempotencyKey"
KEY_SCHEMA: JsonObject = {
    "type": "string",
    "minLength": 1,
    "maxLength": 255,
    "description": "Makes a repeat safe. Send a fresh one, such as a UUID, with each new call; to repeat a call after "
    "an error or without an answer, send the same one: it is then done once at most.",
}


APPROVAL = "approvalId"
APPROVAL_SCHEMA: JsonObject = {
    "type": "string",
    "maxLength": 100,
    "description": "Only to repeat a call that was answered with pending_approval: its approvalId, with the same "
    "arguments as before.",
}


@dataclass(frozen=True)
class Given:
    """What a tool is called with. `key` is an idempotency key from outside the arguments, and so is `approval_id`.

    A call of an action waits `wait_seconds` for its outcome, and then is a task if the client `takes_tasks`.
    """

    caller: Caller
    arguments: JsonObject
    wait_seconds: float
    takes_tasks: bool = False
    key: str | None = None
    approval_id: str | None = None
    client: Client = field(default_factory=Client)
    traceparent: str | None = None
    request_id: str | None = None


@dataclass(frozen=True)
class Tool:
    """A tool as it is listed, and what runs it. `scope` is what a token needs beside `mcp:tools`; empty for nothing."""

    name: str
    description: str
    run: Callable[[Given], JsonObject]
    title: str = ""
    input_schema: JsonObject = field(default_factory=lambda: {"type": "object", "additionalProperties": False})
    annotations: Mapping[str, bool] = field(default_factory=dict)
    scope: str = ""

    def to_json(self) -> JsonObject:
        """The tool as `tools/list` shows it."""
        shown: JsonObject = {"name": self.name, "description": self.description, "inputSchema": self.input_schema}
        shown |= {"title": self.title} if self.title else {}
        return shown | ({"annotations": dict(self.annotations)} if self.annotations else {})


def properties_of(schema: JsonObject) -> JsonObject:
    """The properties in a JSON Schema of an object."""
    properties = schema.get("properties")
    return properties if isinstance(properties, dict) else {}
