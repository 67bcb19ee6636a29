"""Answer a request for an action: now or in the background, and with an Idempotency-Key exactly once.

The states of a key, each a row of `repositories.idempotency`:

    state     next       when
    free      leased     a request with the key starts
    leased    free       it ended before the call went out
              sending    the call goes out now
              leased     its lease has lapsed: the next request with the same parameters takes it over
              stored     it was accepted in the background
    sending   stored     the call ended, whatever its outcome: succeeded, failed or unknown
              free       the upstream certainly did not do it (not reached, or turned away with a 429)
              stored     its lease has lapsed: the next request stores `unknown`, and nothing is sent again
    stored    free       24 hours have passed; until then every request with the key is answered the same

A call has one id from `leased` on, also for the request that takes over: so it is sent, submitted and logged once.

A call that a person has to approve is not made: with a key, what is stored is the approval that was asked for. The same
request with the approval, or again with the key, then makes the call. An approval has a row of its own, with the same
states: so the call is made once however often it is asked for.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from jobsprint.actions import approvals, executions, runner
from jobsprint.actions.runner import Target
from jobsprint.connectors.base import ACTION_SECONDS
from jobsprint.core.clock import now_ms
from jobsprint.core.errors import Conflict
from jobsprint.core.ids import new_id
from jobsprint.core.observability import logger
from jobsprint.domain.actions import Outcome, RequestedAction, not_executed
from jobsprint.domain.approvals import Approval, fingerprint
from jobsprint.domain.callers import Caller
from jobsprint.repositories import idempotency
from jobsprint.repositories.approvals import ApprovalStore
from jobsprint.repositories.idempotency import Lease, StoredRequest
from jobsprint.security.encryption import EncryptionContext, decrypt, encrypt


@dataclass(frozen=True)
class Accepted:
    """The action runs in the background."""

    execution_id: str


@dataclass(frozen=True)
class Reply:
    """What a request is answered with; `replayed` says that an earlier request with its key was answered the same.

    An Approval is one that a person has to give first. `call_id` is that of the call, the same for every request that
    is answered with it.
    """

    outcome: Outcome | Accepted | Approval
    call_id: str
    replayed: bool = False


@dataclass(frozen=True)
class Asked:
    """A request for an action by the token `token_id`; with a `target` that the caller has read already."""

    action: RequestedAction
    token_id: str
    in_background: bool
    target: Target | None = None

    def found(self) -> Target:
        """The action as its integration offers it. Raises NotFound and Conflict."""
        return self.target or _find(self.action)


def execute(
    requested: RequestedAction,
    caller: Caller,
    *,
    key: str | None,
    in_background: bool,
    approval_id: str | None = None,
    target: Target | None = None,
) -> Reply:
    """Run or accept an action, ask for its approval, or replay the outcome of its key or approval.

    Raises Forbidden for an action that the limits of the caller's token do not allow, also where its outcome is kept;
    what `runner.find` and `runner.prepare` raise for what is not sent; Conflict `idempotency_key_reused` for a key that
    had other parameters, and Conflict `idempotency_in_progress` while its first request runs. With an approval also
    NotFound, Conflict `approval_mismatch` for another call than it was asked for, Forbidden `approval_denied`, and Gone
    `approval_expired`.
    """
    if caller.limits:
        target = target or _find(requested)
        caller.limits.require(target.integration, target.capability)
    asked = Asked(requested, caller.token_id, in_background, target)
    if approval_id is not None:
        return _with_approval(asked, approval_id)
    if key is not None:
        return _with_key(asked, key)
    call_id = new_id("exe", now_ms())
    return Reply(_without_key(asked, call_id), call_id)


def _find(requested: RequestedAction) -> Target:
    return runner.find(requested.tenant, requested.integration_id, requested.action)


# --- without a key ----------------------------------------------------------------------------------------------------


def _without_key(asked: Asked, call_id: str) -> Outcome | Accepted | Approval:
    target = asked.found()
    runner.check(asked.action, target)
    if target.needs_approval:
        return approvals.request(asked.action, target, call_id=call_id, token_id=asked.token_id)
    if asked.in_background:
        executions.submit(asked.action, call_id)
        return Accepted(call_id)
    return runner.send(runner.prepare(asked.action, target, call_id=call_id, seconds=ACTION_SECONDS))


# --- with a key, or with an approval ----------------------------------------------------------------------------------


def _with_key(asked: Asked, key: str) -> Reply:
    requested = asked.action
    name = _row_name("action", requested.integration_id, requested.action, key)
    wanted, call_id = fingerprint(requested.parameters), new_id("exe", now_ms())
    found = idempotency.start(requested.tenant, name, fingerprint=wanted, call_id=call_id, now=now_ms())
    if isinstance(found, Lease):
        return Reply(_begin(asked, found), found.call_id)
    if found.fingerprint != wanted:
        raise Conflict("This Idempotency-Key was used with other parameters", code="idempotency_key_reused")
    replayed = _replay(requested, name, found)
    if isinstance(replayed, Approval):
        return _with_approval(asked, replayed.id)
    return Reply(replayed, found.call_id, replayed=True)


def _with_approval(asked: Asked, approval_id: str) -> Reply:
    requested, now = asked.action, now_ms()
    approval = ApprovalStore(requested.tenant).get(approval_id, now)
    approval.require_same(requested)
    if approval.state_at(now) == "pending":
        return Reply(approval, approval.call_id)
    if approval.decision != "approved":
        raise approval.refusal()
    asked = replace(asked, action=replace(requested, approval=approval.given()))
    name, call_id = _row_name("approval", approval.id), approval.call_id
    found = idempotency.start(requested.tenant, name, fingerprint=approval.fingerprint, call_id=call_id, now=now)
    if isinstance(found, StoredRequest):
        return Reply(_replay(asked.action, name, found), found.call_id, replayed=True)
    return Reply(_begin(asked, found, approval), found.call_id)


def _begin(asked: Asked, lease: Lease, approval: Approval | None = None) -> Outcome | Accepted | Approval:
    """Do what the first request with a key or an approval asks for."""
    with _on_failure(idempotency.release, lease):
        target = asked.found()
        runner.check(asked.action, target)
        if approval:
            approvals.use(asked.action.tenant, approval)
    if target.needs_approval and approval is None:
        return _ask_once(asked, target, lease)
    if asked.in_background:
        return _accept_once(asked.action, lease)
    return _call_once(asked.action, target, lease)


def _ask_once(asked: Asked, target: Target, lease: Lease) -> Approval:
    # It may be stored when this fails: the next request with this key must get this approval, not a second one.
    with _on_failure(idempotency.hand_over, lease):
        approval = approvals.request(asked.action, target, call_id=lease.call_id, token_id=asked.token_id)
    _store(lease, json.dumps({"approvalId": approval.id}))
    return approval


def _accept_once(requested: RequestedAction, lease: Lease) -> Accepted:
    # It may be in the queue when this fails: the next request with this key must get this execution, not a second one.
    with _on_failure(idempotency.hand_over, lease):
        executions.submit(requested, lease.call_id)
    _store(lease, json.dumps({"executionId": lease.call_id}))
    return Accepted(lease.call_id)


def _call_once(requested: RequestedAction, target: Target, lease: Lease) -> Outcome:
    with _on_failure(idempotency.release, lease):
        call = runner.prepare(requested, target, call_id=lease.call_id, seconds=ACTION_SECONDS)
        if not idempotency.mark_sending(lease, call.sending_at):
            raise _in_progress()
    outcome = runner.send(call)
    if outcome.error and not_executed(outcome.error):
        idempotency.release(lease)
    else:
        _store(lease, outcome.to_text())
    return outcome


@contextmanager
def _on_failure(let_go: Callable[[Lease], None], lease: Lease) -> Iterator[None]:
    try:
        yield
    except BaseException:
        let_go(lease)
        raise


def _store(lease: Lease, text: str) -> None:
    try:
        stored = idempotency.keep(lease, encrypt(_context(lease.tenant, lease.name), text), now=now_ms())
    except Exception:  # noqa: BLE001 - the call is done: an answer that hides it would make the caller repeat it
        logger.exception("outcome_not_stored", extra={"executionId": lease.call_id})
    else:
        if not stored:
            logger.error("outcome_not_stored", extra={"executionId": lease.call_id})


# --- with a key that an earlier request had ---------------------------------------------------------------------------


def _replay(requested: RequestedAction, name: str, stored: StoredRequest) -> Outcome | Accepted | Approval:
    context = _context(requested.tenant, name)
    if stored.answer is not None:
        text = decrypt(context, stored.answer)
        fields = json.loads(text)
        if "approvalId" in fields:
            return ApprovalStore(requested.tenant).get(fields["approvalId"], now_ms())
        return Accepted(fields["executionId"]) if "executionId" in fields else Outcome.from_text(text)
    if not stored.abandoned or stored.sending_at is None:
        raise _in_progress()
    outcome = runner.record_unknown(requested, stored.call_id, stored.sending_at)
    idempotency.keep_for_abandoned(requested.tenant, name, encrypt(context, outcome.to_text()), now=now_ms())
    return outcome


def _row_name(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _context(tenant: str, name: str) -> EncryptionContext:
    return EncryptionContext(tenant, name, "answer", 1)


def _in_progress() -> Conflict:
    return Conflict(
        "The first request with this Idempotency-Key still runs; ask again in a moment",
        code="idempotency_in_progress",
        headers={"Retry-After": "2"},
    )
