"""docs/openapi.json: the handlers' own descriptions merged into one OpenAPI 3.1 file. Needs no AWS and no settings.

`python -m tools.openapi` writes it; tests/architecture/test_openapi.py fails while the file and the code differ.
Powertools describes each route; what it cannot know (scopes, what is never null, failures) is put in here, and
`additions.completed` adds examples and webhooks to the merged document.
"""

import importlib
import inspect
import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from tools.openapi import additions, failures, webhooks

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docs" / "openapi.json"

Json = dict[str, Any]

_DESCRIPTION = """\
Connect tools, run their actions, and get signed webhooks.

Every answer is `{"success": true, "data": …}` or `{"success": false, "error": {"code", "message"}, "requestId"}`. Times
are ISO 8601 in UTC. A `cursor` is opaque and belongs to the parameters it came from."""

_INFO: Json = {"contact": {"name": "The operator of this service"}, "license": {"name": "MIT", "identifier": "MIT"}}
# In the order in which one uses them.
_TAGS = {
    "Webhooks": "Subscribe an endpoint of yours to events, and see, repeat and recover its deliveries. Begin here: "
    "create a webhook, then publish an event.",
    "Events": "Publish events, see how they were delivered, and describe their data. An event goes to every webhook "
    "that takes its name.",
    "Integrations": "Find an application, connect it, test and change the connection: Zapier, n8n, MCP servers and "
    "HTTP endpoints of your own.",
    "Actions": "Run what a connected integration can do, at once or in the background.",
    "Approvals": "Approve or deny calls of actions that a person has to allow.",
    "Audit": "Which token changed what, when, and with what outcome.",
    "Portal": "Let a person see and manage webhooks and integrations in a browser: make a session, and open its URL.",
    "Tokens": "Make tokens for agents and programs, no wider than your own, and revoke them.",
    "Service": "Whether the service runs.",
    webhooks.TAG: "What your endpoint gets. Check a signature before you trust the body.",
}

_ALSO = {
    **{key: {502, 504} for key in ("connect_integration", "update_integration")},
    **{key: {410} for key in ("approve_action", "deny_action")},
    "execute_action": {410, 502, 503, 504},
    "poll_messages": {409},
}
_IDEMPOTENCY_KEY: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Makes a repeat safe: the same key, route and body within 24 hours get the first answer again",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
_HEADERS: dict[str, list[Json]] = {
    "execute_action": [
        {
            "name": "Prefer",
            "in": "header",
            "required": False,
            "description": "`respond-async` answers at once with an execution ID (RFC 7240)",
            "schema": {"type": "string"},
        },
        {
            "name": "traceparent",
            "in": "header",
            "required": False,
            "description": "Passed on to the upstream (W3C Trace Context)",
            "schema": {"type": "string"},
        },
    ]
}
_SCHEMAS = "#/components/schemas/"
_POWERTOOLS_OWN = {"HTTPValidationError", "ValidationError", "ResponseValidationError"}


class NameClash(Exception):
    """Two models share a name, so one of them would describe the other's operation."""


def endpoints() -> dict[str, ModuleType]:
    """The modules that have an operation to describe, by folder: each has an `Endpoint` named `app`."""
    for folder in (ROOT / "layers" / "connector", ROOT):
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
    folders = sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py"))
    modules = {folder: importlib.import_module(f"functions.{folder}.app") for folder in folders}
    return {folder: module for folder, module in modules.items() if hasattr(module, "app")}


