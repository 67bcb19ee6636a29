"""Six tools for any number of actions: search, describe, run, list connections, and read an execution."""

from contextlib import closing
from dataclasses import replace

from jobsprint.actions import executions
from jobsprint.catalog import index
from jobsprint.catalog.builtin import App
from jobsprint.core.canonical_json import JsonObject, JsonValue
from jobsprint.core.errors import Forbidden, InvalidFields, JobsprintError, NotFound
from jobsprint.domain.integrations import Capability, Integration
from jobsprint.mcp_server import action_calls, results
from jobsprint.mcp_server.actions import action_tool, connected_actions
from jobsprint.mcp_server.tool import KEY, KEY_SCHEMA, Given, Tool
from jobsprint.repositories.integrations import IntegrationStore

_MOST_FOUND = 20
_DESCRIPTION = 200
_READS = {"readOnlyHint": True, "openWorldHint": False}


def _search(given: Given) -> JsonObject:
    query, limit = given.arguments.get("query"), given.arguments.get("limit", 5)
    if not isinstance(query, str) or not isinstance(limit, int) or not 1 <= limit <= _MOST_FOUND:
        return _wrong("arguments", f"query: what you want to do, in words; limit: 1 to {_MOST_FOUND}")
    actions = connected_actions(given.caller, whole=True)
    with closing(index.build((_app(name, *pair) for name, pair in actions.items()), {})) as built:
        names = [built.app(hit).id for hit in built.search(query, None, None, limit)]
    return results.answered({"actions": [_summary(name, *actions[name]) for name in names]})


def _describe(given: Given) -> JsonObject:
    try:
        name, integration, capability = _action(given, whole=True)
    except JobsprintError as error:
        return results.failed(error)
    return results.answered(action_tool(name, integration, capability).to_json())


def _read(given: Given) -> JsonObject:
    try:
        _, integration, capability = _action(given, whole=True)
        if capability.effect != "read":
            raise Forbidden("This action may change something: call write_action", code="not_a_read")
        return action_calls.run(_inner(given), integration.id, capability.name)
    except JobsprintError as error:
        return results.failed(error)


def _write(given: Given) -> JsonObject:
    try:
        _, integration, capability = _action(given, whole=False)
        return action_calls.run(_inner(given), integration.id, capability.name)
    except JobsprintError as error:
        return results.failed(error)


def _inner(given: Given) -> Given:
    """The call of the action that these arguments describe."""
    key = given.arguments.get(KEY)
    arguments = _object(given.arguments.get("arguments", {}), "arguments.arguments")
    return replace(given, arguments=arguments, key=str(key) if key is not None else given.key)


def _connections(given: Given) -> JsonObject:
    found: list[JsonValue] = []
    position: str | None = None
    store = IntegrationStore(given.caller.tenant)
    while True:
        page, position = store.page(limit=100, position=position, webhooks=False)
        found += [_connection(each) for each in page if given.caller.limits.show(each)]
        if position is None:
            return results.answered({"connections": found})


def _execution(given: Given) -> JsonObject:
    id_, name = given.arguments.get("executionId"), given.arguments.get("action")
    if not isinstance(id_, str) or not isinstance(name, str):
        return _wrong("arguments", "action and executionId: as the call of the action gave them")
    try:
        _, integration, _ = _action(given, whole=False)
        execution, outcome = executions.find(given.caller.tenant, integration.id, id_)
    except JobsprintError as error:
        return results.failed(error)
    return action_calls.of_execution(execution, outcome, replayed=True)


def _action(given: Given, *, whole: bool) -> tuple[str, Integration, Capability]:
    """The action that the arguments name. Raises NotFound."""
    name = given.arguments.get("action")
    found = connected_actions(given.caller, whole=whole).get(name) if isinstance(name, str) else None
    if not isinstance(name, str) or found is None:
        raise NotFound(f"There is no action {str(name)[:100]!r}: find one with search_actions", code="action_not_found")
    return name, *found


def _app(name: str, integration: Integration, capability: Capability) -> App:
    """An action as the search index takes it."""
    label = (capability.title or capability.name).replace("_", " ")
    return App(
        name,
        integration.type,
        label,
        capability.description or "",
        integration.name,
        0,
        (capability.name,),
        (f"{integration.name} {label}", name),
    )


def _summary(name: str, integration: Integration, capability: Capability) -> JsonObject:
    return {
        "action": name,
        "connection": integration.name,
        "description": (capability.description or capability.title or capability.name)[:_DESCRIPTION],
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


def _object(value: object, field: str) -> JsonObject:
    if not isinstance(value, dict):
        raise InvalidFields.one(field, "send an object")
    return value


def _wrong(field: str, message: str) -> JsonObject:
    return results.failed(InvalidFields.one(field, message))


def _schema(required: tuple[str, ...] = (), **properties: JsonObject) -> JsonObject:
    return {"type": "object", "properties": dict(properties), "required": list(required), "additionalProperties": False}


_NAME: JsonObject = {"type": "string", "description": "An action's name, from search_actions"}
_ARGUMENTS: JsonObject = {"type": "object", "description": "What describe_action says that it takes"}

TOOLS = [
    Tool(
        "search_actions",
        "Find actions of the connected applications by what you want to do. Gives names; read how to call one with "
        "describe_action.",
        _search,
        "Search actions",
        _schema(
            ("query",),
            query={"type": "string", "description": "What to do, such as: send a message to a channel"},
            limit={"type": "integer", "minimum": 1, "maximum": _MOST_FOUND, "default": 5},
        ),
        _READS,
    ),
    Tool(
        "describe_action",
        "What an action does and which arguments it takes (JSON Schema). Call it before you run an action.",
        _describe,
        "Describe an action",
        _schema(("action",), action=_NAME),
        _READS,
    ),
    Tool(
        "read_action",
        "Run an action whose effect is `read`: it changes nothing.",
        _read,
        "Run a reading action",
        _schema(("action",), action=_NAME, arguments=_ARGUMENTS),
        {"readOnlyHint": True, "openWorldHint": True},
    ),
    Tool(
        "write_action",
        "Run any other action. It may change or delete something in the application.",
        _write,
        "Run an action",
        _schema(("action",), action=_NAME, arguments=_ARGUMENTS, **{KEY: KEY_SCHEMA}),
        {"readOnlyHint": False, "destructiveHint": True, "idempotentHint": False, "openWorldHint": True},
    ),
    Tool(
        "list_connections",
        "The connected applications, their states, and how many actions each has.",
        _connections,
        "List connections",
        _schema(),
        _READS,
    ),
    Tool(
        "get_execution",
        "The result of an action that went on in the background.",
        _execution,
        "Get an execution",
        _schema(
            ("action", "executionId"),
            action=_NAME,
            executionId={"type": "string", "description": "`exe_…`, from the call of the action"},
        ),
        _READS,
    ),
]
