"""The actions that a caller may run, as tools."""

from collections.abc import Mapping

from jobsprint.core.canonical_json import JsonObject, JsonValue
from jobsprint.domain.callers import Caller
from jobsprint.domain.integrations import Capability, Integration
from jobsprint.domain.tool_names import tool_names
from jobsprint.mcp_server import action_calls
from jobsprint.mcp_server.tool import KEY, KEY_SCHEMA, Tool, properties_of
from jobsprint.repositories.integrations import IntegrationStore


def connected_actions(caller: Caller, *, whole: bool) -> dict[str, tuple[Integration, Capability]]:
    """The actions that a caller may run, by the names of their tools, in a fixed order.

    With `whole`, actions have everything; else their names alone, which is a smaller read: their effects are not known,
    so the call itself has to look at a token that may only read.
    """
    if not caller.allows("act"):
        return {}
    # The index of states has the names alone.
    found = IntegrationStore(caller.tenant).connections(status=None if whole else "connected", limits=caller.limits)
    named = tool_names(integration for integration in found if integration.status == "connected")
    if not whole:
        return {name: pair for name, pair in named.items() if caller.limits.cover(pair[0], pair[1].name)}
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
        run=lambda given: action_calls.run(given, integration.id, capability.name),
    )


def _input_schema(capability: Capability) -> JsonObject:
    """The schema of an action's parameters as connected; what changes something also takes an idempotency key."""
    schema = _without_headers({"type": "object", **capability.schema})
    properties = properties_of(schema)
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


def _annotations(capability: Capability) -> Mapping[str, bool]:
    """What is known of an action's effect; a client takes the worst of what is not said (ToolAnnotations)."""
    hints = {"openWorldHint": not capability.closed_world}
    if capability.effect is None:
        return hints
    if capability.effect == "read":
        return hints | {"readOnlyHint": True}
    destroys = capability.effect == "destructive"
    return hints | {"readOnlyHint": False, "destructiveHint": destroys, "idempotentHint": capability.idempotent}
