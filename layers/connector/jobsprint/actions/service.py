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
"""

import hashlib
import json
from dataclasses import dataclass

from jobsprint.actions import executions, runner
from jobsprint.connectors.base import ACTION_SECONDS
from jobsprint.core import canonical_json
from jobsprint.core.clock import now_ms
from jobsprint.core.errors import Conflict
from jobsprint.core.ids import new_id
from jobsprint.core.observability import logger
from jobsprint.domain.actions import Outcome, RequestedAction, not_executed
from jobsprint.domain.callers import Limits
from jobsprint.repositories import idempotency
from jobsprint.repositories.idempotency import Lease, StoredRequest
from jobsprint.security.encryption import EncryptionContext, decrypt, encrypt


@dataclass(frozen=True)
class Accepted:
    """The action runs in the background."""

    execution_id: str


@dataclass(frozen=True)
class Reply:
    """What a request is answered with; `replayed` says that an earlier request with its key was answered the same."""

    outcome: Outcome | Accepted
    replayed: bool = False


def execute(requested: RequestedAction, limits: Limits, *, key: str | None, in_background: bool) -> Reply:
    """Run or accept an action, or replay the outcome of its key.

    Raises Forbidden for an action that the limits of the caller's token do not allow, also where its outcome is kept;
    what `runner.prepare` raises for what is not sent, Conflict `idempotency_key_reused` for a key that had other
    parameters, and Conflict `idempotency_in_progress` while its first request runs.
    """
    if limits:
        limits.require(*runner.named(requested))
    call_id = new_id("exe", now_ms())
    if key is None:
        return Reply(_accept(requested, call_id) if in_background else _call(requested, call_id))
    name = _key_name(requested, key)
    fingerprint = hashlib.sha256(canonical_json.dumps(requested.parameters).encode()).hexdigest()
    found = idempotency.start(requested.tenant, name, fingerprint=fingerprint, call_id=call_id, now=now_ms())
    if isinstance(found, Lease):
        return Reply(_accept_once(requested, found) if in_background else _call_once(requested, found))
    if found.fingerprint != fingerprint:
        raise Conflict("This Idempotency-Key was used with other parameters", code="idempotency_key_reused")
    return Reply(_replay(requested, name, found), replayed=True)


# --- without a key ----------------------------------------------------------------------------------------------------


def _call(requested: RequestedAction, call_id: str) -> Outcome:
    return runner.send(runner.prepare(requested, call_id=call_id, seconds=ACTION_SECONDS))


def _accept(requested: RequestedAction, call_id: str) -> Accepted:
    runner.check(requested)
    executions.submit(requested, call_id)
    return Accepted(call_id)


# --- with a key that this request holds -------------------------------------------------------------------------------


def _call_once(requested: RequestedAction, lease: Lease) -> Outcome:
    try:
        call = runner.prepare(requested, call_id=lease.call_id, seconds=ACTION_SECONDS)
        if not idempotency.mark_sending(lease, call.sending_at):
            raise _in_progress()
    except BaseException:
        idempotency.release(lease)
        raise
    outcome = runner.send(call)
    if outcome.error and not_executed(outcome.error):
        idempotency.release(lease)
    else:
        _store(lease, outcome.to_text())
    return outcome


def _accept_once(requested: RequestedAction, lease: Lease) -> Accepted:
    try:
        runner.check(requested)
    except BaseException:
        idempotency.release(lease)
        raise
    try:
        executions.submit(requested, lease.call_id)
    except BaseException:
        # It may be in the queue: the next request with this key must get this execution, not a second one.
        idempotency.hand_over(lease)
        raise
    _store(lease, json.dumps({"executionId": lease.call_id}))
    return Accepted(lease.call_id)


def _store(lease: Lease, text: str) -> None:
    try:
        stored = idempotency.keep(lease, encrypt(_context(lease.tenant, lease.name), text), now=now_ms())
    except Exception:  # noqa: BLE001 - the call is done: an answer that hides it would make the caller repeat it
        logger.exception("outcome_not_stored", extra={"executionId": lease.call_id})
    else:
        if not stored:
            logger.error("outcome_not_stored", extra={"executionId": lease.call_id})


# --- with a key that an earlier request had ---------------------------------------------------------------------------


def _replay(requested: RequestedAction, name: str, stored: StoredRequest) -> Outcome | Accepted:
    context = _context(requested.tenant, name)
    if stored.answer is not None:
        text = decrypt(context, stored.answer)
        fields = json.loads(text)
        return Accepted(fields["executionId"]) if "executionId" in fields else Outcome.from_text(text)
    if not stored.abandoned or stored.sending_at is None:
        raise _in_progress()
    outcome = runner.record_unknown(requested, stored.call_id, stored.sending_at)
    idempotency.keep_for_abandoned(requested.tenant, name, encrypt(context, outcome.to_text()), now=now_ms())
    return outcome


def _key_name(requested: RequestedAction, key: str) -> str:
    text = f"action\0{requested.integration_id}\0{requested.action}\0{key}"
    return hashlib.sha256(text.encode()).hexdigest()


def _context(tenant: str, name: str) -> EncryptionContext:
    return EncryptionContext(tenant, name, "answer", 1)


def _in_progress() -> Conflict:
    return Conflict(
        "The first request with this Idempotency-Key still runs; ask again in a moment",
        code="idempotency_in_progress",
        headers={"Retry-After": "2"},
    )
