"""Zapier over MCP, in both of its modes, behind the same actions.

Managed: one tool per action, named `<app>_<action>`. Agentic: a few meta-tools, of which two run any action that is
enabled (`execute_zapier_read_action`, `execute_zapier_write_action`) and one lists them; none of those that change what
the server offers is ever called. Either way the actions of an integration are those of its own app, `zapier_<app>`.
The connector state says which mode. Verified against servers of the documented shape, not Zapier itself.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import cast
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from jobsprint.catalog.builtin import builtin
from jobsprint.connectors.mcp import results
from jobsprint.connectors.mcp.client import Conversation, HttpRefused
from jobsprint.connectors.mcp.connector import Mcp, Offer, offer_of
from jobsprint.connectors.mcp.tools import Listing, Tool, title_of
from jobsprint.core.canonical_json import JsonObject, JsonValue
from jobsprint.core.config import settings
from jobsprint.core.errors import JobsprintError, UpstreamFailed
from jobsprint.core.json_schema import check_schema
from jobsprint.domain import integrations
from jobsprint.domain.integrations import Capability, Integration
from jobsprint.security.credentials import Credentials

_READ, _WRITE = "execute_zapier_read_action", "execute_zapier_write_action"
_INSPECT = ("inspect_zapier_actions", "list_enabled_zapier_actions")
_AGENTIC = frozenset({_READ, _WRITE, *_INSPECT})
_MAX_INSPECTED = 20
_MAX_ACTIONS = 120
_MAX_RECIPE = 400  # bytes of JSON; what is kept beside the capabilities has to fit into the same item
# Zapier lets a model fill in what it was not told, from this text.
_EXACTLY = (
    "Run this action exactly once with exactly the parameters given. Every value is final: do not change, translate, "
    "guess or add any, and leave out what is not given."
)
_ALL_OUTPUT = "Everything the action returns, unchanged"
_GUIDES = {"instructions": _EXACTLY, "output": _ALL_OUTPUT, "output_hint": _ALL_OUTPUT}
_DEAD = "Zapier does not know the token (HTTP 404): it is dead"
# Apps whose name at Zapier is longer than their name in the catalogue.
_LONGER_NAMES = {"outlook": "microsoft_outlook", "jira": "jira_software_cloud", "facebook": "facebook_pages"}
_JSON_TYPES = ("string", "integer", "number", "boolean", "array", "object")


class Zapier(Mcp):
    """The connector of Zapier's MCP servers."""

    def completed(
        self, integration: Integration, body: Mapping[str, object], current: Credentials
    ) -> dict[str, object]:
        """As for any MCP server, with Zapier's own by default; a `?token=` in the URL becomes the token."""
        whole = {"serverUrl": settings().zapier_mcp_url, **super().completed(integration, body, current)}
        url = whole["serverUrl"]
        if whole.get("authType") == "oauth" or not isinstance(url, str):
            return whole
        bare, token = _without_token(url)
        if token is None:
            return whole
        return {"authType": "token", **whole, "token": whole.get("token") or token, "serverUrl": bare}

    def offer(self, talk: Conversation, integration: Integration) -> Offer:
        """The enabled actions of this integration's app."""
        app = App(integration)
        listing = talk.list_tools(lambda name: name in _AGENTIC or app.action_of(name) is not None)
        tools = {tool.name: tool for tool in listing.tools}
        inspect = next((tools[name] for name in _INSPECT if name in tools), None)
        if inspect and tools.keys() & {_READ, _WRITE}:
            offer = _agentic(talk, app, inspect, tools, listing)
        else:
            offer = _managed(app, listing)
        if offer.capabilities:
            return offer
        step = f"Enable an action of {app.name} at https://mcp.zapier.com, then test or connect again"
        return Offer(
            (), offer.connector_state, problem=("app_not_enabled", f"{app.name} is not enabled at Zapier", step)
        )

    def call(self, talk: Conversation, integration: Integration, action: str, parameters: JsonObject) -> JsonObject:
        """Run the action in the mode that the integration's server is in."""
        try:
            return self._run(talk, integration, action, parameters)
        except HttpRefused as error:
            if integration.connector_state.get("authType") == "token" and _says_dead(error):
                raise UpstreamFailed(_DEAD, code="credential_rejected") from error
            raise

    def _run(self, talk: Conversation, integration: Integration, action: str, parameters: JsonObject) -> JsonObject:
        known = integration.connector_state.get("actions")
        recipe = known.get(action) if isinstance(known, dict) else None
        fixed = cast(JsonObject, recipe if isinstance(recipe, dict) else {})
        tool, guided = str(fixed.get("tool", "")), cast(list[str], fixed.get("guided", []))
        arguments = {**cast(JsonObject, fixed.get("arguments", {})), **{name: _GUIDES[name] for name in guided}}
        if integration.connector_state.get("mode") == "agentic":
            return talk.call_tool(tool, {**arguments, "params": parameters}, {})
        capability = integrations.named_capability(integration.capabilities, action)
        return talk.call_tool(tool, {**arguments, **parameters}, capability.schema if capability else {})

    def diagnose(self, error: JobsprintError, auth_type: JsonValue) -> tuple[str, str, str]:
        """As for any MCP server; but Zapier answers 404 where a connection token is dead."""
        if auth_type == "token" and _says_dead(error):
            return "credential_rejected", _DEAD, "Make a new connection token at https://mcp.zapier.com"
        return super().diagnose(error, auth_type)


