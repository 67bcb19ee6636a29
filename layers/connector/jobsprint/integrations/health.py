"""Tests of connections: on demand, and by the schedule through a queue.

What one test says changes health by the rule in `domain.rules.health_after`; a change is logged and published once.

Every message of a scheduled run carries the run's start, and whatever was tested since is skipped: so a connection is
tested once a run, also where SQS hands a message out twice, a page is spread again, or a run overlaps the one before.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from jobsprint import aws
from jobsprint.config import settings
from jobsprint.connectors.base import TestResult
from jobsprint.connectors.registry import connector_for
from jobsprint.delivery.publish import announce
from jobsprint.domain import rules
from jobsprint.domain.errors import Conflict, NotFound
from jobsprint.domain.ids import new_id
from jobsprint.domain.models import Health, Integration, LogEntry
from jobsprint.domain.times import now_ms
from jobsprint.observe import logger
from jobsprint.security.credentials import open_credentials
from jobsprint.store.integrations import HEALTH_SHARDS, IntegrationStore, tested_connections
from jobsprint.store.logs import LogStore

PING_ACTION = "jobsprint.ping"
_PAGE = 100
_BATCH = 10


def test(tenant: str, integration_id: str) -> tuple[TestResult, int]:
    """Tests a connection now and says when (ms). Raises NotFound, and Conflict for what is not connected."""
    integration, activity = IntegrationStore(tenant).get_with_activity(integration_id)
    # A connection in error may be tested: that is how it recovers. One without credentials cannot be.
    if not integration.sealed or integration.status in ("disconnected", "pending"):
        rules.require_connected(integration)
        raise Conflict(f"{integration_id} has no credentials; connect it first", code="not_connected")
    return _tested(integration, activity.health)


def start_all() -> int:
    """Starts the scheduled tests: one message per shard of the index; their pages follow. Gives the number sent."""
    run = now_ms()
    _send({"shard": shard, "run": run} for shard in range(HEALTH_SHARDS))
    return HEALTH_SHARDS


def work(message: dict[str, Any]) -> None:
    """Works one message of the health queue: a page of connections to spread, or one connection to test."""
    if "shard" in message:
        _spread(message["shard"], message.get("position"), message["run"])
        return
    try:
        integration, activity = IntegrationStore(message["tenant"]).get_with_activity(message["id"])
    except NotFound:
        return
    if integration.status == "connected" and (activity.health.checked_at or 0) < message["run"]:
        _tested(integration, activity.health)


def _spread(shard: int, position: list[str] | None, run: int) -> None:
    found, more = tested_connections(shard, (position[0], position[1]) if position else None, _PAGE)
    _send({"tenant": tenant, "id": id_, "run": run} for tenant, id_ in found)
    if more:
        _send([{"shard": shard, "position": list(more), "run": run}])


def _send(messages: Any) -> None:
    listed = list(messages)
    for batch in (listed[start : start + _BATCH] for start in range(0, len(listed), _BATCH)):
        answer = aws.sqs().send_message_batch(
            QueueUrl=settings().health_queue_url,
            Entries=[{"Id": str(place), "MessageBody": json.dumps(message)} for place, message in enumerate(batch)],
        )
        if answer.get("Failed"):
            raise RuntimeError(f"{len(answer['Failed'])} health tests could not be queued")


def _tested(integration: Integration, before: Health) -> tuple[TestResult, int]:
    store = IntegrationStore(integration.tenant)
    result = connector_for(integration.type).test(integration, open_credentials(integration))
    at = now_ms()
    after = rules.health_after(
        before, passed=result.passed, reason=result.reason, message=result.message, step=result.next_step, at=at
    )
    if store.change_health(integration.id, before, after):
        _judge(store, integration, result)
        for event in _changes(before, after):
            _tell(integration, after, event, result, at)
    return result, at


def _judge(store: IntegrationStore, integration: Integration, result: TestResult) -> None:
    """Only a verdict on credentials changes what a connection may do; a webhook is judged by its deliveries."""
    if integration.type == "webhook":
        return
    if result.reason in rules.CREDENTIAL_VERDICTS and integration.status == "connected":
        changed = replace(integration, status="error", status_reason=result.reason)
    elif result.passed and integration.status == "error":
        changed = replace(integration, status="connected", status_reason=None)
    else:
        return
    try:
        store.update(changed)
    except Conflict:
        # Somebody changed the connection while it was tested: this verdict is about what no longer stands.
        logger.info("health_verdict_dropped", extra={"integrationId": integration.id})


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
