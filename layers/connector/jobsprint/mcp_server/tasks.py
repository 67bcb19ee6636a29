"""The tasks extension (SEP-2663): an action that takes longer is a task, whose id names its execution."""

from jobsprint.actions import executions
from jobsprint.core.canonical_json import JsonObject
from jobsprint.core.errors import NotFound
from jobsprint.domain.actions import Execution, Outcome
from jobsprint.domain.callers import Caller
from jobsprint.mcp_server import action_calls, protocol, results
from jobsprint.mcp_server.protocol import Refused, Request

EXTENSION = "io.modelcontextprotocol/tasks"
WAIT_SECONDS = 3.0
"""How long a call waits for its outcome before it is a task."""


def get(caller: Caller, request: Request) -> JsonObject:
    """A task, with the result of its call once that has ended. Raises Refused."""
    integration_id, execution, outcome = _found(caller, request)
    task = results.task_fields(integration_id, execution)
    if outcome is None or execution.state == "cancelled":
        return task
    result = action_calls.of_outcome(outcome, execution.id, replayed=False)
    return {**task, "result": {"resultType": "complete", **result}}


def update(caller: Caller, request: Request) -> JsonObject:
    """Acknowledge input that no task of this server asks for. Raises Refused."""
    _found(caller, request)
    return {}


def cancel(caller: Caller, request: Request) -> JsonObject:
    """Cancel an action that has not begun; one that has goes on. Raises Refused."""
    integration_id, execution, _ = _found(caller, request)
    if caller.limits.read_only:
        raise Refused(protocol.INVALID_REQUEST, "This token is read-only, and cancelling changes something", status=403)
    executions.cancel(caller.tenant, integration_id, execution.id)
    return {}


def _found(caller: Caller, request: Request) -> tuple[str, Execution, Outcome | None]:
    if not request.supports(EXTENSION):
        needed: JsonObject = {"requiredCapabilities": {"extensions": {EXTENSION: {}}}}
        raise Refused(protocol.MISSING_CAPABILITY, "Missing required client capability", data=needed)
    task_id = request.params.get("taskId")
    integration_id, _, execution_id = task_id.partition(".") if isinstance(task_id, str) else ("", "", "")
    try:
        return integration_id, *action_calls.find_execution(caller, integration_id, execution_id)
    except NotFound as error:
        raise Refused(protocol.INVALID_PARAMS, "params.taskId: there is no such task") from error
