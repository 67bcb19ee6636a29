"""Finding the workflows of an n8n that can be run, through its public API."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from jobsprint.connectors.n8n import mcp_runner
from jobsprint.connectors.n8n.outcomes import NotThere, Refused, api_answer, scopes_of, workflows_of
from jobsprint.connectors.n8n.workflows import Hook, action_names, capability, live_hook
from jobsprint.connectors.signed_post import client
from jobsprint.core.canonical_json import JsonObject
from jobsprint.core.redaction import Masker
from jobsprint.domain.capabilities import fitting, fitting_state
from jobsprint.domain.integrations import Capability
from jobsprint.outbound.client import Request
from jobsprint.security.credentials import Credentials

MAX_WORKFLOWS = 200
"""Workflows that become actions; tags choose them where there are more."""

AUTH = "webhookAuth"
"""The webhooks' own credentials: their headers' names in the connector state, their values among the keys."""

_PAGE = 20
_MAX_PAGES = 50
_MAX_PAGE_BYTES = 4 * 1024 * 1024
_EXECUTION_SCOPES = frozenset({"execution:list", "execution:read"})
_DEFAULT = "default"


@dataclass(frozen=True)
class Discovery:
    """The actions of an n8n, the connector state to keep, and a sentence about both."""

    capabilities: tuple[Capability, ...]
    connector_state: JsonObject
    message: str


def discover(credentials: Credentials, state: JsonObject, *, seconds: float) -> Discovery:
    """Ask what the key may do and which workflows can be run now. Raises Refused."""
    deadline = time.monotonic() + seconds
    scopes = _scopes(credentials, deadline)
    workflows, more = _live_workflows(credentials, state, deadline)
    kept = {name: value for name, value in state.items() if name != "mcp"}
    if "mcpToken" in credentials.keys:
        kept["mcp"] = mcp_runner.check(credentials, seconds=max(deadline - time.monotonic(), 1.0))
    return _discovery(credentials, kept, workflows, more=more, reads=scopes is None or scopes >= _EXECUTION_SCOPES)


def _scopes(credentials: Credentials, deadline: float) -> frozenset[str] | None:
    """What the key may do; None where n8n cannot be asked: before March 2026 its API had no `discover`."""
    try:
        return scopes_of(api_get(credentials, "discover", {}, deadline, needs="workflow:list"))
    except NotThere:
        return None


def _live_workflows(
    credentials: Credentials, state: JsonObject, deadline: float
) -> tuple[list[tuple[dict[str, Any], Hook]], bool]:
    """The workflows that can be run, each with its hook, and whether there are more than are read."""
    tags: Any = state.get("tags", [])
    query = {"active": "true", "excludePinnedData": "true", "limit": str(_PAGE)}
    if tags:
        query["tags"] = ",".join(tags)
    found: list[tuple[dict[str, Any], Hook]] = []
    masker = credentials.masker()  # of what is shown: a hook's path may hold what its webhook asks for
    for _ in range(_MAX_PAGES):
        page = api_get(credentials, "workflows", query, deadline, needs="workflow:list")
        found += [(masker.value(one), hook) for one in workflows_of(page) if (hook := live_hook(one))]
        cursor = page.get("nextCursor")
        if not cursor or len(found) > MAX_WORKFLOWS:
            return found[:MAX_WORKFLOWS], len(found) > MAX_WORKFLOWS
        query["cursor"] = str(cursor)
    return found, True


def _discovery(
    credentials: Credentials,
    state: JsonObject,
    workflows: list[tuple[dict[str, Any], Hook]],
    *,
    more: bool,
    reads: bool,
) -> Discovery:
    kept: Any = state.get("actions", {})
    names = action_names(
        (workflow for workflow, _ in workflows), {action["workflowId"]: name for name, action in kept.items()}
    )
    hooks = {names[hook.workflow_id]: (workflow, hook) for workflow, hook in workflows}
    kept = fitting(tuple(capability(name, *hooks[name]) for name in sorted(hooks)))
    actions = fitting_state({one.name: hooks[one.name][1].to_state() for one in kept})
    locked = [
        name
        for name in actions
        if hooks[name][1].authentication != "none" and not auth_header(credentials, state, hooks[name][1])
    ]
    return Discovery(
        capabilities=kept[: len(actions)],
        connector_state={**state, "readsExecutions": reads, "actions": actions},
        message=_sentence(len(actions), locked, more=more or len(actions) < len(hooks)),
    )


def _sentence(count: int, locked: list[str], *, more: bool) -> str:
    text = f"{count} workflow{'' if count == 1 else 's'} can be run"
    if more:
        text += " (there are more: choose by tags)"
    if locked:
        text += f"; webhookAuth is missing for {', '.join(locked[:5])}{' and others' if len(locked) > 5 else ''}"
    return text


def api_get(
    credentials: Credentials,
    path: str,
    query: Mapping[str, str],
    deadline: float,
    *,
    needs: str,
    max_body: int = _MAX_PAGE_BYTES,
) -> dict[str, Any]:
    """The JSON that a GET of the public API gives until `deadline` (monotonic), masked. Raises Refused."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise Refused("timeout_body", "n8n did not answer in time", "Check that n8n is up and answers within seconds")
    url = f"{credentials.url}/api/v1/{path}" + (f"?{urlencode(query)}" if query else "")
    headers = {"X-N8N-API-KEY": credentials.keys["apiKey"], "Accept": "application/json"}
    outcome = client().send(Request("GET", url, headers), timeout=left, max_body=max_body)
    return api_answer(outcome, Masker([credentials.keys["apiKey"]]), needs=needs)


def auth_header(credentials: Credentials, state: Mapping[str, Any], hook: Hook) -> dict[str, str]:
    """The header of the webhook's own credential; the default one only where n8n asks for one."""
    names = state.get(AUTH, {})
    for owner in (hook.workflow_id, *([_DEFAULT] if hook.authentication != "none" else [])):
        if owner in names:
            return {names[owner]: credentials.keys[f"{AUTH}.{owner}"]}
    return {}
