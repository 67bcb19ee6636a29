"""The actions that a caller may run, as tools."""

from collections.abc import Mapping
from dataclasses import dataclass

from jobsprint.core.cache import BoundedCache
from jobsprint.core.canonical_json import JsonObject, JsonValue
from jobsprint.core.clock import now_ms
from jobsprint.domain.callers import Caller
from jobsprint.domain.integrations import Capability, Integration
from jobsprint.domain.tool_names import MAX_TOOL_NAME, slugs_in, tool_names
from jobsprint.mcp_server import action_calls
from jobsprint.mcp_server.tool import APPROVAL, APPROVAL_SCHEMA, KEY, KEY_SCHEMA, Tool, properties_of
from jobsprint.repositories.integrations import IntegrationStore

_OWNER_MS = 60_000  # as long as clients keep the list of tools
_NEEDS_APPROVAL = "A person has to approve each call before it is made."


@dataclass(frozen=True)
class Owner:
    """The action that a tool's name means. A container takes it for that `until` then (Unix ms)."""

    integration_id: str
    slug: str
    action: str
    until: int


_owners: BoundedCache[tuple[str, str], Owner] = BoundedCache(10_000)


def forget() -> None:
    """Begin as a new container does."""
    _owners.clear()


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
    if pair is None:
        return None
    integration, capability = pair
    _owners[(caller.tenant, name)] = Owner(integration.id, integration.slug, capability.name, now_ms() + _OWNER_MS)
    return pair if _knows(caller, integration.id, integration.slug, capability.name) else None


def owner_of(caller: Caller, name: str) -> Owner | None:
    """Which action has that name, if a caller may know of it; whether it is still there, its call finds out."""
    owner = _owners.get((caller.tenant, name))
    if owner is None or owner.until <= now_ms():
        named_action(caller, name)
        owner = _owners.get((caller.tenant, name))
    if owner is None or owner.until <= now_ms():
        return None
    return owner if _knows(caller, owner.integration_id, owner.slug, owner.action) else None


def _knows(caller: Caller, integration_id: str, slug: str, action: str) -> bool:
    return caller.allows("act") and caller.limits.cover(integration_id, slug, action)


def find_tool(caller: Caller, name: str) -> Tool | None:
    """The tool of that name, to be called: without what a list shows of it."""
    owner = owner_of(caller, name)
    if owner is None:
        return None
    return Tool(name, "", run=lambda given: action_calls.run(given, owner.integration_id, owner.action))


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
