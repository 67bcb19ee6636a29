"""Actions in the background: accepted now, run by a worker through SQS, read later.

A message holds ids only. Whatever SQS does, a call goes out once: the worker takes the execution by a conditional write
right before it sends, and one that was taken and never ended is `unknown`. One that the other side turned away unread,
or that an open circuit held back, waits in the queue for its Retry-After.
"""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import replace

from jobsprint.actions import runner
from jobsprint.actions.runner import Asked
from jobsprint.core import aws, canonical_json
from jobsprint.core.clock import now_ms
from jobsprint.core.config import settings
from jobsprint.core.errors import JobsprintError, NotFound
from jobsprint.core.observability import count, logger
from jobsprint.domain.actions import Execution, Outcome, again_at, never_heard_of
from jobsprint.domain.deliveries import MAX_DELAY_MS
from jobsprint.repositories.executions import ExecutionStore
from jobsprint.security.encryption import EncryptionContext, decrypt, encrypt

_LEASE_BEYOND_MS = 100_000
"""How much longer than its call a worker may hold an execution; the worker's function ends before that."""


class StillRunning(Exception):
    """Another worker is at this execution: its message must come back, in case that one dies."""


def submit(asked: Asked, execution_id: str) -> None:
    """Keeps a checked action and puts it into the queue. A repeat with the same id changes nothing."""
    context = EncryptionContext(asked.tenant, execution_id, "parameters", 1)
    execution = Execution(
        id=execution_id,
        integration_id=asked.integration_id,
        action=asked.action,
        state="queued",
        created_at=now_ms(),
        traceparent=asked.traceparent,
        encrypted_parameters=encrypt(context, canonical_json.dumps(asked.parameters)),
    )
    ExecutionStore(asked.tenant).create(execution)
    _enqueue(asked.tenant, execution_id, wait_ms=0)


def work(message: Mapping[str, str]) -> None:
    """Works one message of the queue. Raises StillRunning; any other exception is our own fault. Both bring it back."""
    tenant, execution_id = message["tenant"], message["executionId"]
    try:
        execution = ExecutionStore(tenant).get(execution_id, now_ms())
    except NotFound:
        return
    early = execution.not_before - now_ms()
    if execution.state == "queued" and early > 0:
        _enqueue(tenant, execution_id, wait_ms=early)
    elif execution.state == "queued":
        _run(tenant, execution)
    elif execution.state == "running":
        if execution.lease_until >= now_ms():
            raise StillRunning(execution_id)
        _settle(tenant, execution)


def find(tenant: str, integration_id: str, execution_id: str) -> tuple[Execution, Outcome | None]:
    """An execution of that integration, and its outcome once it has ended. Raises NotFound.

    One whose worker died is `unknown` as soon as that is certain, also before the queue brings its message back.
    """
    execution = ExecutionStore(tenant).get(execution_id, now_ms())
    if execution.integration_id != integration_id:
        raise NotFound(f"{integration_id[:100]} has no execution {execution_id}", code="execution_not_found")
    if execution.state == "running" and execution.lease_until < now_ms():
        ended = replace(execution, state="unknown", finished_at=execution.lease_until)
        return ended, Outcome(error=never_heard_of())
    if execution.encrypted_outcome is None:
        return execution, None
    context = EncryptionContext(tenant, execution_id, "outcome", 1)
    return execution, Outcome.from_text(decrypt(context, execution.encrypted_outcome))


def _enqueue(tenant: str, execution_id: str, *, wait_ms: int) -> None:
    """Puts an execution into the queue, to come after a wait or at the end of the first hop towards it."""
    aws.sqs().send_message(
        QueueUrl=settings().execution_queue_url,
        MessageBody=json.dumps({"tenant": tenant, "executionId": execution_id}),
        MessageGroupId=tenant,  # makes the queue fair: a tenant with a backlog waits behind the others
        DelaySeconds=math.ceil(min(wait_ms, MAX_DELAY_MS) / 1000),
    )


def _run(tenant: str, execution: Execution) -> None:
    store, holder = ExecutionStore(tenant), os.urandom(8).hex()
    seconds = settings().execution_seconds

    def sending(at: int) -> None:
        lease = at + seconds * 1000 + _LEASE_BEYOND_MS
        started = store.start(execution.id, holder=holder, now=at, lease_until=lease)
        # A write that succeeded and whose answer was lost looks like a lost race.
        if not started and store.get(execution.id, at).holder != holder:
            raise StillRunning(execution.id)

    try:
        outcome = runner.run(_asked(tenant, execution), call_id=execution.id, seconds=seconds, sending=sending)
    except JobsprintError as error:
        _conclude(tenant, execution, Outcome(error=error), holder=None)
    else:
        _conclude(tenant, execution, outcome, holder=holder)


def _conclude(tenant: str, execution: Execution, outcome: Outcome, *, holder: str | None) -> None:
    """Ends an execution, or postpones one that was turned away unread. Raises StillRunning where another is at it."""
    now = now_ms()
    at = again_at(
        outcome.error,
        created_at=execution.created_at,
        tries=execution.postponed,
        now=now,
        fraction=int.from_bytes(os.urandom(2)) / 0xFFFF,
    )
    if at is None:
        _finish(tenant, execution, outcome, holder=holder)
        return
    if not ExecutionStore(tenant).postpone(execution, holder=holder, not_before=at):
        raise StillRunning(execution.id)
    # A crash before this brings back the message at hand, which then finds out how long to wait.
    _enqueue(tenant, execution.id, wait_ms=at - now)


def _settle(tenant: str, execution: Execution) -> None:
    """Ends an execution whose worker died after it may have sent the call."""
    runner.record_lost(_asked(tenant, execution), execution.id, execution.started_at)
    _finish(tenant, execution, Outcome(error=never_heard_of()), holder=execution.holder)


def _finish(tenant: str, execution: Execution, outcome: Outcome, *, holder: str | None) -> None:
    encrypted = encrypt(EncryptionContext(tenant, execution.id, "outcome", 1), outcome.to_text())
    if not ExecutionStore(tenant).finish(execution.id, outcome.state, encrypted, holder=holder, now=now_ms()):
        logger.warning("execution_ended_elsewhere", extra={"executionId": execution.id})
        return
    count({f"Executions{outcome.state.capitalize()}": 1, "ExecutionMs": [outcome.execution_ms]})


def _asked(tenant: str, execution: Execution) -> Asked:
    context = EncryptionContext(tenant, execution.id, "parameters", 1)
    parameters = json.loads(decrypt(context, execution.encrypted_parameters or ""))
    return Asked(tenant, execution.integration_id, execution.action, parameters, execution.traceparent)
