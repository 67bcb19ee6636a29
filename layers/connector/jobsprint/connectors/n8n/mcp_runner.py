"""Running a workflow through n8n's own MCP server: it names the execution before the workflow has ended.

It serves the workflows that are exposed to MCP. `execute_workflow` only starts one; how it ended is asked for until it
has, or until time is up.
"""

import time
from typing import Any

from jobsprint.connectors.base import ActionCall
from jobsprint.connectors.mcp import results
from jobsprint.connectors.mcp.client import Conversation, HttpRefused
from jobsprint.connectors.mcp.dialects import dialect_state, kept_dialect
from jobsprint.connectors.n8n.outcomes import Refused, trouble_of
from jobsprint.connectors.n8n.workflows import Hook, webhook_data
from jobsprint.core.canonical_json import JsonObject
from jobsprint.core.errors import JobsprintError, UpstreamFailed, UpstreamTimeout, UpstreamUnauthorized
from jobsprint.security.credentials import Credentials

_PATH = "/mcp-server/http"
_RUN, _LOOK = "execute_workflow", "get_workflow_execution"
_UNDER_WAY = frozenset({"new", "running", "waiting", "unknown"})
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 1.0
_MAX_ITEMS = 100


def check(credentials: Credentials, *, seconds: float) -> JsonObject:
    """What n8n's MCP server speaks, for the connector state. Raises Refused where the token cannot run workflows."""
    with Conversation(_token(credentials), None, seconds=seconds) as talk:
        try:
            listing = talk.list_tools(lambda name: name in (_RUN, _LOOK))
        except JobsprintError as error:
            raise _refused(error) from error
        if {tool.name for tool in listing.tools} < {_RUN, _LOOK}:
            raise Refused(
                "mcp_token_scope",
                "The MCP token may not run workflows",
                "Make a token in n8n's MCP settings that may run workflows and read executions",
                field="body.mcpToken",
            )
        talk.end()
        assert talk.dialect is not None  # noqa: S101 - known after a listing
        return dialect_state(talk.dialect)


def run(call: ActionCall, hook: Hook) -> JsonObject:
    """Run a workflow and give `executionId`, `status` and the `items` that its last node gave, at most 100.

    One that answers at once (`onReceived`) is not waited for. Raises as `connectors.base.Connector.execute`; every
    error after the start carries the execution's id.
    """
    dialect = kept_dialect(call.integration.connector_state.get("mcp"))
    with Conversation(_token(call.credentials), dialect, seconds=call.seconds_left) as talk:
        execution_id = _started(talk, hook, call.parameters, call.id)
        if hook.response_mode == "onReceived":
            return {"success": True, "executionId": execution_id, "status": "started"}
        try:
            data = _ended(talk, hook, execution_id, call.deadline)
        except JobsprintError as error:
            raise _lost(error, execution_id) from error
    if data is None:
        raise UpstreamTimeout(
            f"The workflow has not ended in time: whether it will is unknown (n8n execution {execution_id})",
            unknown=True,
        )
    if data["status"] != "success":
        trouble = trouble_of(data)
        raise UpstreamFailed(
            f"The workflow failed in n8n{' ' if trouble else ''}{trouble} (n8n execution {execution_id})",
            code="workflow_failed",
        )
    return {"success": True, "executionId": execution_id, "status": "success", "items": _items(data["data"])}


def _token(credentials: Credentials) -> Credentials:
    # The other keys are masked in answers, because an execution's data hold what its webhook was sent.
    return Credentials(credentials.url + _PATH, keys={**credentials.keys, "token": credentials.keys["mcpToken"]})


def _started(talk: Conversation, hook: Hook, parameters: JsonObject, call_id: str) -> str:
    arguments: JsonObject = {
        "workflowId": hook.workflow_id,
        "executionMode": "production",
        "triggerNodeName": hook.node,
        "inputs": {"webhookData": webhook_data(hook, parameters, call_id)},
    }
    try:
        answer = talk.call_tool(_RUN, arguments, {})
    except (UpstreamUnauthorized, HttpRefused) as error:
        if isinstance(error, HttpRefused) and error.http_status != 404:
            raise
        refused = _refused(error)
        raise UpstreamFailed(f"{refused.message}. {refused.step}", code=refused.reason) from error
    try:
        started = _said(answer)
    except UpstreamFailed as error:
        error.code = "workflow_not_started"
        raise
    execution_id = started.get("executionId")
    if not isinstance(execution_id, str):
        raise UpstreamFailed("n8n's MCP server named no execution", code="outcome_unknown", unknown=True)
    return execution_id


def _said(result: JsonObject) -> JsonObject:
    """The JSON of n8n's answer. Its tools report a failure as `error` beside fields that are null.

    Raises UpstreamFailed.
    """
    said = results.result_of(result)
    if said.get("error"):
        raise results.tool_failure(said)
    return said


def _ended(talk: Conversation, hook: Hook, execution_id: str, deadline: float) -> dict[str, Any] | None:
    """Status and data of the execution once it has ended; None where it has not by `deadline`."""
    asked: JsonObject = {"workflowId": hook.workflow_id, "executionId": execution_id}
    pause = _FIRST_PAUSE
    while True:
        found: Any = _said(talk.call_tool(_LOOK, asked, {}))
        execution = found.get("execution")
        status = execution.get("status") if isinstance(execution, dict) else "unknown"
        if status not in _UNDER_WAY:
            more: JsonObject = {**asked, "includeData": True, "truncateData": _MAX_ITEMS}
            whole = _said(talk.call_tool(_LOOK, more, {}))
            return {"status": status, "data": whole.get("data")}
        if time.monotonic() + 2 * pause > deadline:
            return None
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def _items(data: Any) -> list[Any]:
    """The JSON of what the last node gave, from n8n's data of an execution."""
    outcome = data.get("resultData") if isinstance(data, dict) else None
    if not isinstance(outcome, dict):
        return []
    runs = (outcome.get("runData") or {}).get(outcome.get("lastNodeExecuted")) or [{}]
    outputs = ((runs[-1].get("data") or {}).get("main")) or []
    return [item.get("json") for output in outputs for item in output or []]


def _lost(error: JobsprintError, execution_id: str) -> UpstreamFailed:
    """The error where the workflow was started and its end could not be asked for."""
    kind = UpstreamTimeout if isinstance(error, UpstreamTimeout) else UpstreamFailed
    return kind(
        f"The workflow was started; how it ended is unknown (n8n execution {execution_id})",
        code=None if kind is UpstreamTimeout else "outcome_unknown",
        unknown=True,
    )


def _refused(error: JobsprintError) -> Refused:
    if isinstance(error, UpstreamUnauthorized):
        step = "Make a new token in n8n's MCP settings and connect again with it"
        return Refused("mcp_token_rejected", "n8n refused the MCP token", step, field="body.mcpToken")
    if isinstance(error, HttpRefused) and error.http_status == 404:
        step = "Switch MCP access on in n8n's settings, or leave the token out"
        return Refused("mcp_disabled", "n8n's MCP server is switched off", step, field="body.mcpToken")
    return Refused("mcp_unusable", "n8n's MCP server did not answer as one", "Look into n8n's own log", known=error)
