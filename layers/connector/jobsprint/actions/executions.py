"""Actions in the background: accepted now, run by a worker through SQS, read later.

    state       next         when
    queued      running      a worker sends the call now (a conditional write right before)
                queued       a background retry is not due yet: its message is enqueued again
                cancelled    its caller asked for that before it began
                failed       it may not be sent (disconnected, its token cannot be renewed, …)
    running     succeeded, failed, unknown      the call ended
                queued       the upstream turned it away unread (429), or the circuit is open: a background retry
                unknown      its lease has lapsed without an outcome

A message holds ids only. Whatever SQS does, a call goes out once: `running` is entered by one worker, and one that is
never left is `unknown`.
"""

import json
import math
import os
from collections.abc import Mapping

from jobsprint.actions import runner
from jobsprint.core import aws, canonical_json
from jobsprint.core.clock import now_ms
from jobsprint.core.config import settings
from jobsprint.core.errors import Conflict, JobsprintError, NotFound
from jobsprint.core.observability import count, logger
from jobsprint.domain.actions import Execution, ExecutionFilter, Outcome, RequestedAction, outcome_unknown, retry_at
from jobsprint.domain.deliveries import MAX_DELAY_MS
from jobsprint.repositories.executions import ExecutionStore
from jobsprint.repositories.integrations import IntegrationStore
from jobsprint.security.encryption import EncryptionContext, decrypt, encrypt

LEASE_BEYOND_MS = 100_000
"""How much longer than its call a worker may hold an execution; the worker's function ends before that."""


class StillRunning(Exception):
    """Another worker runs this execution: its message must come back, in case that worker dies."""


def submit(requested: RequestedAction, execution_id: str) -> None:
    """Store a checked action and put it into the queue. A repeat with the same id changes nothing."""
    context = EncryptionContext(requested.tenant, execution_id, "parameters", 1)
    execution = Execution(
        id=execution_id,
        integration_id=requested.integration_id,
        action=requested.action,
        state="queued",
        created_at=now_ms(),
        traceparent=requested.traceparent,
        request_id=requested.request_id,
        approval=requested.approval,
        encrypted_parameters=encrypt(context, canonical_json.dumps(requested.parameters)),
    )
    ExecutionStore(requested.tenant, requested.integration_id).create(execution)
    _enqueue(requested.tenant, execution, wait_ms=0)


def find(tenant: str, integration_id: str, execution_id: str) -> tuple[Execution, Outcome | None]:
    """An execution of that integration, and its outcome once it has ended. Raises NotFound.

    One whose worker died is `unknown` as soon as that is certain, also before the queue brings its message back.
    """
    now = now_ms()
    execution = ExecutionStore(tenant, integration_id).get(execution_id, now).as_of(now)
    if execution.state == "unknown" and execution.encrypted_outcome is None:
        error = outcome_unknown()
        error.log_id = runner.log_id(execution.id, execution.started_at)
        return execution, Outcome(error=error)
    if execution.encrypted_outcome is None:
        return execution, None
    context = EncryptionContext(tenant, execution_id, "outcome", 1)
    return execution, Outcome.from_text(decrypt(context, execution.encrypted_outcome))


def cancel(tenant: str, integration_id: str, execution_id: str) -> bool:
    """End an execution that has not begun, which then never does; False for one that has."""
    error = Conflict("It was cancelled before it began; nothing was sent", code="execution_cancelled")
    encrypted = encrypt(EncryptionContext(tenant, execution_id, "outcome", 1), Outcome(error=error).to_text())
    store = ExecutionStore(tenant, integration_id)
    return store.finish(execution_id, "cancelled", encrypted, lease_token=None, now=now_ms())


def page(
    tenant: str, integration_id: str, wanted: ExecutionFilter, *, limit: int, position: str | None
) -> tuple[list[Execution], str | None]:
    """A page of an integration's executions, newest first, and the position to go on from. Raises NotFound."""
    IntegrationStore(tenant).get(integration_id)
    return ExecutionStore(tenant, integration_id).page(wanted, limit=limit, position=position, now=now_ms())


