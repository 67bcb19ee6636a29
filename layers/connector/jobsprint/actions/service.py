"""Answers a request for an action: now or in the background, and with an Idempotency-Key once and for all.

With a key the outcome itself is kept for 24 hours, whatever it is: `started → sending → outcome`. A key whose request
certainly was not carried out is free again. One whose holder died while it was sending answers `unknown`, and nothing
is sent for it any more. In the background the execution's id is what is kept, and it stands from the start, so that
whoever goes on for a holder that died submits the same execution.
"""

import hashlib
import json
from dataclasses import dataclass

from jobsprint.actions import executions, runner
from jobsprint.actions.runner import Asked
from jobsprint.connectors.base import ACTION_SECONDS
from jobsprint.core import canonical_json
from jobsprint.core.clock import now_ms
from jobsprint.core.errors import Conflict
from jobsprint.core.ids import new_id
from jobsprint.core.observability import logger
from jobsprint.domain.actions import Outcome, certainly_not_done, never_heard_of
from jobsprint.repositories import idempotency
from jobsprint.repositories.idempotency import Hold, Kept
from jobsprint.security.encryption import EncryptionContext, decrypt, encrypt


@dataclass(frozen=True)
class Accepted:
    """The action runs in the background."""

    execution_id: str


Answer = Outcome | Accepted


def answer(asked: Asked, *, key: str | None, in_background: bool) -> tuple[Answer, bool]:
    """The answer to a request, and whether it was given before.

    Raises what `actions.run` raises for what is not sent, Conflict `idempotency_key_reused` for a key that had other
    parameters, and Conflict `idempotency_in_progress` while its first request runs.
    """
    call_id = new_id("exe", now_ms())
    if key is None:
        if in_background:
            runner.check(asked)
            executions.submit(asked, call_id)
            return Accepted(call_id), False
        return runner.run(asked, call_id=call_id, seconds=ACTION_SECONDS, sending=_nothing), False
    name = _name(asked, key)
    fingerprint = hashlib.sha256(canonical_json.dumps(asked.parameters).encode()).hexdigest()
    taken = idempotency.start(asked.tenant, name, fingerprint=fingerprint, call_id=call_id, now=now_ms())
    if isinstance(taken, Kept):
        if taken.fingerprint != fingerprint:
            raise Conflict("This Idempotency-Key was used with other parameters", code="idempotency_key_reused")
        return _again(asked, name, taken), True
    return _submitted(asked, taken) if in_background else _sent(asked, taken), False


def _sent(asked: Asked, hold: Hold) -> Outcome:
    sent = False

    def sending(at: int) -> None:
        nonlocal sent
        if not idempotency.mark_sending(hold, at):
            raise _in_progress()
        sent = True

    try:
        outcome = runner.run(asked, call_id=hold.call_id, seconds=ACTION_SECONDS, sending=sending)
    finally:
        if not sent:
            idempotency.release(hold)
    if outcome.error and certainly_not_done(outcome.error):
        idempotency.release(hold)
    else:
        _keep(hold, outcome)
    return outcome


def _submitted(asked: Asked, hold: Hold) -> Accepted:
    try:
        runner.check(asked)
    except BaseException:
        idempotency.release(hold)
        raise
    try:
        executions.submit(asked, hold.call_id)
    except BaseException:
        # It may be in the queue: whoever asks again must get this execution, not a second one.
        idempotency.hand_over(hold)
        raise
    accepted = Accepted(hold.call_id)
    _keep(hold, accepted)
    return accepted


def _again(asked: Asked, name: str, kept: Kept) -> Answer:
    if kept.answer is not None:
        return _from_text(decrypt(_context(asked.tenant, name), kept.answer))
    if not kept.abandoned or kept.sending_at is None:
        raise _in_progress()
    lost = Outcome(error=never_heard_of())
    encrypted = encrypt(_context(asked.tenant, name), lost.to_text())
    runner.record_lost(asked, kept.call_id, kept.sending_at)
    idempotency.settle(asked.tenant, name, encrypted, now=now_ms())
    return lost


def _keep(hold: Hold, given: Answer) -> None:
    text = json.dumps({"executionId": given.execution_id}) if isinstance(given, Accepted) else given.to_text()
    try:
        kept = idempotency.keep(hold, encrypt(_context(hold.tenant, hold.name), text), now=now_ms())
    except Exception:  # noqa: BLE001 - the call is done: an answer that hides it would make the caller repeat it
        logger.exception("outcome_not_kept", extra={"executionId": hold.call_id})
    else:
        if not kept:
            logger.error("outcome_not_kept", extra={"executionId": hold.call_id})


def _from_text(text: str) -> Answer:
    fields = json.loads(text)
    return Accepted(fields["executionId"]) if "executionId" in fields else Outcome.from_text(text)


def _name(asked: Asked, key: str) -> str:
    return hashlib.sha256(f"action\0{asked.integration_id}\0{asked.action}\0{key}".encode()).hexdigest()


def _context(tenant: str, name: str) -> EncryptionContext:
    return EncryptionContext(tenant, name, "answer", 1)


def _in_progress() -> Conflict:
    return Conflict(
        "The first request with this Idempotency-Key still runs; ask again in a moment",
        code="idempotency_in_progress",
        headers={"Retry-After": "2"},
    )


def _nothing(_: int) -> None:
    pass