def document() -> Json:
    """The whole description."""
    from aws_lambda_powertools.event_handler.openapi.merge import OpenAPIMerge

    merge = OpenAPIMerge(title="Jobsprint Integrations API", version=_version(), on_conflict="error")
    schemas: Json = {}
    for folder, module in endpoints().items():
        described = _described(folder, module)
        _add_schemas(schemas, described)
        merge.add_schema(described)
    merged = merge.get_openapi_schema()
    described_api = {
        "openapi": "3.1.0",
        "info": {**merged["info"], "description": _DESCRIPTION, **_INFO},
        # Relative to where this file is served, so it is right in every stage and on this machine.
        "servers": [{"url": "/v1", "description": "The deployment that serves this file"}],
        "tags": [{"name": name, "description": meaning} for name, meaning in _TAGS.items()],
        "paths": {path: dict(sorted(item.items())) for path, item in sorted(merged["paths"].items())},
        "components": _components(schemas),
    }
    return additions.completed(described_api)


def text() -> str:
    """The file's text; the same for the same code on every supported Python."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def _version() -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return str(project["version"])


def _described(folder: str, module: ModuleType) -> Json:
    """What Powertools says of one endpoint, completed, each component named as its model is (`LogViewPage`)."""
    raw = module.app.get_openapi_schema().model_dump(by_alias=True, exclude_none=True, mode="json")
    schemas = raw.get("components", {}).get("schemas", {})
    names = {name: schema.get("title", name) for name, schema in schemas.items()}
    references = {f"{_SCHEMAS}{name}": f"{_SCHEMAS}{better}" for name, better in names.items()}
    described: Json = _tidy(raw, references)
    paths = {
        path: {verb: _operation(folder, module, f"{verb} {path}", operation) for verb, operation in item.items()}
        for path, item in described.get("paths", {}).items()
    }
    components = {names[name]: _tidy(schema, references) for name, schema in schemas.items()}
    return {**described, "paths": paths, "components": {"schemas": components}}


def _operation(folder: str, module: ModuleType, route: str, operation: Json) -> Json:
    scope: str | None = module.app.scope
    notes = [inspect.cleandoc(getattr(module, folder).__doc__ or ""), _needed(module.app) if scope else ""]
    completed = {
        **operation,
        "operationId": camel(folder),
        "description": "\n\n".join(note for note in notes if note),
        "responses": _responses(folder, module.app, route, operation),
        "security": [] if scope is None else [{"bearer": [scope] if scope else []}],
    }
    if "requestBody" in operation:
        completed["requestBody"] = _body(operation["requestBody"])
    parameters = [_without_null(parameter) for parameter in operation.get("parameters", [])]
    if module.app.once or folder == "execute_action":  # which keeps outcomes itself
        parameters.append({"$ref": "#/components/parameters/IdempotencyKey"})
    parameters += _HEADERS.get(folder, [])
    return {**completed, "parameters": parameters} if parameters else completed


def _needed(app: Any) -> str:
    for_webhooks = f"; for a webhook (`wh_…`) `{app.webhook_scope}`" if app.webhook_scope else ""
    return f"Scope: `{app.scope}`{for_webhooks}.{_capability(app)}"


def _capability(app: Any) -> str:
    if not app.portal:
        return ""
    for_webhooks = f", for a webhook `{app.webhook_portal}`" if app.webhook_portal else ""
    return f" Portal: `{app.portal}`{for_webhooks}."


def _responses(folder: str, app: Any, route: str, operation: Json) -> Json:
    """What the operation declares, and the failures that all of its kind share."""
    operation_id = camel(folder)
    declared = {
        status: failures.declared(operation_id, status, answer)
        for status, answer in operation["responses"].items()
        if not _POWERTOOLS_OWN & set(_references(answer))
    }
    possible = {429, 500} | _ALSO.get(folder, set()) | ({503} if app.audited else set())
    if app.scope is None and "requestBody" in operation:
        possible |= {400, 401, 413, 415, 422}
    if app.scope is not None:
        possible |= {400, 401, 403, 422}
        possible |= {404} if "{" in route else set()
        possible |= {413, 415} if "requestBody" in operation else set()
        possible |= set() if route.startswith("get") else {409}
    names = {str(status): failures.name_of(operation_id, status) for status in possible}
    shared = {status: {"$ref": f"#/components/responses/{name}"} for status, name in names.items()}
    return dict(sorted((shared | declared).items()))


def _components(schemas: Json) -> Json:
    """The shared parts."""
    return {
        "parameters": {"IdempotencyKey": _IDEMPOTENCY_KEY},
        "responses": failures.responses(),
        "schemas": _unambiguous(dict(sorted(failures.schemas(schemas).items()))),
        "securitySchemes": {
            "bearer": {
                "type": "http",
                "scheme": "bearer",
                "description": "A token of `make token`: `jsp_…`; in the portal that of a session: `jps_…`",
            }
        },
    }


def _unambiguous(schemas: Json) -> Json:
    """With a title for an object that generators would call like another schema: `data` of `EventDetail`."""

    def titled(name: str, field: str, schema: Json) -> Json:
        clashes = f"{name}{field[0].upper()}{field[1:]}" in schemas and "properties" not in schema
        return {"title": f"{field[0].upper()}{field[1:]}Object", **schema} if clashes else schema

    def fields(name: str, schema: Json) -> Json:
        return {field: titled(name, field, inner) for field, inner in schema["properties"].items()}

    return {name: {**schema, "properties": fields(name, schema)} for name, schema in schemas.items()}


def _add_schemas(schemas: Json, described: Json) -> None:
    # OpenAPIMerge lets the last of two models with one name win, without a word.
    for name, schema in described.get("components", {}).get("schemas", {}).items():
        if name not in _POWERTOOLS_OWN and schemas.setdefault(name, schema) != schema:
            raise NameClash(f"Two models are called {name}; rename one")


def _references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].rpartition("/")[2]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _without_null(schema: Json) -> Json:
    """A schema, or a parameter with one, without the alternative null."""
    if isinstance(schema.get("schema"), dict):
        return {**schema, "schema": _without_null(schema["schema"])}
    match schema.get("type"):
        case [kind, "null"]:
            return {**schema, "type": kind}
    options = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    if len(options) > 1:
        return {**rest, "anyOf": options}
    return {**options[0], **rest} if options else rest


def _body(body: Json) -> Json:
    """A request's body, which may be left out but is never null."""
    content = {kind: _without_null(media) for kind, media in body["content"].items()}
    return {**body, "content": content}