def work(message: Mapping[str, str]) -> None:
    """Process one message of the queue. Raises StillRunning, or any other exception for a fault of our own.

    Both bring the message back.
    """
    tenant, execution_id = message["tenant"], message["executionId"]
    try:
        execution = ExecutionStore(tenant, message["integrationId"]).get(execution_id, now_ms())
    except NotFound:
        return
    wait_ms = execution.not_before - now_ms()
    if execution.state == "queued" and wait_ms > 0:
        _enqueue(tenant, execution, wait_ms=wait_ms)
    elif execution.state == "queued":
        _run(tenant, execution)
    elif execution.state == "running":
        if execution.lease_until >= now_ms():
            raise StillRunning(execution_id)
        outcome = runner.record_unknown(_requested(tenant, execution), execution.id, execution.started_at)
        _finish(tenant, execution, outcome, lease_token=execution.lease_token)


def _run(tenant: str, execution: Execution) -> None:
    seconds = settings().execution_seconds
    try:
        requested = _requested(tenant, execution)
        target = runner.find(tenant, execution.integration_id, execution.action)
        runner.check(requested, target)
        call = runner.prepare(requested, target, call_id=execution.id, seconds=seconds)
    except JobsprintError as error:
        _retry_or_finish(tenant, execution, Outcome(error=error), lease_token=None)
        return
    lease_token = os.urandom(8).hex()
    _start(tenant, execution, lease_token, call.sending_at, seconds)
    outcome = runner.send(call)
    _retry_or_finish(tenant, execution, outcome, lease_token=lease_token)


def _start(tenant: str, execution: Execution, lease_token: str, at: int, seconds: int) -> None:
    """Enter `running`. Raises StillRunning where another worker was faster."""
    store = ExecutionStore(tenant, execution.integration_id)
    lease_until = at + seconds * 1000 + LEASE_BEYOND_MS
    if store.start(execution.id, lease_token=lease_token, now=at, lease_until=lease_until):
        return
    # A write that succeeded and whose answer was lost looks like a lost race.
    if store.get(execution.id, at).lease_token != lease_token:
        raise StillRunning(execution.id)


def _retry_or_finish(tenant: str, execution: Execution, outcome: Outcome, *, lease_token: str | None) -> None:
    """Queue an execution for a background retry where its outcome allows one, else end it. Raises StillRunning."""
    now = now_ms()
    at = retry_at(
        outcome.error,
        created_at=execution.created_at,
        retries=execution.retries,
        now=now,
        fraction=int.from_bytes(os.urandom(2)) / 0xFFFF,
    )
    if at is None:
        _finish(tenant, execution, outcome, lease_token=lease_token)
        return
    if not ExecutionStore(tenant, execution.integration_id).retry(execution, lease_token=lease_token, not_before=at):
        raise StillRunning(execution.id)
    # A crash before this brings back the message at hand, which then finds out how long to wait.
    _enqueue(tenant, execution, wait_ms=at - now)


def _finish(tenant: str, execution: Execution, outcome: Outcome, *, lease_token: str | None) -> None:
    encrypted = encrypt(EncryptionContext(tenant, execution.id, "outcome", 1), outcome.to_text())
    store = ExecutionStore(tenant, execution.integration_id)
    if not store.finish(execution.id, outcome.state, encrypted, lease_token=lease_token, now=now_ms()):
        logger.warning("execution_ended_elsewhere", extra={"executionId": execution.id})
        return
    count({f"Executions{outcome.state.capitalize()}": 1, "ExecutionMs": [outcome.execution_ms]})


def _enqueue(tenant: str, execution: Execution, *, wait_ms: int) -> None:
    """Put an execution into the queue, to come after a wait, or after as much of it as the queue can hold."""
    aws.sqs().send_message(
        QueueUrl=settings().execution_queue_url,
        MessageBody=json.dumps(
            {"tenant": tenant, "integrationId": execution.integration_id, "executionId": execution.id}
        ),
        MessageGroupId=tenant,  # makes the queue fair: a tenant with a backlog waits behind the others
        DelaySeconds=math.ceil(min(wait_ms, MAX_DELAY_MS) / 1000),
    )


def _requested(tenant: str, execution: Execution) -> RequestedAction:
    context = EncryptionContext(tenant, execution.id, "parameters", 1)
    parameters = json.loads(decrypt(context, execution.encrypted_parameters or ""))
    return RequestedAction(
        tenant,
        execution.integration_id,
        execution.action,
        parameters,
        traceparent=execution.traceparent,
        request_id=execution.request_id,
        approval=execution.approval,
    )
