"""What a test of a connection, or the end of its authorization, changes: health, status, log and events, once each."""

import json
from collections.abc import Iterator
from dataclasses import replace

from jobsprint.connectors.base import TestResult
from jobsprint.delivery.publish import announce
from jobsprint.domain import rules
from jobsprint.domain.errors import Conflict
from jobsprint.domain.ids import new_id
from jobsprint.domain.models import Health, Integration, LogEntry
from jobsprint.domain.times import now_ms
from jobsprint.observe import logger
from jobsprint.store.integrations import IntegrationStore
from jobsprint.store.logs import LogStore

PING_ACTION = "jobsprint.ping"


def take(integration: Integration, before: Health, result: TestResult, at: int) -> None:
    """Takes over what a test at `at` (ms) said after the health `before`; nothing where another test was first."""
    store = IntegrationStore(integration.tenant)
    after = rules.health_after(
        before, passed=result.passed, reason=result.reason, message=result.message, step=result.next_step, at=at
    )
    if store.change_health(integration.id, before, after):
        _judge(store, integration, result)
        for event in _changes(before, after):
            _tell(integration, after, event, result, at)


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


def _changes(before: Health, after: Health) -> Iterator[str]:
    if after.status == "unhealthy" != before.status:
        yield "integration.unhealthy"
    elif before.status == "unhealthy" and after.status == "healthy":
        yield "integration.recovered"


def _tell(integration: Integration, health: Health, event: str, result: TestResult, at: int) -> None:
    said = {
        "id": integration.id,
        "name": integration.name,
        "health": health.status,
        "message": result.message,
        **({"reason": result.reason, "nextStep": result.next_step or ""} if result.reason else {}),
    }
    entry = LogEntry(
        id=new_id("log", at),
        action=PING_ACTION,
        status="success" if result.passed else "error",
        input="{}",
        output=json.dumps({**said, "event": event}),
        execution_ms=result.response_ms,
        at=at,
    )
    LogStore(integration.tenant).add(integration.id, entry)
    announce(integration.tenant, event, said, about=integration.id)
