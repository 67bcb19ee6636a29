"""Calling the production webhook of a workflow, and finding the execution that the call started."""

import time
from collections.abc import Mapping
from typing import Any

from jobsprint.connectors.base import ActionCall
from jobsprint.connectors.n8n.discovery import api_get, auth_header
from jobsprint.connectors.n8n.outcomes import Execution, Refused, execution_of, is_unregistered
from jobsprint.connectors.n8n.workflows import CALL_HEADER, Hook, live_hook, request_parts
from jobsprint.connectors.signed_post import MAX_RESULT_BYTES, client
from jobsprint.domain import integrations
from jobsprint.outbound.client import Request, Response, TransferFailure

_EXECUTION_SECONDS = 1.0
_EXECUTION_PAUSE = 0.1
_EXECUTIONS = 5
_MAX_EXECUTIONS_BYTES = 1024 * 1024


class WebhookCall:
    """One call of the webhook of one workflow."""

    def __init__(self, call: ActionCall, hook: Hook) -> None:
        self._call, self._hook = call, hook
        path = integrations.webhook_path(call.integration.configuration)
        self._endpoint = f"{call.credentials.url}/{path}"

    def send(self) -> tuple[int, Response | TransferFailure]:
        """The size of the body sent, and the outcome.

        Where n8n does not know the webhook, nothing ran: it is looked up again, and called once more if it has moved.
        """
        sent, outcome = self._send(self._hook)
        if not is_unregistered(outcome):
            return sent, outcome
        moved = self._live()
        if moved is None or (moved.method, moved.path) == (self._hook.method, self._hook.path):
            return sent, outcome
        missing = [name for name in moved.path_names if name not in self._call.parameters]
        return (sent, outcome) if missing else self._send(moved)

    def _send(self, hook: Hook) -> tuple[int, Response | TransferFailure]:
        url, body = request_parts(self._endpoint, hook, self._call.parameters)
        headers = {"Accept": "application/json", CALL_HEADER: self._call.id, **self._call.trace_headers}
        if body is not None:
            headers["Content-Type"] = "application/json"
        headers |= auth_header(self._call.credentials, self._call.integration.connector_state, hook)
        # A workflow may do anything behind a GET too: `once` keeps libcurl from repeating it.
        request = Request(hook.method, url, headers, body, once=True)
        return len(body or b""), client().send(request, timeout=self._call.seconds_left, max_body=MAX_RESULT_BYTES)

    def _live(self) -> Hook | None:
        path = f"workflows/{self._hook.workflow_id}"
        try:
            return live_hook(api_get(self._call.credentials, path, {}, self._call.deadline, needs="workflow:read"))
        except Refused:
            return None

    def execution(self) -> Execution | None:
        """The execution in n8n that the call started; None where it cannot be told. Takes at most a second.

        n8n keeps the call's headers with the execution, from its start, so it is recognised for certain. One that is
        about to end is for a moment in neither of its two lists.
        """
        if not self._call.integration.connector_state.get("readsExecutions"):
            return None
        deadline = time.monotonic() + _EXECUTION_SECONDS
        query = {"workflowId": self._hook.workflow_id, "includeData": "true", "limit": str(_EXECUTIONS)}
        try:
            while True:
                for more in ({}, {"status": "running"}):
                    found = execution_of(self._call.id, self._executions({**query, **more}, deadline))
                    if found:
                        return found
                if time.monotonic() + _EXECUTION_PAUSE > deadline:
                    return None
                time.sleep(_EXECUTION_PAUSE)
        except Refused:
            return None

    def _executions(self, query: Mapping[str, str], deadline: float) -> dict[str, Any]:
        listed = api_get(
            self._call.credentials,
            "executions",
            query,
            deadline,
            needs="execution:list",
            max_body=_MAX_EXECUTIONS_BYTES,
        )
        # n8n keeps what the webhook was sent, its credential too.
        return self._call.credentials.masker().value(listed)