def _says_dead(error: JobsprintError) -> bool:
    return isinstance(error, HttpRefused) and error.http_status == 404


class App:
    """The app of an integration, and how Zapier's tools name it."""

    def __init__(self, integration: Integration) -> None:
        slug = integration.app.removeprefix("zapier_")
        app = builtin().apps.get(integration.app)
        self.name = app.name if app else slug
        self._slugs = tuple(dict.fromkeys((_LONGER_NAMES.get(slug, slug), slug, _snake(self.name))))

    def action_of(self, tool: str) -> str | None:
        """The action that a tool named `<app>_<action>` is of this app; None for another app's.

        `google_sheets_add_row` is of `google_sheets` and not of `google`: the longest name of an app wins.
        """
        for slug in self._slugs:
            action = tool.removeprefix(f"{slug}_")
            if action != tool and action and not self._has_longer_owner(slug, action):
                return action
        return None

    def _has_longer_owner(self, slug: str, action: str) -> bool:
        words = action.split("_")
        longer = ("_".join((slug, *words[:count])) for count in range(1, len(words)))
        return any(name not in self._slugs and f"zapier_{name}" in builtin().apps for name in longer)

    def is_named(self, entry: JsonObject) -> bool:
        """Whether an entry of Zapier's list of apps is this app."""
        if any(_snake(str(entry.get(key, ""))) in self._slugs for key in ("app", "name", "title", "slug", "app_name")):
            return True
        return any(self.action_of(name) for name in _tool_names(entry))


def _managed(app: App, listing: Listing) -> Offer:
    """Each tool of the app is an action; what only guides Zapier's model is no parameter of it."""
    capabilities: list[Capability] = []
    recipes: dict[str, JsonObject] = {}
    for tool in listing.tools:
        action = app.action_of(tool.name)
        if action is None:
            continue
        schema, guided = _without_guides(tool.schema)
        capabilities.append(tool.capability(action, schema))
        recipes[action] = {"tool": tool.name, "guided": list(guided)}
    return _kept(listing, capabilities, recipes, "managed")


def _agentic(talk: Conversation, app: App, inspect: Tool, tools: Mapping[str, Tool], listing: Listing) -> Offer:
    """Each enabled action of the app, found through the meta-tool that lists them."""
    capabilities: list[Capability] = []
    recipes: dict[str, JsonObject] = {}
    for left, (entry, action) in enumerate(_enabled(talk, inspect, app)):
        name = _action_name(app, action)
        tool = tools.get(str(action.get("tool") or _WRITE))
        if not name or tool is None or name in recipes or not isinstance(action.get("key"), str):
            listing.dropped += 1
            continue
        if "params" not in action and left < _MAX_INSPECTED:
            action = {**action, "params": _params(talk, inspect, entry, action)}
        said = action.get("description") or action.get("name")
        try:
            schema = _schema(action.get("params"))
            check_schema(schema, listing.patterns)
        except ValueError:
            listing.dropped += 1
            continue
        description = said if isinstance(said, str) else None
        # What Zapier has searches and look-ups for changes nothing, whether or not its tool has annotations.
        effect = tool.effect or ("read" if tool.name == _READ else None)
        title = title_of(action.get("name"))
        capabilities.append(Capability(name, description, schema, title=title, effect=effect))
        recipes[name] = {
            "tool": tool.name,
            "guided": list(_accepted(tool, dict(_GUIDES))),
            "arguments": _execution(tool, entry, action),
        }
    return _kept(listing, capabilities, recipes, "agentic")


