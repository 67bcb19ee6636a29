"""Recording operations: `begin` before the effect, `end` after it.

    intent = begin(caller, "action.call", subject=integration_id, arguments=arguments)
    …
    end(intent, "succeeded")

`recorded` does both around a block of code. What cannot be recorded is not done: `begin` raises `Unavailable`. `end`
never raises: the answer goes out, and an entry whose outcome could not be written stays without one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from jobsprint.core.canonical_json import JsonValue
from jobsprint.core.clock import now_ms
from jobsprint.core.errors import Unavailable
from jobsprint.core.ids import new_id
from jobsprint.core.observability import count, logger
from jobsprint.domain.audit import Client, Intent, Outcome, Result, masked, plain, result_of
from jobsprint.domain.callers import Caller
from jobsprint.repositories.audit import AuditStore

OPERATOR = "operator"
"""The actor of what an operator does, whom IAM knows and we do not."""


@dataclass
class Recording:
    """An operation that is under way: what is to be recorded of it unless it raises."""

    result: Result = "succeeded"
    code: str | None = None
    subject: str | None = None


@contextmanager
def recorded(
    caller: Caller,
    kind: str,
    *,
    subject: str | None = None,
    arguments: JsonValue = None,
    client: Client | None = None,
    request_id: str | None = None,
) -> Iterator[Recording]:
    """Record the operation in the block, with the parameters of `begin`; an exception is its outcome as well."""
    intent = begin(caller, kind, subject=subject, arguments=arguments, client=client, request_id=request_id)
    recording = Recording()
    try:
        yield recording
    except Exception as error:
        result, code = result_of(error)
        end(intent, result, code=code)
        raise
    end(intent, recording.result, code=recording.code, subject=recording.subject)


def begin(
    caller: Caller,
    kind: str,
    *,
    subject: str | None = None,
    arguments: JsonValue = None,
    client: Client | None = None,
    request_id: str | None = None,
) -> Intent:
    """Record that an operation of this `kind`, such as `webhook.create`, is about to be done.

    `subject` is the id of what it is done to; `arguments` are masked and cut here. Raises Unavailable where it cannot
    be recorded: then the operation must not be done.
    """
    at = now_ms()
    program = client or Client()
    intent = Intent(
        tenant=caller.tenant,
        id=new_id("aud", at),
        at=at,
        kind=kind,
        actor=caller.token_id,
        subject=subject and plain(subject),
        arguments=masked(arguments),
        client=Client(plain(program.name), plain(program.version)),
        request_id=request_id,
    )
    try:
        AuditStore(intent.tenant).add_intent(intent)
    except (BotoCoreError, ClientError) as error:
        count({"AuditIntentsFailed": 1})
        raise Unavailable("Nothing was done, because it could not be recorded; try again") from error
    return intent


def end(intent: Intent, result: Result, *, code: str | None = None, subject: str | None = None) -> None:
    """Record what an operation led to; `code` is that of its error, `subject` the id of what it made."""
    outcome = Outcome(intent.tenant, intent.id, now_ms(), result, code, subject and plain(subject))
    try:
        AuditStore(intent.tenant).add_outcome(outcome)
    except (BotoCoreError, ClientError):
        logger.exception("audit_outcome_not_written", extra={"entry": intent.id, "result": result})
        count({"AuditOutcomesFailed": 1})
