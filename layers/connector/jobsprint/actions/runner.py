"""Runs an action: checks, the call, its log row and its counters, in that order."""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from jobsprint.connectors.base import LEAST_CALL_SECONDS, CallContext
from jobsprint.connectors.registry import connector_for
from jobsprint.core import canonical_json
from jobsprint.core.canonical_json import JsonObject
from jobsprint.core.clock import now_ms
from jobsprint.core.errors import JobsprintError, NotFound, ScopeMissing, wrong_fields
from jobsprint.core.ids import derived_id, first_at
from jobsprint.core.json_schema import Checker
from jobsprint.core.observability import logger
from jobsprint.core.redaction import mask_secrets, redact, redact_text
from jobsprint.domain import integrations
from jobsprint.domain.actions import LogEntry, LogStatus, Outcome, State, never_heard_of
from jobsprint.domain.circuit_breaker import OPEN_MS, Circuit, refusal
from jobsprint.domain.circuit_breaker import check as check_circuit
from jobsprint.domain.integrations import Integration
from jobsprint.integrations import oauth_grants
from jobsprint.repositories.integrations import IntegrationStore
from jobsprint.repositories.logs import LogStore

_LEAST_SECONDS = 0.1  # where everything before was slower than it may be
_CUT_AT = 8 * 1024
_CUT_MARK = "… (cut)"
_STATUS: dict[State, LogStatus] = {"succeeded": "success", "failed": "error", "unknown": "unknown"}


@dataclass(frozen=True)
class Asked:
    """An action as it is asked for; `traceparent` is a valid one or None."""

    tenant: str
    integration_id: str
    action: str
    parameters: JsonObject
    traceparent: str | None = None


@dataclass(frozen=True)
class _Ended:
    """One call that was sent, and what came of it."""

    asked: Asked
    call_id: str
    at: int
    outcome: Outcome
    secrets: tuple[str, ...]


def check(asked: Asked) -> tuple[Integration, Circuit]:
    """What an action goes through, if it may. Raises NotFound, Conflict and InvalidFields."""
    integration, activity = IntegrationStore(asked.tenant).get_with_activity(asked.integration_id)
    integrations.require_connected(integration)
    _check_parameters(integration, asked.action, asked.parameters)
    return integration, activity.circuit


def run(asked: Asked, *, call_id: str, seconds: float, sending: Callable[[int], None]) -> Outcome:
    """Runs an action within `seconds`, those for its token included, and logs it, whatever comes of it.

    `sending` is called with the time (ms) right before the call goes out. What it raises, and NotFound, Conflict,
    InvalidFields, RateLimited and UpstreamFailed `circuit_open`, mean that nothing was sent; once it returned, whatever
    happens is an outcome.
    """
    deadline = time.monotonic() + seconds
    integration, circuit = check(asked)
    connector = connector_for(integration.type)
    access = oauth_grants.Access(integration, until=deadline - LEAST_CALL_SECONDS)
    _admit(integration, circuit, seconds)
    at = now_ms()
    sending(at)
    started = time.monotonic()
    result: JsonObject | None = None
    failure: JobsprintError | None = None
    try:
        result = access.call(
            lambda credentials: connector.execute(
                integration,
                credentials,
                call_id=call_id,
                action=asked.action,
                parameters=asked.parameters,
                context=CallContext(max(deadline - time.monotonic(), _LEAST_SECONDS), asked.traceparent),
            )
        )
    except JobsprintError as error:
        failure = error
    except Exception:  # noqa: BLE001 - our own fault, but the call may have gone out
        logger.exception("connector_broke", extra={"integrationId": integration.id, "executionId": call_id})
        failure = never_heard_of()
    elapsed = round((time.monotonic() - started) * 1000)
    secrets = access.secrets
    if isinstance(failure, ScopeMissing):
        _step_up(integration, failure)
    if failure:
        failure.message = redact_text(failure.message, secrets)
    outcome = Outcome(cast(JsonObject | None, mask_secrets(result, secrets)), failure, elapsed)
    _record(_Ended(asked, call_id, at, outcome, secrets), circuit)
    return outcome


def record_lost(asked: Asked, call_id: str, at: int) -> None:
    """Logs a call that was sent at `at` (ms) by somebody who then died, unless that one could still do so."""
    circuit: Circuit = Circuit()
    secrets: tuple[str, ...] = ()
    with suppress(JobsprintError):  # it is gone, or its authorization has ended
        integration, activity = IntegrationStore(asked.tenant).get_with_activity(asked.integration_id)
        circuit = activity.circuit
        secrets = oauth_grants.Access(integration).secrets
    _record(_Ended(asked, call_id, at, Outcome(error=never_heard_of()), secrets), circuit)


def _step_up(integration: Integration, lacking: ScopeMissing) -> None:
    try:
        oauth_grants.step_up(integration, lacking)
    except Exception:  # noqa: BLE001 - the next call finds the same
        logger.exception("step_up_not_kept", extra={"integrationId": integration.id})


def _admit(integration: Integration, circuit: Circuit, seconds: float) -> None:
    """Lets a call through, or raises RateLimited or UpstreamFailed `circuit_open`. One call probes an open circuit."""
    now = now_ms()
    if check_circuit(circuit, now):
        return
    until = now + max(OPEN_MS, round(seconds * 1000))
    if not IntegrationStore(integration.tenant).take_probe(integration.id, circuit, until):
        raise refusal(OPEN_MS)


def _check_parameters(integration: Integration, action: str, parameters: JsonObject) -> None:
    capability = integrations.named_capability(integration.capabilities, action)
    if capability is None:
        known = ", ".join(capability.name for capability in integration.capabilities[:10]) or "none"
        raise NotFound(f"{integration.id} has no action {action[:100]!r}; it has: {known}", code="action_not_found")
    details = Checker(capability.schema).details(parameters, "body.parameters")
    if details:
        raise wrong_fields(details)


def _record(ended: _Ended, circuit: Circuit) -> None:
    asked, outcome = ended.asked, ended.outcome
    entry = LogEntry(
        # The same for the same call, so that nobody logs it twice.
        id=derived_id("log", first_at(ended.at), ended.call_id),
        action=asked.action,
        status=_STATUS[outcome.state],
        input=_cut(canonical_json.dumps(redact(asked.parameters, ended.secrets))),
        output=_cut(json.dumps(redact(_output(outcome), ended.secrets), ensure_ascii=False)),
        execution_ms=outcome.execution_ms,
        at=ended.at,
    )
    try:
        if LogStore(asked.tenant).add(asked.integration_id, entry):
            IntegrationStore(asked.tenant).count_call(
                asked.integration_id, error=outcome.error, seen=circuit, at=ended.at + outcome.execution_ms
            )
    except Exception:  # noqa: BLE001 - logged, see below
        # The call is done: an answer that hides it would make the caller repeat it.
        logger.exception("action_not_recorded", extra={"integrationId": asked.integration_id, "logId": entry.id})


def _output(outcome: Outcome) -> JsonObject:
    if outcome.error:
        return {"error": {"code": outcome.error.code, "message": outcome.error.message}}
    return outcome.result or {}


def _cut(text: str) -> str:
    if len(text.encode()) <= _CUT_AT:
        return text
    head = text.encode()[: _CUT_AT - len(_CUT_MARK.encode())].decode(errors="ignore")
    return json.dumps({"cut": head + _CUT_MARK}, ensure_ascii=False)