def _kept(listing: Listing, capabilities: list[Capability], recipes: dict[str, JsonObject], mode: str) -> Offer:
    """The offer of these actions and how to run each; those whose names at Zapier are endless are dropped."""
    short = [one for one in capabilities if len(json.dumps(recipes[one.name])) <= _MAX_RECIPE]
    listing.dropped += len(capabilities) - len(short)
    listing.complete &= len(short) <= _MAX_ACTIONS
    offer = offer_of(listing, tuple(short[:_MAX_ACTIONS]), {"mode": mode})
    actions: JsonObject = {one.name: recipes[one.name] for one in offer.capabilities}
    return Offer(offer.capabilities, {**offer.connector_state, "actions": actions}, offer.note)


def _enabled(talk: Conversation, inspect: Tool, app: App) -> Iterator[tuple[JsonObject, JsonObject]]:
    """The enabled actions of the app, each with the entry of its app."""
    for entry in _objects(_inspected(talk, inspect, {})):
        if app.is_named(entry):
            for action in _objects(entry.get("actions")):
                yield entry, action


def _params(talk: Conversation, inspect: Tool, entry: JsonObject, action: JsonObject) -> JsonValue:
    """The parameters of an action that the list of all has without them."""
    asked = {**_identity(entry), "action": action.get("key"), "tool_name": action.get("tool_name")}
    for found in _objects(_inspected(talk, inspect, asked)):
        for one in _objects(found.get("actions")):
            if one.get("key") == action.get("key"):
                return one.get("params")
    return None


def _inspected(talk: Conversation, inspect: Tool, asked: JsonObject) -> JsonValue:
    arguments = _accepted(inspect, asked)
    answer = results.payload_of(talk.call_tool(inspect.name, arguments, inspect.schema, acts=False))
    if isinstance(answer, dict):
        answer = answer.get("apps", answer.get("results", answer.get("result")))
    return answer


def _execution(tool: Tool, entry: JsonObject, action: JsonObject) -> JsonObject:
    """What every call of an action says beside its parameters."""
    said = {**_identity(entry), "action": action.get("key"), "tool_name": action.get("tool_name")}
    return _accepted(tool, {**said, **_identity(action)})


def _identity(entry: JsonObject) -> JsonObject:
    return {key: entry[key] for key in ("selected_api", "app") if isinstance(entry.get(key), str)}


def _accepted(tool: Tool, arguments: JsonObject) -> JsonObject:
    """Those arguments that the tool has a parameter for."""
    known = tool.schema.get("properties")
    names = known if isinstance(known, dict) else {}
    return {name: value for name, value in arguments.items() if name in names and value is not None}


def _action_name(app: App, action: JsonObject) -> str:
    """The name that managed mode has for it, else its title or key in snake_case."""
    tool = action.get("tool_name")
    named = app.action_of(tool) if isinstance(tool, str) else None
    return named or _snake(str(action.get("name") or action.get("key") or ""))


def _tool_names(entry: JsonObject) -> list[str]:
    return [str(action["tool_name"]) for action in _objects(entry.get("actions")) if action.get("tool_name")]


def _schema(params: JsonValue) -> JsonObject:
    """The JSON Schema of an action's parameters as Zapier lists them."""
    properties: JsonObject = {}
    required: list[JsonValue] = []
    for param in _objects(params):
        key = param.get("key") or param.get("name")
        if not isinstance(key, str) or key in _GUIDES:
            continue
        kind, said = param.get("type"), param.get("help_text") or param.get("description") or param.get("label")
        properties[key] = {"type": kind} if kind in _JSON_TYPES else {}
        if isinstance(said, str):
            properties[key] = {**cast(JsonObject, properties[key]), "description": said}
        if param.get("required") is True:
            required.append(key)
    return {"type": "object", "properties": properties, **({"required": required} if required else {})}


def _without_guides(schema: JsonObject) -> tuple[JsonObject, list[str]]:
    """The schema without the parameters that only guide Zapier's model, and which of them it had."""
    properties, required = schema.get("properties"), schema.get("required")
    if not isinstance(properties, dict):
        return schema, []
    guided = [name for name in _GUIDES if name in properties]
    bare = {**schema, "properties": {name: part for name, part in properties.items() if name not in guided}}
    if isinstance(required, list):
        bare["required"] = [name for name in required if name not in guided]
    return bare, guided


def _objects(value: JsonValue) -> list[JsonObject]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _snake(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def _without_token(url: str) -> tuple[str, str | None]:
    """The URL without its `token` query value, and that value."""
    try:
        parts = urlsplit(url)
    except ValueError:  # refused where the URL is checked
        return url, None
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    token = next((value for name, value in pairs if name == "token" and value), None)
    if token is None:
        return url, None
    rest = urlencode([pair for pair in pairs if pair[0] != "token"])
    return urlunsplit(parts._replace(query=rest)), token
