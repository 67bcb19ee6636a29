"""Calling an action for an agent: a repeat is safe, and no outcome is lost.

An action that only reads is run at once. Any other runs in the background, as an execution that is waited for: where
the answer does not arrive, the outcome is kept and can be asked for by its id (docs/adr/0058-mcp-endpoint.md).
"""

import time
from dataclasses import replace

from jobsprint.actions import executions, service
from jobsprint.actions.service import Accepted, Reply
from jobsprint.api.request_headers import checked_key
from jobsprint.audit import trail
from jobsprint.core.canonical_json import JsonObject
from jobsprint.core.errors import JobsprintError, NotFound
from jobsprint.domain.actions import Execution, Outcome, RequestedAction
from jobsprint.domain.callers import Caller
from jobsprint.domain.integrations import Capability, Integration, named_capability
from jobsprint.mcp_server import results
from jobsprint.mcp_server.tool import KEY, Given, properties_of
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
            # What still runs has its outcome in its execution.
            recording.result = outcome.state if outcome else "unknown"
    except JobsprintError as error:
        return results.failed(error)
    if outcome:
        return of_outcome(outcome, reply.call_id, replayed=reply.replayed)
    if execution and given.takes_tasks:
        return results.task(integration_id, execution)
    return results.running(reply.call_id, replayed=reply.replayed)


def _run(given: Given, integration_id: str, action: str) -> tuple[Reply, Execution | None, Outcome | None]:
    """The reply to a call, its execution if it has one, and its outcome if it has ended."""
    integration = IntegrationStore(given.caller.tenant).get(integration_id)
    capability = named_capability(integration.capabilities, action)
    given = _with_key_of_arguments(given, capability)
    reads = capability is not None and capability.effect == "read"
    requested, key = _requested(given, integration, action), checked_key(given.key)
    reply = service.execute(requested, given.caller.limits, key=key, in_background=not reads)
    if isinstance(reply.outcome, Accepted):
        return reply, *_waited(given, integration, reply.call_id)
    return reply, None, reply.outcome


def find_execution(caller: Caller, integration_id: str, execution_id: str) -> tuple[Execution, Outcome | None]:
    """An execution of an action that the caller may know of, and its outcome once it has ended. Raises NotFound."""
    integration = IntegrationStore(caller.tenant).get(integration_id)
    execution, outcome = executions.find(caller.tenant, integration_id, execution_id)
    if not caller.allows("act") or not caller.limits.cover(integration, execution.action):
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


def _waited(given: Given, integration: Integration, execution_id: str) -> tuple[Execution, Outcome | None]:
    """An execution, and its outcome if that comes while the call may wait."""
    until, pause = time.monotonic() + given.wait_seconds, _FIRST_PAUSE_SECONDS
    while True:
        execution, outcome = executions.find(given.caller.tenant, integration.id, execution_id)
        if outcome is not None or time.monotonic() + pause > until:
            return execution, outcome
        time.sleep(pause)
        pause = min(pause * _PAUSE_GROWTH, _LONGEST_PAUSE_SECONDS)


def _requested(given: Given, integration: Integration, action: str) -> RequestedAction:
    return RequestedAction(
        given.caller.tenant,
        integration.id,
        action,
        given.arguments,
        traceparent=given.traceparent,
        request_id=given.request_id,
    )


def _with_key_of_arguments(given: Given, capability: Capability | None) -> Given:
    """The same with its idempotency key out of the arguments, unless the action has an argument of that name itself."""
    if KEY not in given.arguments or (capability and KEY in properties_of(capability.schema)):
        return given
    arguments = {name: value for name, value in given.arguments.items() if name != KEY}
    return replace(given, arguments=arguments, key=str(given.arguments[KEY]))
