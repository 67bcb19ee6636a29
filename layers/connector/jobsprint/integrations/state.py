"""What a test of a connection, or the end of its authorization, changes: health, status, log and events, once each.

The health keeps the event that its change calls for until that is published. What a crash left untold the next test
tells first, under the same id.
"""

import hashlib
import json
from dataclasses import replace

from jobsprint.connectors.base import Connection, TestResult
from jobsprint.core.clock import now_ms
from jobsprint.core.errors import Conflict
from jobsprint.core.ids import derived_id, first_at
from jobsprint.core.observability import logger
from jobsprint.delivery.publisher import announce
from jobsprint.domain import integrations
from jobsprint.domain.actions import LogEntry
from jobsprint.domain.integrations import Health, Integration
from jobsprint.repositories.integrations import IntegrationStore
from jobsprint.repositories.logs import LogStore
from jobsprint.security.credentials import seal_credentials

PING_ACTION = "jobsprint.ping"


def take(integration: Integration, before: Health, result: TestResult, at: int) -> None:
    """Takes over what a test at `at` (ms) said after the health `before`; nothing where another test was first."""
    store = IntegrationStore(integration.tenant)
    untold = before.untold if before.untold and not _told(integration, before) else None
    after = integrations.health_after(
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
    if result.reason in integrations.CREDENTIAL_VERDICTS and integration.status == "connected":
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


def settled(integration: Integration, connection: Connection) -> Integration:
    """The integration with the credentials encrypted and everything else as the connection says."""
    connected_at = integration.connected_at
    if connection.status == "connected" and integration.status != "connected":
        connected_at = now_ms()
    return replace(
        seal_credentials(integration, connection.credentials),
        capabilities=connection.capabilities,
        facts=connection.facts,
        status=connection.status,
        status_reason=connection.reason,
        missing_scope="" if connection.status == "connected" else integration.missing_scope,
        connected_at=connected_at,
        disconnected_at=None,
    )


def announce_connected(integration: Integration) -> None:
    """Tells of a connection, if it is one."""
    if integration.status == "connected":
        data = {"id": integration.id, "type": integration.type, "name": integration.name}
        announce(integration.tenant, "integration.connected", data, about=integration.id)
