"""Six tools for any number of actions: search, describe, run, list connections, and read an execution."""

from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field

from jobsprint.core.canonical_json import JsonObject
from jobsprint.core.errors import Forbidden, NotFound
from jobsprint.core.models import RequestModel
from jobsprint.domain.integrations import Capability, Integration
from jobsprint.mcp_server import action_calls, action_search, results
from jobsprint.mcp_server.actions import Owner, action_tool, named_action, owner_of
from jobsprint.mcp_server.own_tools import NoArguments, own_tool
from jobsprint.mcp_server.tool import Given
from jobsprint.repositories.integrations import IntegrationStore

_Name = Annotated[str, Field(description="An action's name, from search_actions")]


class Search(RequestModel):
    """What to look for."""

    query: Annotated[str, Field(description="What to do, such as: send a message", min_length=1, max_length=500)]
    limit: Annotated[int, Field(ge=1, le=20)] = 5


class Named(RequestModel):
    """An action."""

    action: _Name


class Call(RequestModel):
    """An action and its arguments."""

    action: _Name
    arguments: dict[str, Any] = Field(default={}, description="As describe_action says")


class Approvable(Call):
    """The same with an approval."""

    approval_id: Annotated[
        str | None, Field(description="To repeat a call that was pending_approval", max_length=100)
    ] = None


class SafeCall(Approvable):
    """The same with a key."""

    idempotency_key: Annotated[
        str | None, Field(description="A fresh UUID with each new call; the same one to repeat it", max_length=255)
    ] = None


class Begun(RequestModel):
    """An execution."""

    action: _Name
    execution_id: Annotated[str, Field(description="From the call of the action")]


def _search(given: Given, wanted: Search) -> JsonObject:
    found = action_search.search(given.caller, wanted.query, wanted.limit)
    return results.answered({"actions": [_summary(*each) for each in found]})


def _describe(given: Given, wanted: Named) -> JsonObject:
    integration, capability = _action(given, wanted.action)
    return results.answered(action_tool(wanted.action, integration, capability).to_json())


def _read(given: Given, wanted: Approvable) -> JsonObject:
    integration, capability = _action(given, wanted.action)
    if capability.effect != "read":
        raise Forbidden("This action may change something: call write_action", code="not_a_read")
    given = replace(given, arguments=wanted.arguments, approval_id=wanted.approval_id)
    return action_calls.run(given, integration.id, capability.name)


def _write(given: Given, wanted: SafeCall) -> JsonObject:
    owner = _owner(given, wanted.action)
    key = wanted.idempotency_key or given.key
    given = replace(given, arguments=wanted.arguments, key=key, approval_id=wanted.approval_id)
    return action_calls.run(given, owner.integration_id, owner.action)


def _connections(given: Given, _: NoArguments) -> JsonObject:
    found = IntegrationStore(given.caller.tenant).connections(limits=given.caller.limits)
    return results.answered({"connections": [_connection(integration) for integration in found]})


def _execution(given: Given, wanted: Begun) -> JsonObject:
    owner = _owner(given, wanted.action)
    execution, outcome = action_calls.find_execution(given.caller, owner.integration_id, wanted.execution_id)
    return action_calls.of_execution(execution, outcome, replayed=True)


def _action(given: Given, name: str) -> tuple[Integration, Capability]:
    """The action of that name that the caller may run. Raises NotFound."""
    found = named_action(given.caller, name)
    if found is None or not given.caller.limits.allow(*found):
        raise _not_found(name)
    return found


def _owner(given: Given, name: str) -> Owner:
    """Which action has that name, also where the caller may not run it. Raises NotFound."""
    owner = owner_of(given.caller, name)
    if owner is None:
        raise _not_found(name)
    return owner


def _not_found(name: str) -> NotFound:
    return NotFound(f"There is no action {name[:100]!r}: find one with search_actions", code="action_not_found")


def _summary(name: str, integration: Integration, capability: Capability) -> JsonObject:
    return {
        "action": name,
        "connection": integration.name,
        "description": (capability.description or capability.title or capability.name)[: action_search.DESCRIPTION],
        "effect": capability.effect or "unknown",
    }


def _connection(integration: Integration) -> JsonObject:
    shown: JsonObject = {"name": integration.name, "prefix": integration.slug, "status": integration.status}
    shown["actions"] = len(integration.capabilities)
    if integration.status == "error":
        shown["reason"] = integration.status_reason
    if integration.status != "connected":
        shown["nextStep"] = "A person has to connect it again."
    return shown


TOOLS = (
    own_tool(
        "search_actions",
        "Find actions of the connected applications by what you want to do. Gives names; see describe_action.",
        Search,
        _search,
    ),
    own_tool(
        "describe_action",
        "What an action does and which arguments it takes (JSON Schema). Call it before you run one.",
        Named,
        _describe,
    ),
    own_tool(
        "read_action",
        "Run an action whose effect is `read`: it changes nothing.",
        Approvable,
        _read,
        annotations={"readOnlyHint": True, "openWorldHint": True},
    ),
    own_tool(
        "write_action",
        "Run any other action. It may change or delete something in the application.",
        SafeCall,
        _write,
        annotations={"readOnlyHint": False, "destructiveHint": True, "openWorldHint": True},
    ),
    own_tool(
        "list_connections",
        "The connected applications, their states, and how many actions each has.",
        NoArguments,
        _connections,
    ),
    own_tool("get_execution", "The result of an action that went on in the background.", Begun, _execution),
)
