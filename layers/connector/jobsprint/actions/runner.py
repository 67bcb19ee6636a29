"""One call of an action, in two steps: `prepare` it, then `send` it.

`prepare` raises where the call may not go out, as `check` does before it: nothing was sent and nothing is logged.
`send` never raises for what the upstream does: it gives an outcome, after logging and counting it. What has to be
written down in between, because from then on the call may have gone out, is the caller's (`actions.service`,
`actions.executions`).
"""

import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace

from jobsprint.connectors.base import LEAST_CALL_SECONDS, ActionCall
from jobsprint.connectors.registry import connector_for
from jobsprint.core import canonical_json
from jobsprint.core.canonical_json import JsonObject
from jobsprint.core.clock import now_ms
from jobsprint.core.cut import cut_text
from jobsprint.core.errors import JobsprintError, NotFound, ScopeMissing, wrong_fields
from jobsprint.core.ids import derived_id, first_at
from jobsprint.core.json_schema import Checker
from jobsprint.core.observability import logger
from jobsprint.core.redaction import Masker, redact, redact_text
from jobsprint.domain import integrations
from jobsprint.domain.actions import LogEntry, LogStatus, Outcome, RequestedAction, State, outcome_unknown
from jobsprint.domain.circuit_breaker import OPEN_MS, CircuitBreaker, refusal
from jobsprint.domain.circuit_breaker import check as check_circuit
from jobsprint.domain.integrations import Capability, Integration
from jobsprint.integrations import oauth_grants
from jobsprint.integrations.oauth_tokens import Access
from jobsprint.repositories.integrations import IntegrationStore
from jobsprint.repositories.logs import LogStore
from jobsprint.security.credentials import Credentials

_CUT_AT = 8 * 1024
_STATUS: dict[State, LogStatus] = {"succeeded": "success", "failed": "error", "unknown": "unknown"}


@dataclass(frozen=True)
class Target:
    """An action as its integration offers it now, and the circuit breaker of the integration."""

    integration: Integration
    capability: Capability
    circuit_breaker: CircuitBreaker

    @property
    def needs_approval(self) -> bool:
        """Whether a person has to approve each call."""
        return self.integration.approval.requires(self.capability)


@dataclass(frozen=True)
class PreparedCall:
    """A call that may go out now, at `sending_at` (Unix ms): checked, admitted by the circuit breaker, with a token.

    `deadline` (`time.monotonic`) ends its budget; `circuit` is the circuit as it was read.
    """

    id: str
    requested: RequestedAction
    integration: Integration
    circuit_breaker: CircuitBreaker
    access: Access
    deadline: float
    sending_at: int


def find(tenant: str, integration_id: str, action: str) -> Target:
    """The action of an integration. Raises NotFound, and Conflict where it has none because it is not connected."""
    integration, activity = IntegrationStore(tenant).get_with_activity(integration_id)
    capability = integrations.named_capability(integration.capabilities, action)
    if capability is None:
        integrations.require_connected(integration)
        known = ", ".join(capability.name for capability in integration.capabilities[:10]) or "none"
        raise NotFound(f"{integration.id} has no action {action[:100]!r}; it has: {known}", code="action_not_found")
    return Target(integration, capability, activity.circuit_breaker)


def check(requested: RequestedAction, target: Target) -> None:
    """Raise Conflict unless the integration is connected, and InvalidFields for wrong parameters."""
    integrations.require_connected(target.integration)
    details = Checker(target.capability.schema).details(requested.parameters, "body.parameters")
    if details:
        raise wrong_fields(details)


def prepare(requested: RequestedAction, target: Target, *, call_id: str, seconds: float) -> PreparedCall:
    """Get an action that was checked ready to be sent; `seconds` are for all of it, its token included.

    Raises Conflict, RateLimited, and UpstreamFailed with `sent` False.
    """
    deadline = time.monotonic() + seconds
    integration, circuit_breaker = target.integration, target.circuit_breaker
    access = Access(integration, until=deadline - LEAST_CALL_SECONDS)
    _admit(integration, circuit_breaker, seconds)
    return PreparedCall(call_id, requested, integration, circuit_breaker, access, deadline, now_ms())


def send(call: PreparedCall) -> Outcome:
    """Call the upstream, and log and count the outcome."""
    started = time.monotonic()
    result, error = _result(call)
    execution_ms = round((time.monotonic() - started) * 1000)
    if isinstance(error, ScopeMissing):
        _step_up(call.integration, error)
    # The connector masked what it received; this knows the token before a renewal too.
    masker = Masker(call.access.secrets)
    if error:
        error.message = redact_text(masker.text(error.message))
        error.upstream = error.upstream and replace(error.upstream, body=masker.value(error.upstream.body))
    outcome = Outcome(masker.value(result), error, execution_ms)
    logged = _record(
        call.requested, call.id, call.sending_at, outcome, masker=masker, circuit_breaker=call.circuit_breaker
    )
    if error:
        error.log_id = logged
    return outcome


