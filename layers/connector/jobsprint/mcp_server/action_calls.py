"""Calling an action for an agent: a repeat is safe, and no outcome is lost.

An action that only reads is run at once. Any other runs in the background, as an execution that is waited for: where
the answer does not arrive, the outcome is kept and can be asked for by its id (docs/adr/0058-mcp-endpoint.md).
"""

import time
from dataclasses import replace

from jobsprint.actions import executions, runner, service
from jobsprint.actions.service import Accepted, Reply
from jobsprint.api.request_headers import checked_key
from jobsprint.audit import trail
from jobsprint.core.canonical_json import JsonObject
from jobsprint.core.errors import JobsprintError, NotFound
from jobsprint.domain.actions import Execution, Outcome, RequestedAction
from jobsprint.domain.approvals import Approval
from jobsprint.domain.callers import Caller
from jobsprint.domain.integrations import Capability
from jobsprint.mcp_server import results
from jobsprint.mcp_server.tool import APPROVAL, KEY, Given, properties_of
from jobsprint.repositories.integrations import IntegrationStore

WAIT_SECONDS = 24.0
"""How long a call waits for its outcome: API Gateway gives up after 29 s."""

_FIRST_PAUSE_SECONDS, _PAUSE_GROWTH, _LONGEST_PAUSE_SECONDS = 0.05, 1.5, 1.0


def run(given: Given, integration_id: str, action: str) -> JsonObject:
    """Run an action, recorded in the audit trail, and give its result, or its error as a result; a task for a client
    that takes one.
    """
    asked: JsonObject = {"action": action, "arguments": given.arguments}
    try:
        with trail.recorded(
            given.caller,
            "action.call",
            subject=integration_id,
            arguments=asked,
            client=given.client,
            request_id=given.request_id,
        ) as recording:
            reply, execution, outcome = _run(given, integration_id, action)
            if isinstance(reply.outcome, Approval):
                recording.result, recording.code = "failed", "pending_approval"
            else:
                # What still runs has its outcome in its execution.
                recording.result = outcome.state if outcome else "unknown"
    except JobsprintError as error:
        return results.failed(error)
    if isinstance(reply.outcome, Approval):
        return results.pending_approval(reply.outcome)
    if outcome:
        return of_outcome(outcome, reply.call_id, replayed=reply.replayed)
    if execution and given.takes_tasks:
        return results.task(integration_id, execution)
    return results.running(reply.call_id, replayed=reply.replayed)


def _run(given: Given, integration_id: str, action: str) -> tuple[Reply, Execution | None, Outcome | None]:
    """The reply to a call, its execution if it has one, and its outcome if it has ended."""
    target = runner.find(given.caller.tenant, integration_id, action)
    given = _with_own_arguments(given, target.capability)
    reply = service.execute(
        _requested(given, integration_id, action),
        given.caller,
        key=checked_key(given.key),
        in_background=target.capability.effect != "read",
        approval_id=given.approval_id,
        target=target,
    )
    match reply.outcome:
        case Accepted():
            return reply, *_waited(given, integration_id, reply.call_id)
        case Approval():
            return reply, None, None
        case outcome:
            return reply, None, outcome


def find_execution(caller: Caller, integration_id: str, execution_id: str) -> tuple[Execution, Outcome | None]:
    """An execution of an action that the caller may know of, and its outcome once it has ended. Raises NotFound."""
    integration = IntegrationStore(caller.tenant).get(integration_id)
    execution, outcome = executions.find(caller.tenant, integration_id, execution_id)
    if not caller.allows("act") or not caller.limits.cover(integration.id, integration.slug, execution.action):
        raise NotFound(f"This integration has no execution {execution_id[:100]!r}", code="execution_not_found")
    return execution, outcome


def of_execution(execution: Execution, outcome: Outcome | None, *, replayed: bool) -> JsonObject:
    """The result of an execution, or that it still runs."""
    if outcome is None:
        return results.running(execution.id, replayed=replayed)
    return of_outcome(outcome, execution.id, replayed=replayed)


def of_outcome(outcome: Outcome, call_id: str, *, replayed: bool) -> JsonObject:
    """The result of an action that has ended."""
    if outcome.error:
        return results.failed(outcome.error, execution_id=call_id, replayed=replayed)
    return results.succeeded(outcome.result, execution_id=call_id, replayed=replayed)


def _waited(given: Given, integration_id: str, execution_id: str) -> tuple[Execution, Outcome | None]:
    """An execution, and its outcome if that comes while the call may wait."""
    until, pause = time.monotonic() + given.wait_seconds, _FIRST_PAUSE_SECONDS
    while True:
        execution, outcome = executions.find(given.caller.tenant, integration_id, execution_id)
        if outcome is not None or time.monotonic() + pause > until:
            return execution, outcome
        time.sleep(pause)
        pause = min(pause * _PAUSE_GROWTH, _LONGEST_PAUSE_SECONDS)


def _requested(given: Given, integration_id: str, action: str) -> RequestedAction:
    return RequestedAction(
        given.caller.tenant,
        integration_id,
        action,
        given.arguments,
        traceparent=given.traceparent,
        request_id=given.request_id,
    )


def _with_own_arguments(given: Given, capability: Capability) -> Given:
    """The same with idempotency key and approval out of the arguments, unless the action itself has such arguments."""
    own = {name for name in (KEY, APPROVAL) if name in given.arguments} - properties_of(capability.schema).keys()
    if not own:
        return given
    return replace(
        given,
        arguments={name: value for name, value in given.arguments.items() if name not in own},
        key=str(given.arguments[KEY]) if KEY in own else given.key,
        approval_id=str(given.arguments[APPROVAL]) if APPROVAL in own else given.approval_id,
    )