def _nullable(schema: Json) -> Json:
    """`type: [x, "null"]` for a type or null, which Powertools cannot write and client generators read best.

    Of constants or null only the constants: client generators do not read both together.
    """
    match schema.get("anyOf"):
        case [{"type": str(kind)} as option, {"type": "null"}]:
            rest = {key: value for key, value in schema.items() if key != "anyOf"}
            return {**option, **rest, "type": kind if "enum" in option else [kind, "null"]}
    return schema


def _mapped(schema: Json) -> Json:
    """A map whose names have a pattern, written so that client generators see the type of its values."""
    match schema.get("patternProperties"):
        case dict(patterns) if len(patterns) == 1:
            [(pattern, values)] = patterns.items()
            rest = {key: value for key, value in schema.items() if key != "patternProperties"}
            return {**rest, "propertyNames": {"pattern": pattern}, "additionalProperties": values}
    return schema


def _tidy(node: Any, references: dict[str, str]) -> Any:
    """Without generated titles, with whole numbers as such, and with these references instead of those."""
    if isinstance(node, dict):
        # A property called `title` has a schema, not a text.
        kept = {key: value for key, value in node.items() if key != "title" or not isinstance(value, str)}
        return {key: _tidy(value, references) for key, value in _mapped(_nullable(kept)).items()}
    if isinstance(node, list):
        return [_tidy(value, references) for value in node]
    if isinstance(node, str):
        return references.get(node, node)
    return int(node) if isinstance(node, float) and node.is_integer() else node


def camel(folder: str) -> str:
    """A folder's name as an operationId: `list_logs` is `listLogs`."""
    first, *rest = folder.split("_")
    return first + "".join(word.capitalize() for word in rest)
