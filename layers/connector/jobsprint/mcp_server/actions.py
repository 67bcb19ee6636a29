"""The actions that a caller may run, as tools."""

from collections.abc import Mapping

from jobsprint.core.canonical_json import JsonObject, JsonValue
from jobsprint.domain.callers import Caller
from jobsprint.domain.integrations import Capability, Integration
from jobsprint.domain.tool_names import MAX_TOOL_NAME, slugs_in, tool_names
from jobsprint.mcp_server import action_calls
from jobsprint.mcp_server.tool import APPROVAL, APPROVAL_SCHEMA, KEY, KEY_SCHEMA, Tool, properties_of
from jobsprint.repositories.integrations import IntegrationStore

_NEEDS_APPROVAL = "A person has to approve each call before it is made."


def connected_actions(caller: Caller) -> dict[str, tuple[Integration, Capability]]:
    """The actions that a caller may run, by the names of their tools, in a fixed order."""
    if not caller.allows("act"):
        return {}
    found = IntegrationStore(caller.tenant).connections(limits=caller.limits)
    named = tool_names(integration for integration in found if integration.status == "connected")
    return {name: pair for name, pair in named.items() if caller.limits.allow(*pair)}


def named_action(caller: Caller, name: str) -> tuple[Integration, Capability] | None:
    """The action of that name that a caller may know of, also where it may not run it.

    Nothing is read but the integration: its slug is in the name.
    """
    store = IntegrationStore(caller.tenant)
    slugs = slugs_in(name) if len(name) <= MAX_TOOL_NAME else []
    found = [integration for slug in slugs if (integration := store.with_slug(slug))]
    pair = tool_names(one for one in found if one.status == "connected").get(name)
    if pair is None or not caller.allows("act"):
        return None
    return pair if caller.limits.cover(pair[0].id, pair[0].slug, pair[1].name) else None


def action_tool(name: str, integration: Integration, capability: Capability) -> Tool:
    """The tool of an action."""
    label = capability.title or capability.name
    described = capability.description or f"{label} in {integration.name}"
    needs_approval = integration.approval.requires(capability)
    return Tool(
        name=name,
        title=f"{integration.name}: {label}",
        description=f"{described} {_NEEDS_APPROVAL}" if needs_approval else described,
        input_schema=_input_schema(capability, needs_approval=needs_approval),
        annotations=_annotations(capability),
        run=lambda given: action_calls.run(given, integration.id, capability.name),
    )


def _input_schema(capability: Capability, *, needs_approval: bool) -> JsonObject:
    """The schema of an action's parameters as connected; what changes something also takes an idempotency key, and what
    needs approval takes that.
    """
    schema = _without_headers({"type": "object", **capability.schema})
    own = {} if capability.effect == "read" else {KEY: KEY_SCHEMA}
    own |= {APPROVAL: APPROVAL_SCHEMA} if needs_approval else {}
    return {**schema, "properties": {**own, **properties_of(schema)}} if own else schema


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
