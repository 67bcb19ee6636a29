"""Runs an action: checks, the call, its log row and its counters, in that order."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from jobsprint.connectors.base import ACTION_SECONDS, CallContext
from jobsprint.connectors.registry import connector_for
from jobsprint.domain import canonical, rules
from jobsprint.domain.errors import JobsprintError, NotFound, UpstreamFailed
from jobsprint.domain.ids import new_id
from jobsprint.domain.json_schema import check_parameters
from jobsprint.domain.models import Integration, JsonObject, LogEntry, Outcome
from jobsprint.domain.redact import mask_secrets, redact, redact_text
from jobsprint.domain.times import now_ms
from jobsprint.domain.validation import from_details
from jobsprint.observe import logger
from jobsprint.security.credentials import Credentials, open_credentials
from jobsprint.store.integrations import IntegrationStore
from jobsprint.store.logs import LogStore

_CUT_AT = 8 * 1024
_CUT_MARK = "… (cut)"


@dataclass(frozen=True, slots=True)
class Execution:
    """A successful action: what came back, and how long the other side took in ms."""

    result: JsonObject
    execution_ms: int


def execute(
    tenant: str, integration_id: str, action: str, parameters: JsonObject, *, sending: Callable[[], None]
) -> Execution:
    """Runs `action` and logs it, whatever comes of it; calls `sending` right before it sends.

    Raises NotFound, Conflict and InvalidFields before anything is sent; UpstreamFailed and RateLimited after.
    """
    store = IntegrationStore(tenant)
    integration = store.get(integration_id)
    rules.require_connected(integration)
    _check(integration, action, parameters)
    connector = connector_for(integration.type)
    credentials = open_credentials(integration)
    sending()
    started = time.monotonic()
    at = now_ms()
    try:
        result = connector.execute(
            integration,
            credentials,
            call_id=new_id("exe", at),
            action=action,
            parameters=parameters,
            context=CallContext(ACTION_SECONDS),
        )
    except JobsprintError as error:
        status: Outcome = "unknown" if isinstance(error, UpstreamFailed) and error.unknown else "error"
        error.message = redact_text(error.message, credentials.values())
        output: JsonObject = {"error": {"code": error.code, "message": error.message}}
        _record(integration, credentials, action, parameters, output, status, _elapsed(started), at)
        raise
    elapsed = _elapsed(started)
    _record(integration, credentials, action, parameters, result, "success", elapsed, at)
    return Execution(cast(JsonObject, mask_secrets(result, credentials.values())), elapsed)


def _check(integration: Integration, action: str, parameters: JsonObject) -> None:
    capability = rules.named_capability(integration.capabilities, action)
    if capability is None:
        known = ", ".join(capability.name for capability in integration.capabilities[:10]) or "none"
        raise NotFound(f"{integration.id} has no action {action[:100]!r}; it has: {known}", code="action_not_found")
    details = check_parameters(capability.schema, parameters)
    if details:
        raise from_details(details)


def _record(
    integration: Integration,
    credentials: Credentials,
    action: str,
    parameters: JsonObject,
    output: JsonObject,
    status: Outcome,
    elapsed: int,
    at: int,
) -> None:
    secrets = credentials.values()
    entry = LogEntry(
        id=new_id("log", at),
        action=action,
        status=status,
        input=_cut(canonical.dumps(redact(parameters, secrets))),
        output=_cut(json.dumps(redact(output, secrets), ensure_ascii=False)),
        execution_ms=elapsed,
        at=at,
    )
    try:
        LogStore(integration.tenant).add(integration.id, entry)
        IntegrationStore(integration.tenant).count(
            integration.id, successful=int(status == "success"), failed=int(status != "success"), at=at
        )
    except Exception:  # noqa: BLE001 - logged, see below
        # The call is done: an answer that hides it would make the caller repeat it.
        logger.exception("action_not_recorded", extra={"integrationId": integration.id, "logId": entry.id})


def _cut(text: str) -> str:
    if len(text.encode()) <= _CUT_AT:
        return text
    head = text.encode()[: _CUT_AT - len(_CUT_MARK.encode())].decode(errors="ignore")
    return json.dumps({"cut": head + _CUT_MARK}, ensure_ascii=False)


def _elapsed(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
