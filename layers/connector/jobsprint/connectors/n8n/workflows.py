"""What an n8n workflow's JSON says about calling it. Pure: no call is made here.

A workflow can be called when its live version (`activeVersion`) has an enabled Webhook trigger. The shapes are those of
n8n 2.41 (measured); n8n resolves paths and their `:name` segments as `webhook_url` does.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote, urlencode

from jobsprint.core.canonical_json import JsonObject, JsonValue
from jobsprint.domain import integrations
from jobsprint.domain.integrations import Capability, Effect

CALL_HEADER = "X-Jobsprint-Call-Id"
"""Goes along with every call, so that its execution can be recognised in n8n."""

_TRIGGER = "n8n-nodes-base.webhook"
_METHODS = ("POST", "PUT", "PATCH", "GET", "DELETE", "HEAD")  # of several that a trigger takes, the first one is used
_WITHOUT_BODY = frozenset({"GET", "HEAD", "DELETE"})
_EFFECTS: Mapping[str, Effect] = {"GET": "read", "HEAD": "read", "DELETE": "destructive"}
"""What a call by this method does; one by another writes (RFC 9110, section 9.2.1)."""

_MAX_PATH = 500
_SUFFIX_CHARACTERS = 6
_NAME_CHARACTERS = integrations.MAX_NAME - _SUFFIX_CHARACTERS - 1
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_OTHER = re.compile(r"[^a-z0-9]+")
# n8n decodes a segment before it looks for slashes, and proxies resolve segments of dots: neither can be passed.
_SEGMENT: JsonObject = {"type": ["string", "number"], "pattern": r"^[^/]*[^./][^/]*$"}


@dataclass(frozen=True)
class Hook:
    """How a workflow is called: its trigger as n8n has it live. `path` may have `:name` segments.

    `authentication` is n8n's word (`none`, `basicAuth`, `headerAuth`, `jwtAuth`, …), as is `response_mode`
    (`onReceived` answers at once, the others when the workflow says so). `exposed` says that MCP clients may run it.
    """

    workflow_id: str
    node: str
    method: str
    path: str
    webhook_id: str = ""
    authentication: str = "none"
    response_mode: str = "onReceived"
    exposed: bool = False

    @property
    def path_names(self) -> tuple[str, ...]:
        """The names of the path's `:name` segments, in order, each once."""
        return tuple(dict.fromkeys(part[1:] for part in self.path.split("/") if _is_parameter(part)))

    def to_state(self) -> JsonObject:
        """The hook as the connector state keeps it."""
        return {_STATE_NAMES[name]: value for name, value in asdict(self).items()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Hook":
        """The hook that `to_state` gave."""
        return cls(**{name: state[kept] for name, kept in _STATE_NAMES.items() if kept in state})


_STATE_NAMES = {
    "workflow_id": "workflowId",
    "node": "node",
    "method": "method",
    "path": "path",
    "webhook_id": "webhookId",
    "authentication": "authentication",
    "response_mode": "responseMode",
    "exposed": "exposed",
}


# --- from workflows to hooks and capabilities -----------------------------------------------------------------------


def live_hook(workflow: Mapping[str, Any]) -> Hook | None:
    """The first enabled Webhook trigger of what is live; None without one, or where only n8n could resolve it."""
    if not workflow.get("active") or workflow.get("isArchived"):
        return None
    version = workflow.get("activeVersion")
    nodes = (version.get("nodes") if isinstance(version, dict) else None) or workflow.get("nodes")
    settings = workflow.get("settings")
    exposed = isinstance(settings, dict) and settings.get("availableInMCP") is True
    for node in nodes if isinstance(nodes, list) else ():
        if isinstance(node, dict) and node.get("type") == _TRIGGER and not node.get("disabled"):
            hook = _hook(str(workflow.get("id", "")), node, exposed=exposed)
            if hook:
                return hook
    return None


def _hook(workflow_id: str, node: Mapping[str, Any], *, exposed: bool) -> Hook | None:
    given = node.get("parameters")
    parameters: Mapping[str, Any] = given if isinstance(given, dict) else {}
    path = parameters.get("path")
    method = _method(parameters.get("httpMethod", "GET"))
    # An empty path is never registered, and one that starts with = is an expression.
    if not isinstance(path, str) or not path.strip("/") or path.startswith("=") or method is None:
        return None
    if len(path) > _MAX_PATH:
        return None
    return Hook(
        workflow_id=workflow_id,
        node=str(node.get("name", "")),
        method=method,
        path=path.strip("/"),
        webhook_id=str(node.get("webhookId") or ""),
        authentication=str(parameters.get("authentication") or "none"),
        response_mode=str(parameters.get("responseMode") or "onReceived"),
        exposed=exposed,
    )


def _method(given: object) -> str | None:
    offered = given if isinstance(given, list) else [given]
    return next((method for method in _METHODS if method in offered), None)


def action_names(workflows: Iterable[Mapping[str, Any]], kept: Mapping[str, str]) -> dict[str, str]:
    """The action's name of each workflow, by workflow id: its own name in snake_case.

    Where two collide, the oldest has the plain name and the others a suffix made of their id. `kept` holds the names
    so far: as long as a workflow is called the same, its action is too, whatever comes and goes beside it.
    """
    listed = sorted(workflows, key=lambda one: (str(one.get("createdAt", "")), str(one["id"])))
    bases = {str(one["id"]): snake_case(str(one.get("name", ""))) for one in listed}
    names = {
        one: kept[one] for one, base in bases.items() if one in kept and kept[one] in (base, _with_suffix(base, one))
    }
    taken = set(names.values())
    for one, base in bases.items():
        if one not in names:
            names[one] = base if base not in taken else _with_suffix(base, one)
            taken.add(names[one])
    return names


def _with_suffix(base: str, workflow_id: str) -> str:
    return f"{base}_{hashlib.sha256(workflow_id.encode()).hexdigest()[:_SUFFIX_CHARACTERS]}"


def snake_case(name: str) -> str:
    """`Send Invoice (v2)` as `send_invoice_v2`. Accents are dropped; `workflow` replaces a name without Latin letters.

    Humps separate words only in a name of one word, so that `Open GitHub issue` keeps its GitHub.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().strip()
    words = _HUMP.sub("_", plain) if re.fullmatch(r"[A-Za-z0-9]+", plain) else plain
    return _OTHER.sub("_", words.lower()).strip("_")[:_NAME_CHARACTERS].strip("_") or "workflow"


def capability(name: str, workflow: Mapping[str, Any], hook: Hook) -> Capability:
    """What the action of a workflow takes: the path's parameters, and any others that the workflow understands.

    Its effect is what the method of its webhook says.
    """
    described = workflow.get("description")
    title = str(workflow.get("name", ""))[: integrations.MAX_NAME]
    description = described if isinstance(described, str) and described else f"Runs the n8n workflow {title!r}"
    properties: JsonObject = {
        part: {**_SEGMENT, "description": f"The :{part} segment of the webhook's path"} for part in hook.path_names
    }
    schema: JsonObject = {"type": "object", "properties": properties}
    if properties:
        schema["required"] = list(properties)
    return Capability(
        name,
        description[: integrations.MAX_DESCRIPTION],
        schema,
        title=title.strip() or None,
        effect=_EFFECTS.get(hook.method, "write"),
    )


# --- from a hook and parameters to a request ------------------------------------------------------------------------


def request_parts(endpoint: str, hook: Hook, parameters: JsonObject) -> tuple[str, bytes | None]:
    """The production URL and the JSON body of a call: path segments first, the rest as body, or query without one.

    `endpoint` is where n8n has its production webhooks.
    """
    path = "/".join(_filled(part, parameters) for part in hook.path.split("/"))
    if hook.path_names and hook.webhook_id:
        path = f"{quote(hook.webhook_id, safe='')}/{path}"
    url = f"{endpoint}/{path}"
    rest = {name: value for name, value in parameters.items() if name not in hook.path_names}
    if hook.method not in _WITHOUT_BODY:
        return url, json.dumps(rest, ensure_ascii=False).encode()
    query = urlencode([(name, text) for name, value in rest.items() for text in _query_texts(value)])
    return f"{url}?{query}" if query else url, None


def webhook_data(hook: Hook, parameters: JsonObject, call_id: str) -> JsonObject:
    """The same call as `execute_workflow` of n8n's MCP server takes it: no path segments, and only texts in a query."""
    data: JsonObject = {"method": hook.method, "headers": {CALL_HEADER: call_id}}
    if hook.method not in _WITHOUT_BODY:
        return {**data, "body": parameters}
    return {**data, "query": {name: _text(value) for name, value in parameters.items() if value is not None}}


def _is_parameter(segment: str) -> bool:
    return len(segment) > 1 and segment.startswith(":")


def _filled(segment: str, parameters: JsonObject) -> str:
    text = _text(parameters[segment[1:]]) if _is_parameter(segment) else segment
    return quote(text, safe="!$&'()*+,;=:@")


def _query_texts(value: JsonValue) -> list[str]:
    """A list is a name given several times; null is a name not given."""
    values = value if isinstance(value, list) else [value]
    return [_text(one) for one in values if one is not None]


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
