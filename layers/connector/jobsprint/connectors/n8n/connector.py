"""Self-hosted n8n: its active workflows with a Webhook trigger are the actions.

n8n's public API cannot run a workflow, so an action calls the workflow's production webhook; the API key serves to find
the workflows, to test the connection and to find the execution that a call started.
"""

import time
from collections.abc import Mapping
from typing import Any

from jobsprint.connectors.answers import result_of
from jobsprint.connectors.base import TEST_SECONDS, ActionCall, Connection, TestResult
from jobsprint.connectors.fields import is_same_origin, read_body
from jobsprint.connectors.n8n import mcp_runner
from jobsprint.connectors.n8n.discovery import AUTH, discover
from jobsprint.connectors.n8n.models import N8nConnect
from jobsprint.connectors.n8n.outcomes import NOTHING_RAN, Execution, Refused, streamed_error, webhook_error
from jobsprint.connectors.n8n.webhook_call import WebhookCall
from jobsprint.connectors.n8n.workflows import Hook
from jobsprint.core.canonical_json import JsonObject
from jobsprint.core.errors import JobsprintError, UpstreamFailed
from jobsprint.domain.integrations import Integration
from jobsprint.outbound.client import Response
from jobsprint.security.credentials import Credentials

_CONNECT_SECONDS = 20.0
_EMPTY: dict[str, object] = {"mcpToken": None, "tags": [], AUTH: {}}
"""What a null in a body means for these options: none."""


class N8n:
    """The connector of self-hosted n8n."""

    def read(self, integration: Integration, body: Mapping[str, object], *, current: Credentials) -> N8nConnect:
        """Validate the body over what is kept already; kept webhook credentials and MCP token are left out."""
        kept: dict[str, object] = {}
        if current.url:
            tags = integration.connector_state.get("tags", [])
            kept = {"baseUrl": current.url, "tags": tags}
            kept |= {"apiKey": current.keys["apiKey"]} if "apiKey" in current.keys else {}
        said = {name: _EMPTY.get(name) if value is None else value for name, value in body.items()}
        stored = {name.partition(".")[0] for name in current.keys} - body.keys()
        return read_body(N8nConnect, {**kept, **said}, current_url=current.url, address="baseUrl", kept=sorted(stored))

    def connect(self, integration: Integration, given: N8nConnect, *, current: Credentials) -> Connection:
        """Look at n8n with the key and keep what can be run.

        Raises InvalidFields for what n8n says about key or address, and UpstreamFailed where it could not be asked.
        """
        credentials, header_names = _credentials(integration, given, current)
        state: JsonObject = {**integration.connector_state, "tags": [*given.tags], AUTH: header_names}
        try:
            found = discover(credentials, state, seconds=_CONNECT_SECONDS)
        except Refused as refused:
            raise refused.error() from refused
        return Connection(
            credentials, found.capabilities, f"Connected: {found.message}", connector_state=found.connector_state
        )

    def test(self, integration: Integration, credentials: Credentials) -> TestResult:
        """Ask n8n what the key may do and which workflows are live; runs none."""
        started = time.monotonic()
        try:
            found = discover(credentials, integration.connector_state, seconds=TEST_SECONDS)
        except Refused as refused:
            return TestResult(False, refused.message, _elapsed(started), refused.reason, refused.step)
        return TestResult(
            passed=True,
            message=f"Connection successful: {found.message}",
            response_ms=_elapsed(started),
            capabilities=found.capabilities,
            connector_state=found.connector_state,
        )

    def execute(self, call: ActionCall) -> JsonObject:
        """Call the workflow's production webhook; see `connectors.base.Connector`.

        With an MCP token, a workflow that is exposed to MCP runs through n8n's MCP server instead. The result has n8n's
        `executionId`; after a call of a webhook only where the key may read executions and n8n keeps them.
        """
        state: Any = call.integration.connector_state
        hook = Hook.from_state(state["actions"][call.action])
        if hook.exposed and not hook.path_names and "mcpToken" in call.credentials.keys:
            return mcp_runner.run(call, hook)
        webhook_call = WebhookCall(call, hook)
        sent, response = webhook_call.send()
        masker = call.credentials.masker()
        error = webhook_error(response, sent, masker)
        if error is None and isinstance(response, Response):
            error = streamed_error(response, masker)
        execution = None if error and error.code in NOTHING_RAN else webhook_call.execution()
        if error:
            raise _with_execution(error, execution)
        assert isinstance(response, Response)  # noqa: S101 - a TransferFailure is an error
        try:
            result = result_of(response, masker)
        except UpstreamFailed as failed:
            raise _with_execution(failed, execution) from failed
        return {"executionId": execution.id, **result} if execution else result


def _credentials(
    integration: Integration, given: N8nConnect, current: Credentials
) -> tuple[Credentials, dict[str, Any]]:
    """The credentials to encrypt, and the name of each webhook credential's header, which is no secret."""
    keys = {"apiKey": given.api_key}
    same = is_same_origin(given.base_url, current.url)
    if given.mcp_token:
        keys["mcpToken"] = given.mcp_token
    elif same and "mcp_token" not in given.model_fields_set and "mcpToken" in current.keys:
        keys["mcpToken"] = current.keys["mcpToken"]
    if same and "webhook_auth" not in given.model_fields_set:
        names: Any = integration.connector_state.get(AUTH, {})
        keys |= {name: value for name, value in current.keys.items() if name.startswith(f"{AUTH}.")}
        return Credentials(given.base_url, keys=keys), {id_: names[id_] for id_ in names if f"{AUTH}.{id_}" in keys}
    header_names: dict[str, Any] = {}
    for workflow_id, auth in given.webhook_auth.items():
        header_names[workflow_id], keys[f"{AUTH}.{workflow_id}"] = auth.header()
        keys[f"{AUTH}.{workflow_id}.secret"] = auth.secret()
    return Credentials(given.base_url, keys=keys), header_names


def _with_execution(error: JobsprintError, execution: Execution | None) -> JobsprintError:
    """The error with the execution in n8n, where it is known, in its message."""
    if execution:
        trouble = f" {execution.trouble}" if execution.trouble else ""
        error.message += f"{trouble} (n8n execution {execution.id})"
    return error


def _elapsed(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
