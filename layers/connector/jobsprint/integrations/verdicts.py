"""What a test of a connection, or the end of its authorization, changes: health, status, log and events, once each.

The health keeps the event that its change calls for until that is published. What a crash left untold the next test
tells first, under the same id.
"""

import hashlib
import json

from msgspec.structs import replace

from jobsprint.connectors.base import TestResult
from jobsprint.delivery.publish import announce
from jobsprint.domain import rules
from jobsprint.domain.errors import Conflict
from jobsprint.domain.ids import derived_id, first_at
from jobsprint.domain.models import Health, Integration, LogEntry
from jobsprint.domain.times import now_ms
from jobsprint.observe import logger
from jobsprint.store.integrations import IntegrationStore
from jobsprint.store.logs import LogStore

PING_ACTION = "jobsprint.ping"


def take(integration: Integration, before: Health, result: TestResult, at: int) -> None:
    """Takes over what a test at `at` (ms) said after the health `before`; nothing where another test was first."""
    store = IntegrationStore(integration.tenant)
    untold = before.untold if before.untold and not _told(integration, before) else None
    after = rules.health_after(
        before, passed=result.passed, reason=result.reason, message=result.message, step=result.next_step, at=at
    )
    after = replace(after, untold=_change(before, after) or untold)
    if store.change_health(integration.id, before, after):
        _judge(store, integration, result)
        if after.untold and _told(integration, after, result.response_ms):
            store.change_health(integration.id, after, replace(after, untold=None))


def _judge(store: IntegrationStore, integration: Integration, result: TestResult) -> None:
    """Keeps what the test found anew. Only a verdict on credentials changes what a connection may do.

    A webhook is judged by its deliveries.
    """
    if integration.type == "webhook":
        return
    changed = _found(integration, result)
    if result.reason in rules.CREDENTIAL_VERDICTS and integration.status == "connected":
        changed = replace(changed, status="error", status_reason=result.reason)
    elif result.passed and integration.status == "error":
        connected_at = integration.connected_at or now_ms()
        changed = replace(changed, status="connected", status_reason=None, missing_scope="", connected_at=connected_at)
    if changed == integration:
        return
    try:
        store.update(changed)
    except Conflict:
        # Somebody changed the connection while it was tested: this verdict is about what no longer stands.
        logger.info("health_verdict_dropped", extra={"integrationId": integration.id})


def _found(integration: Integration, result: TestResult) -> Integration:
    capabilities = integration.capabilities if result.capabilities is None else result.capabilities
    facts = integration.facts if result.facts is None else result.facts
    missing = result.missing_scope or integration.missing_scope
    return replace(integration, capabilities=capabilities, facts=facts, missing_scope=missing)


def _change(before: Health, after: Health) -> str | None:
    """The event that a change of health calls for."""
    if after.status == "unhealthy" != before.status:
        return "integration.unhealthy"
    if before.status == "unhealthy" and after.status == "healthy":
        return "integration.recovered"
    return None


def _told(integration: Integration, health: Health, response_ms: int = 0) -> bool:
    """Logs and publishes the untold event of a health; both are known by its time, so a repeat is the same."""
    event, at = health.untold or "", health.checked_at or 0
    said = {
        "id": integration.id,
        "name": integration.name,
        "health": health.status,
        "message": health.message or "",
        **({"reason": health.reason, "nextStep": health.next_step or ""} if health.reason else {}),
    }
    output = json.dumps({**said, "event": event})
    entry = LogEntry(
        id=derived_id("log", f"at_{first_at(at)}", integration.id, event),
        action=PING_ACTION,
        status="error" if health.reason else "success",
        input="{}",
        output=output,
        execution_ms=response_ms,
        at=at,
    )
    LogStore(integration.tenant).add(integration.id, entry)
    # The name may have changed since, and one id never stands for two bodies.
    digest = hashlib.sha256(output.encode()).hexdigest()[:12]
    external_id = f"{integration.id}:{at}:{digest}"
    return announce(integration.tenant, event, said, about=integration.id, external_id=external_id)
