"""Tools: what a token's holder may do here, each with its description and what runs it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from jobsprint.actions import service
from jobsprint.actions.service import Accepted
from jobsprint.api.request_headers import checked_key
from jobsprint.core.canonical_json import JsonObject, JsonValue
from jobsprint.core.errors import JobsprintError
from jobsprint.domain.actions import RequestedAction
from jobsprint.domain.callers import Caller
from jobsprint.domain.integrations import Capability, Integration, named_capability
from jobsprint.domain.tool_names import tool_names
from jobsprint.mcp_server import results
from jobsprint.repositories.integrations import IntegrationStore

KEY = "idempotencyKey"
META_KEY = "jobsprint/idempotencyKey"
KEY_SCHEMA: JsonObject = {
    "type": "string",
    "minLength": 1,
    "maxLength": 255,
    "description": "Makes a repeat safe. Send a fresh one, such as a UUID, with each new call; to repeat a call after "
    "an error or without an answer, send the same one: it is then done once at most.",
}
_PAGE = 1000


@dataclass(frozen=True)
class Given:
    """What a tool is called with. `key` is an idempotency key from outside the arguments."""

    caller: Caller
    arguments: JsonObject
    key: str | None = None
    traceparent: str | None = None
    request_id: str | None = None


@dataclass(frozen=True)
class Tool:
    """A tool as it is listed, and what runs it."""

    name: str
    description: str
    run: Callable[[Given], JsonObject]
    title: str = ""
    input_schema: JsonObject = field(default_factory=lambda: {"type": "object", "additionalProperties": False})
    annotations: Mapping[str, bool] = field(default_factory=dict)

    def to_json(self) -> JsonObject:
        """The tool as `tools/list` shows it."""
        shown: JsonObject = {"name": self.name, "description": self.description, "inputSchema": self.input_schema}
        shown |= {"title": self.title} if self.title else {}
        return shown | ({"annotations": dict(self.annotations)} if self.annotations else {})


def connected_actions(caller: Caller, *, whole: bool) -> dict[str, tuple[Integration, Capability]]:
    """The actions that a caller may run, by the names of their tools, in a fixed order.

    With `whole`, actions have everything; else their names alone, which is a smaller read, and the call itself has to
    look at the token's limits.
    """
    store = IntegrationStore(caller.tenant)
    found: list[Integration] = []
    position: str | None = None
    while True:
        page, position = store.page(
            limit=_PAGE, position=position, status=None if whole else "connected", webhooks=False
        )
        found += [integration for integration in page if integration.status == "connected"]
        if position is None:
            break
    named = tool_names(integration for integration in found if caller.limits.show(integration))
    if not whole:
        return named
    return {name: pair for name, pair in named.items() if caller.limits.allow(*pair)}


def action_tool(name: str, integration: Integration, capability: Capability) -> Tool:
    """The tool of an action."""
    label = capability.title or capability.name
    return Tool(
        name=name,
        title=f"{integration.name}: {label}",
        description=capability.description or f"{label} in {integration.name}",
        input_schema=_input_schema(capability),
        annotations=_annotations(capability),
        run=lambda given: run(_with_key(given, integration.id, capability.name), integration.id, capability.name),
    )


def _with_key(given: Given, integration_id: str, action: str) -> Given:
    """The same with its idempotency key out of the arguments, unless the action has an argument of that name itself."""
    if KEY not in given.arguments:
        return given
    integration = IntegrationStore(given.caller.tenant).get(integration_id)
    capability = named_capability(integration.capabilities, action)
    if capability and KEY in _properties(capability.schema):
        return given
    arguments = {name: value for name, value in given.arguments.items() if name != KEY}
    return replace(given, arguments=arguments, key=str(given.arguments[KEY]))


def run(given: Given, integration_id: str, action: str) -> JsonObject:
    """Run an action and give its result, or its error as a result."""
    requested = RequestedAction(
        given.caller.tenant,
        integration_id,
        action,
        given.arguments,
        traceparent=given.traceparent,
        request_id=given.request_id,
    )
    try:
        reply = service.execute(requested, key=checked_key(given.key), in_background=False)
    except JobsprintError as error:
        return results.failed(error)
    if isinstance(reply.outcome, Accepted):
        return results.running(reply.outcome.execution_id, replayed=reply.replayed)
    if reply.outcome.error:
        return results.failed(reply.outcome.error, execution_id=reply.call_id, replayed=reply.replayed)
    return results.succeeded(reply.outcome.result, execution_id=reply.call_id, replayed=reply.replayed)


def _input_schema(capability: Capability) -> JsonObject:
    """The schema of an action's parameters as connected; what changes something also takes an idempotency key."""
    schema = _without_headers({"type": "object", **capability.schema})
    properties = _properties(schema)
    if capability.effect == "read" or KEY in properties:
        return schema
    return {**schema, "properties": {**properties, KEY: KEY_SCHEMA}}


def _without_headers(schema: JsonObject) -> JsonObject:
    """A schema without `x-mcp-header`: those headers are between this service and the upstream."""
    return {name: _kept(value) for name, value in schema.items() if name != "x-mcp-header"}


def _kept(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return _without_headers(value)
    return [_kept(item) for item in value] if isinstance(value, list) else value


def _properties(schema: JsonObject) -> JsonObject:
    properties = schema.get("properties")
    return properties if isinstance(properties, dict) else {}


def _annotations(capability: Capability) -> Mapping[str, bool]:
    """What is known of an action's effect; a client takes the worst of what is not said (ToolAnnotations)."""
    hints = {"openWorldHint": not capability.closed_world}
    if capability.effect is None:
        return hints
    if capability.effect == "read":
        return hints | {"readOnlyHint": True}
    destroys = capability.effect == "destructive"
    return hints | {"readOnlyHint": False, "destructiveHint": destroys, "idempotentHint": capability.idempotent}
