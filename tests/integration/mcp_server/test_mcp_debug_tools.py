"""Tools that find out why deliveries fail: what they show, what they send, and which scopes they need."""

import json
from typing import Any

import pytest

from jobsprint.core.clock import iso_seconds, now_ms
from tests.support.deliveries import Outbox, dispatch, publish, record, subscribe
from tests.support.mcp_messages import modern, result, token
from tests.support.receiver import Receiver, Reply

pytestmark = pytest.mark.usefixtures("aws")
READS = ["webhook_list", "webhook_stats", "webhook_deliveries", "webhook_delivery", "webhook_events"]
WRITES = ["webhook_test", "webhook_resend", "webhook_recover"]


def use(name: str, *, caller: str | None = None, **arguments: Any) -> dict[str, Any]:
    answer = modern("tools/call", {"name": name, "arguments": arguments}, token=caller or token())
    return dict(result(answer)["structuredContent"])


def names(*scopes: str) -> list[str]:
    tools = result(modern("tools/list", token=token("acme", "mcp:tools", *scopes)))["tools"]
    return [tool["name"] for tool in tools]


def test_scopes_decide_which_there_are() -> None:
    assert names() == []
    assert names("webhooks:read") == READS
    assert names("webhooks:read", "webhooks:write") == READS + WRITES
    refused = modern("tools/call", {"name": "webhook_list", "arguments": {}}, token=token("acme", "mcp:tools"))
    assert refused.body["error"]["code"] == -32602


def test_a_failure_is_found_explained_and_sent_again(endpoint: Receiver, outbox: Outbox) -> None:
    endpoint.answer = lambda _: Reply(500, b"the database is down")
    webhook = subscribe(endpoint.url)["id"]
    event = publish()["id"]
    dispatch(*(record(sent.body) for sent in outbox.take()))
    [shown] = use("webhook_list")["webhooks"]
    assert shown["id"] == webhook
    [failing] = use("webhook_deliveries", webhookId=webhook, failure="http_5xx")["deliveries"]
    detail = use("webhook_delivery", webhookId=webhook, deliveryId=failing["id"])["delivery"]
    attempt = detail["attempts"][0]
    assert "the database is down" in json.dumps(attempt)
    assert use("webhook_stats", webhookId=webhook)["stats"]["last24Hours"]["failures"]["http_5xx"] == 1
    assert event in [one["id"] for one in use("webhook_events")["events"]]
    endpoint.answer = lambda _: Reply()
    assert use("webhook_test", webhookId=webhook)["test"]["testResult"]["passed"] is True
    assert use("webhook_resend", webhookId=webhook, deliveryId=failing["id"])["delivery"]["state"] == "retrying"


def test_a_recovery_only_counts_unless_it_is_told_to_run(endpoint: Receiver) -> None:
    webhook = subscribe(endpoint.url)["id"]
    recent = iso_seconds(now_ms() - 3_600_000)
    counted = use("webhook_recover", webhookId=webhook, since=recent)["recovery"]
    assert (counted["query"]["dryRun"], counted["sent"]) == (True, 0)
    assert use("webhook_recover", webhookId=webhook, since=recent, run=True)["recovery"]["query"]["dryRun"] is False
    wrong = use("webhook_recover", webhookId=webhook, since="yesterday", other=1)["error"]
    assert {detail["field"] for detail in wrong["details"]} == {"arguments.other"}
    wrong = use("webhook_recover", webhookId=webhook, since="yesterday")["error"]
    assert {detail["field"] for detail in wrong["details"]} == {"arguments.since"}
    early = use("webhook_recover", webhookId=webhook, since="2020-01-01")["error"]
    assert early["details"][0]["field"] == "arguments.since"


def test_another_tenants_webhook_is_not_there(endpoint: Receiver) -> None:
    webhook = subscribe(endpoint.url)["id"]
    theirs = token("globex")
    assert use("webhook_list", caller=theirs)["webhooks"] == []
    for name in ("webhook_stats", "webhook_deliveries", "webhook_test"):
        assert use(name, caller=theirs, webhookId=webhook)["error"]["code"] == "webhook_not_found"


def test_all_definitions_together_stay_small_for_a_model() -> None:
    tools = result(modern("tools/list", token=token(), target="/mcp?mode=router"))["tools"]
    assert len(tools) == 6 + len(READS + WRITES)
    assert len(json.dumps(tools)) / 4 < 2_000  # a token is about four characters of JSON