def record_unknown(requested: RequestedAction, call_id: str, sending_at: int) -> Outcome:
    """Give and log the outcome of a call whose process ended without one; logged once, also where several do."""
    error = outcome_unknown()
    outcome = Outcome(error=error)
    circuit_breaker: CircuitBreaker = CircuitBreaker()
    masker = Masker(())
    with suppress(JobsprintError):  # it is gone, or its authorization has ended
        integration, activity = IntegrationStore(requested.tenant).get_with_activity(requested.integration_id)
        circuit_breaker = activity.circuit_breaker
        masker = Masker(Access(integration).secrets)
    error.log_id = _record(requested, call_id, sending_at, outcome, masker=masker, circuit_breaker=circuit_breaker)
    return outcome


def log_id(call_id: str, sending_at: int) -> str:
    """The id of a call's log entry: the same for the same call, so that it is logged and counted once."""
    return derived_id("log", first_at(sending_at), call_id)


def _admit(integration: Integration, circuit_breaker: CircuitBreaker, seconds: float) -> None:
    """Let a call through, or raise RateLimited or UpstreamFailed `circuit_open`. One call is the half-open probe."""
    now = now_ms()
    if check_circuit(circuit_breaker, now):
        return
    until = now + max(OPEN_MS, round(seconds * 1000))
    if not IntegrationStore(integration.tenant).take_probe(integration.id, circuit_breaker, until):
        raise refusal(OPEN_MS)


def _result(call: PreparedCall) -> tuple[JsonObject | None, JobsprintError | None]:
    connector = connector_for(call.integration.type)

    def execute(credentials: Credentials) -> JsonObject:
        return connector.execute(
            ActionCall(
                id=call.id,
                integration=call.integration,
                credentials=credentials,
                action=call.requested.action,
                parameters=call.requested.parameters,
                deadline=call.deadline,
                traceparent=call.requested.traceparent,
            )
        )

    try:
        return call.access.call(execute), None
    except JobsprintError as error:
        return None, error
    except Exception:  # noqa: BLE001 - our own fault, but the call may have gone out
        logger.exception("connector_broke", extra={"integrationId": call.integration.id, "executionId": call.id})
        return None, outcome_unknown()


def _step_up(integration: Integration, lacking: ScopeMissing) -> None:
    try:
        oauth_grants.step_up(integration, lacking)
    except Exception:  # noqa: BLE001 - the next call finds the same
        logger.exception("step_up_not_stored", extra={"integrationId": integration.id})


def _record(
    requested: RequestedAction,
    call_id: str,
    sending_at: int,
    outcome: Outcome,
    *,
    masker: Masker,
    circuit_breaker: CircuitBreaker,
) -> str | None:
    """Log and count the outcome of a call; the id of the log entry, or None where there is none."""
    entry = LogEntry(
        id=log_id(call_id, sending_at),
        action=requested.action,
        status=_STATUS[outcome.state],
        input=_cut(canonical_json.dumps(redact(masker.value(requested.parameters)))),
        output=_cut(json.dumps(redact(_output(outcome)), ensure_ascii=False)),
        request_id=requested.request_id,
        approval=requested.approval,
        execution_ms=outcome.execution_ms,
        at=sending_at,
    )
    try:
        if LogStore(requested.tenant).add(requested.integration_id, entry):
            IntegrationStore(requested.tenant).count_call(
                requested.integration_id,
                error=outcome.error,
                seen=circuit_breaker,
                at=sending_at + outcome.execution_ms,
            )
    except Exception:  # noqa: BLE001 - logged, see below
        # The call is done: an answer that hides it would make the caller repeat it.
        logger.exception("action_not_recorded", extra={"integrationId": requested.integration_id, "logId": entry.id})
        return None
    return entry.id


def _output(outcome: Outcome) -> JsonObject:
    error = outcome.error
    if error is None:
        return outcome.result or {}
    shown: JsonObject = {"code": error.code, "message": error.message}
    if error.upstream:
        shown["upstream"] = {name: value for name, value in asdict(error.upstream).items() if value is not None}
    return {"error": shown}


def _cut(text: str) -> str:
    cut = cut_text(text, _CUT_AT)
    return text if cut == text else json.dumps({"cut": cut}, ensure_ascii=False)
