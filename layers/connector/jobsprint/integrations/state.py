"""The changes that a connection result or a test result makes: status, health, log entry and event, once each.

A health keeps the event that its change calls for until that is published. What a crash left unpublished the next test
publishes first, under the same id.
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
from jobsprint.security.credentials import encrypt_credentials

PING_ACTION = "jobsprint.ping"


def apply_test_result(
    integration: Integration, before: Health, result: TestResult, at: int, *, on_demand: bool = False
) -> None:
    """Apply a test at `at` (ms) that came after the health `before`; nothing where another test was first.

    `on_demand` says that a caller asked for it.
    """
    store = IntegrationStore(integration.tenant)
    unpublished = before.unpublished if before.unpublished and not _publish(integration, before) else None
    after = integrations.health_after(
        before,
        passed=result.passed,
        reason=result.reason,
        message=result.message,
        step=result.next_step,
        at=at,
        on_demand=on_demand,
    )
    after = replace(after, unpublished=_transition_event(before, after) or unpublished)
    if store.change_health(integration.id, before, after):
        _apply_status(store, integration, result)
        if after.unpublished and _publish(integration, after, result.response_ms):
            store.change_health(integration.id, after, replace(after, unpublished=None))


def _apply_status(store: IntegrationStore, integration: Integration, result: TestResult) -> None:
    """Store what the test found, and a new status: only refused credentials change what a connection may do.

    A webhook's status is that of its deliveries.
    """
    if integration.type == "webhook":
        return
    changed = _with_findings(integration, result)
    if result.reason in integrations.CREDENTIAL_REASONS and integration.status == "connected":
        changed = replace(changed, status="error", status_reason=result.reason)
    elif result.passed and integration.status == "error":
        connected_at = integration.connected_at or now_ms()
        changed = replace(changed, status="connected", status_reason=None, missing_scope="", connected_at=connected_at)
    if changed == integration:
        return
    try:
        store.update(changed)
    except Conflict:
        # The connection was changed while it was tested: the result is about an earlier one.
        logger.info("test_result_dropped", extra={"integrationId": integration.id})


def _with_findings(integration: Integration, result: TestResult) -> Integration:
    return replace(
        integration,
        capabilities=integration.capabilities if result.capabilities is None else result.capabilities,
        connector_state=integration.connector_state if result.connector_state is None else result.connector_state,
        missing_scope=result.missing_scope or integration.missing_scope,
    )


def _transition_event(before: Health, after: Health) -> str | None:
    """The event that a health transition calls for."""
    if after.status == "unhealthy" != before.status:
        return "integration.unhealthy"
    if before.status == "unhealthy" and after.status == "healthy":
        return "integration.recovered"
    return None


def _publish(integration: Integration, health: Health, response_ms: int = 0) -> bool:
    """Log and publish the unpublished event of a health; both ids come from its time, so a repeat is the same."""
    event, at = health.unpublished or "", health.checked_at or 0
    data = {
        "id": integration.id,
        "name": integration.name,
        "health": health.status,
        "message": health.message or "",
        **({"reason": health.reason, "nextStep": health.next_step or ""} if health.reason else {}),
    }
    output = json.dumps({**data, "event": event})
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
    # The name may have changed since, and one id must not name two bodies.
    digest = hashlib.sha256(output.encode()).hexdigest()[:12]
    external_id = f"{integration.id}:{at}:{digest}"
    return announce(integration.tenant, event, data, about=integration.id, external_id=external_id)


def apply_connection(integration: Integration, connection: Connection) -> Integration:
    """The integration with the credentials encrypted and everything else as the connection says."""
    connected_at = integration.connected_at
    if connection.status == "connected" and integration.status != "connected":
        connected_at = now_ms()
    return replace(
        encrypt_credentials(integration, connection.credentials),
        capabilities=connection.capabilities,
        connector_state=connection.connector_state,
        status=connection.status,
        status_reason=connection.reason,
        missing_scope="" if connection.status == "connected" else integration.missing_scope,
        connected_at=connected_at,
        disconnected_at=None,
    )


def announce_connected(integration: Integration) -> None:
    """Publish that an integration is connected, if it is."""
    if integration.status == "connected":
        data = {"id": integration.id, "type": integration.type, "name": integration.name}
        announce(integration.tenant, "integration.connected", data, about=integration.id)
