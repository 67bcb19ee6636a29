"""Tests of connections: on demand, and by the schedule through a queue.

A test changes health by the rule in `domain.integrations.health_after`; `integrations.state` applies it.

Every message of a scheduled run carries the run's start, and whatever was tested since is skipped: so a connection is
tested once a run, also where SQS hands a message out twice, a page is spread again, or a run overlaps the one before.
"""

import json
import time
from dataclasses import replace
from typing import Any

from jobsprint.connectors.base import ACTION_SECONDS, TEST_SECONDS, TestResult
from jobsprint.connectors.registry import connector_for
from jobsprint.core import aws
from jobsprint.core.clock import now_ms
from jobsprint.core.config import settings
from jobsprint.core.errors import Conflict, NotFound, ScopeMissing, UpstreamFailed
from jobsprint.core.observability import count
from jobsprint.domain import integrations
from jobsprint.domain.integrations import Health, Integration
from jobsprint.integrations import oauth_grants, oauth_tokens, state
from jobsprint.repositories.integration_items import HEALTH_SHARDS
from jobsprint.repositories.integrations import IntegrationStore, tested_connections

PAGE = 100
_BATCH = 10
_SHARDS = "#shards"  # the group of the pages, which no tenant is called


def test(tenant: str, integration_id: str) -> tuple[TestResult, int]:
    """Test a connection now, and say when (ms). Raises NotFound, and Conflict for what is not connected, and
    for a polling endpoint."""
    integration, activity = IntegrationStore(tenant).get_with_activity(integration_id)
    integrations.require_sent_to(integration)
    # A connection in error may be tested: that is how it recovers. One without credentials cannot be.
    if not integration.encrypted or integration.status in ("disconnected", "pending"):
        integrations.require_connected(integration)
        raise Conflict(f"{integration_id} has no credentials; connect it first", code="not_connected")
    return _test(integration, activity.health, on_demand=True)


def start_all() -> int:
    """Start the scheduled tests: one message per shard of the index; their pages follow. Gives the number sent."""
    run = now_ms()
    _send({"shard": shard, "run": run} for shard in range(HEALTH_SHARDS))
    return HEALTH_SHARDS


def work(message: dict[str, Any]) -> None:
    """Process one message of a scheduled run: a page of connections to spread, or one connection to test."""
    if "shard" in message:
        _spread(message["shard"], message.get("position"), message["run"])
        return
    try:
        integration, activity = IntegrationStore(message["tenant"]).get_with_activity(message["id"])
    except NotFound:
        return
    if integration.status == "connected" and (activity.health.checked_at or 0) < message["run"]:
        _test(integration, activity.health, on_demand=False)


def _spread(shard: int, position: list[str] | None, run: int) -> None:
    found, more = tested_connections(shard, (position[0], position[1]) if position else None, PAGE)
    _send({"tenant": tenant, "id": id_, "run": run} for tenant, id_ in found)
    if more:
        _send([{"shard": shard, "position": list(more), "run": run}])


def _send(messages: Any) -> None:
    listed = list(messages)
    for batch in (listed[start : start + _BATCH] for start in range(0, len(listed), _BATCH)):
        answer = aws.sqs().send_message_batch(
            QueueUrl=settings().health_queue_url,
            Entries=[
                {
                    "Id": str(place),
                    "MessageBody": json.dumps(message),
                    # Makes the queue fair: a tenant whose connections hang waits behind the others.
                    "MessageGroupId": message.get("tenant", _SHARDS),
                }
                for place, message in enumerate(batch)
            ],
        )
        if answer.get("Failed"):
            raise RuntimeError(f"{len(answer['Failed'])} health tests could not be queued")


def _test(integration: Integration, before: Health, *, on_demand: bool) -> tuple[TestResult, int]:
    result = _result(integration)
    at = now_ms()
    state.apply_test_result(integration, before, result, at, on_demand=on_demand)
    count({"HealthTestsPassed" if result.passed else "HealthTestsFailed": 1, "HealthTestMs": [result.response_ms]})
    return result, at


def _result(integration: Integration) -> TestResult:
    """The connector's result; a refused token is renewed once, and one that cannot be renewed is a failed test."""
    connector = connector_for(integration.type)
    until = time.monotonic() + ACTION_SECONDS - TEST_SECONDS
    try:
        credentials = oauth_tokens.credentials_for_call(integration, until=until)
        result = connector.test(integration, credentials)
        if integration.grant is not None and result.reason in integrations.CREDENTIAL_REASONS:
            result = connector.test(integration, oauth_tokens.with_another_token(integration, credentials, until=until))
        if scope := oauth_grants.unrequested_scope(integration, result.missing_scope):
            raise ScopeMissing(scope)
        return replace(result, missing_scope="")
    except ScopeMissing as error:
        return oauth_grants.more_scope_needed(error)
    except Conflict as error:
        return oauth_grants.reauthorization_needed(error.message)
    except UpstreamFailed as error:
        return TestResult(
            passed=False,
            message=error.message,
            response_ms=0,
            reason=error.code,
            next_step="Wait until the authorization server answers again",
        )
