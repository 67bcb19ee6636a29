"""Calling an action for an agent: with a safe repeat, and without an end that nobody learns of.

An action that only reads is run at once. Any other runs in the background, as an execution that is waited for: whatever
becomes of this request, its outcome is kept and can be asked for by its id (docs/adr/0058-mcp-endpoint.md).
"""

import time
from dataclasses import replace

from jobsprint.actions import executions, service
from jobsprint.actions.service import Accepted, Reply
from jobsprint.api.request_headers import checked_key
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
    """Run an action and give its result, or its error as a result; a task for a client that takes one."""
    try:
        integration = IntegrationStore(given.caller.tenant).get(integration_id)
        capability = named_capability(integration.capabilities, action)
        given = _with_key_of_arguments(given, capability)
        reads = capability is not None and capability.effect == "read"
        requested = _requested(given, integration, action)
        key = checked_key(given.key)
        reply = service.execute(requested, given.caller.limits, key=key, in_background=not reads)
        if isinstance(reply.outcome, Accepted):
            return _waited(given, integration, reply)
    except JobsprintError as error:
        return results.failed(error)
    return of_outcome(reply.outcome, reply.call_id, replayed=reply.replayed)


def find_execution(caller: Caller, integration_id: str, execution_id: str) -> tuple[Execution, Outcome | None]:
    """An execution of an action that the caller may know of, and its outcome once it has ended. Raises NotFound."""
    integration = IntegrationStore(caller.tenant).get(integration_id)
    execution, outcome = executions.find(caller.tenant, integration_id, execution_id)
    if not caller.limits.cover(integration, execution.action):
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


def _waited(given: Given, integration: Integration, reply: Reply) -> JsonObject:
    until, pause = time.monotonic() + given.wait_seconds, _FIRST_PAUSE_SECONDS
    while True:
        execution, outcome = executions.find(given.caller.tenant, integration.id, reply.call_id)
        if outcome is None and given.takes_tasks and time.monotonic() + pause > until:
            return results.task(integration.id, execution)
        if outcome is not None or time.monotonic() + pause > until:
            return of_execution(execution, outcome, replayed=reply.replayed)
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
