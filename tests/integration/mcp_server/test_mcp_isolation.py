"""Tenants over MCP: every method and tool, asked with another tenant's names, ids, tasks and cursors."""

import json
from typing import Any

import pytest

from jobsprint.core.clock import iso_seconds, now_ms
from jobsprint.core.ids import new_id
from jobsprint.mcp_server import debug_tools, methods, router
from tests.support.call import Answer, call
from tests.support.deliveries import Outbox, dispatch, publish, record
from tests.support.mcp_events import ORDER, describe, new_secret, params, willing
from tests.support.mcp_events import subscribed as subscribed_by_mcp
from tests.support.mcp_messages import legacy, modern, result, token
from tests.support.receiver import Receiver
from tests.support.rows import connected, rows, subscribed

pytestmark = pytest.mark.usefixtures("aws")
TASKS = {"extensions": {"io.modelcontextprotocol/tasks": {}}}
UNKNOWN = {
    "action": "nothing_send",
    "integration": new_id("int", 1),
    "execution": new_id("exe", 1),
    "webhook": new_id("wh", 1),
    "subscription": new_id("wh", 2),
    "delivery": new_id("dlv", 1),
    "event": new_id("evt", 1),
    "cursor": "nothing_list",
}
Ids = dict[str, str]


def tools(ids: Ids) -> dict[str, list[dict[str, Any]]]:
    """The arguments that name somebody's things, by tool: each case of a tool."""
    named, webhooks = {"action": ids["action"]}, (ids["webhook"], ids["subscription"], ids["integration"])
    since = iso_seconds(now_ms() - 3_600_000)
    deliveries = [{"webhookId": webhook, "deliveryId": ids["delivery"]} for webhook in webhooks]
    return {
        "search_actions": [{"query": ids["action"].replace("_", " ")}],
        "describe_action": [named],
        "read_action": [named],
        "write_action": [named, {**named, "idempotencyKey": "k-1"}],
        "list_connections": [{}],
        "get_execution": [
            {**named, "executionId": ids["execution"]},
            {"action": "own_send", "executionId": ids["execution"]},
        ],
        "webhook_list": [{}],
        "webhook_stats": [{"webhookId": webhook} for webhook in webhooks],
        "webhook_deliveries": [{"webhookId": webhook} for webhook in webhooks],
        "webhook_delivery": deliveries,
        "webhook_events": [{"event": "secret.event"}],
        "webhook_test": [{"webhookId": webhook} for webhook in webhooks],
        "webhook_resend": deliveries,
        "webhook_recover": [
            {"webhookId": one, "since": since, "run": run} for one in webhooks for run in (False, True)
        ],
        ids["action"]: [{}, {"idempotencyKey": "k-1"}],
    }


def requests(ids: Ids) -> dict[str, list[dict[str, Any]]]:
    """The parameters that name somebody's things, by method."""
    task_ids = [f"{ids['integration']}.{ids['execution']}", ids["execution"], f"{ids['webhook']}.{ids['execution']}"]
    callback = params(ids["url"], new_secret(), name="secret.event")
    return {
        "server/discover": [{}],
        "initialize": [{}],
        "ping": [{}],
        "tools/list": [{}, {"cursor": ids["cursor"]}],
        "tools/call": [{"name": name, "arguments": one} for name, cases in tools(ids).items() for one in cases],
        "tasks/get": [{"taskId": id_} for id_ in task_ids],
        "tasks/update": [{"taskId": id_} for id_ in task_ids],
        "tasks/cancel": [{"taskId": id_} for id_ in task_ids],
        "events/list": [{}, {"cursor": "secret.event"}],
        "events/subscribe": [callback],
        "events/unsubscribe": [params(ids["url"], None), params(ids["url"], None, name="secret.event")],
        "events/poll": [{"name": "secret.event"}, {"name": ORDER, "cursor": ids["event"]}],
    }


@pytest.fixture
def theirs(endpoint: Receiver, outbox: Outbox) -> Ids:
    """One thing of each kind of the tenant globex, and what acme has itself."""
    connected(f"{endpoint.url}/own", name="Own", actions=[{"name": "send"}])
    describe()
    agent = token("globex")
    actions = [{"name": "send"}, {"name": "list", "effect": "read"}]
    integration = connected(f"{endpoint.url}/vault", tenant="globex", name="Vault", actions=actions)
    ran = result(modern("tools/call", {"name": "vault_send", "arguments": {}}, token=agent))
    describe(tenant="globex")
    describe("secret.event", tenant="globex")
    subscription = subscribed_by_mcp(endpoint, agent, new_secret())["id"]
    webhook = subscribed(tenant="globex", url=f"{endpoint.url}/webhook", events=["*"])["id"]
    outbox.take()
    event = publish("secret.event", {"theirs": "treasure"}, tenant="globex")["id"]
    dispatch(*(record(sent.body) for sent in outbox.take()))
    [delivery] = call("GET", f"/integrations/webhooks/{webhook}/deliveries", tenant="globex").data
    endpoint.answer = willing
    endpoint.received.clear()
    return {
        "action": "vault_send",
        "integration": integration,
        "execution": ran["structuredContent"]["executionId"],
        "webhook": webhook,
        "subscription": subscription,
        "delivery": delivery["id"],
        "event": event,
        "cursor": "vault_list",
        "url": f"{endpoint.url}/mcp-events",
    }


def asked(form: str, method: str, sent: dict[str, Any], caller: str, query: str = "") -> Answer:
    if form == "legacy":
        return legacy(method, sent, token=caller, target=f"/mcp{query}")
    headers = {"Mcp-Name": sent["taskId"]} if "taskId" in sent else {}
    return modern(method, sent, token=caller, capabilities=TASKS, headers=headers, target=f"/mcp{query}")


def shown(answer: Answer, ids: Ids) -> str:
    """An answer without the ids that it was asked with, and without the moment at which it was asked."""
    text = json.dumps([answer.status, answer.body])
    for kind, id_ in ids.items():
        text = text.replace(id_, kind).replace(id_.replace("_", " "), kind)
    return text


def test_every_method_and_tool_has_its_cases() -> None:
    assert {*requests(UNKNOWN | {"url": "u"})} == {*methods.MODERN_METHODS, *methods.LEGACY_METHODS}
    own = {tool.name for tool in (*router.TOOLS, *debug_tools.TOOLS)}
    assert {*tools(UNKNOWN)} == {*own, UNKNOWN["action"]}


@pytest.mark.parametrize("form", ["modern", "legacy"])
@pytest.mark.parametrize("method", sorted({*methods.MODERN_METHODS, *methods.LEGACY_METHODS}))
def test_what_another_tenant_has_looks_like_what_does_not_exist(
    theirs: Ids, endpoint: Receiver, form: str, method: str
) -> None:
    caller = token("acme")
    unknown = UNKNOWN | {"url": theirs["url"]}
    before, audit_before = rows(), call("GET", "/audit?limit=100", tenant="globex").data
    for query in ("", "?mode=router", "?mode=direct"):
        for there, nowhere in zip(requests(theirs)[method], requests(unknown)[method], strict=True):
            found = asked(form, method, there, caller, query)
            assert "treasure" not in json.dumps(found.body)
            assert found.status != 500
            if method == "events/poll" and "cursor" in there:
                assert found.body["result"]["events"] == []
                continue
            assert shown(found, theirs) == shown(asked(form, method, nowhere, caller, query), unknown), there
    assert rows() == before
    assert endpoint.received == []
    assert call("GET", "/audit?limit=100", tenant="globex").data == audit_before


def test_the_tokens_that_a_container_keeps_stay_with_their_tenants(theirs: Ids) -> None:
    mine, other = token("acme"), token("globex")
    for _ in range(3):
        for caller, own, foreign in ((mine, "own_send", "vault_send"), (other, "vault_send", "own_send")):
            names = {tool["name"] for tool in result(modern("tools/list", token=caller))["tools"]}
            assert own in names
            assert foreign not in names
        assert modern("tools/list", token=mine, target="/mcp/globex").status == 403
        assert modern("tools/list", token=other, target="/mcp/globex").status == 200


@pytest.mark.parametrize("form", ["modern", "legacy"])
def test_a_read_only_token_of_the_same_tenant_changes_nothing(theirs: Ids, endpoint: Receiver, form: str) -> None:
    caller = token("globex", read_only=True)
    before = rows()
    for query in ("", "?mode=router", "?mode=direct"):
        for method, cases in requests(theirs).items():
            for sent in cases:
                assert asked(form, method, sent, caller, query).status != 500
    for extra in ({"idempotency-key": "k-2"}, {"Mcp-Name": "vault_send"}):
        sent = {"name": "vault_send", "arguments": {"readOnly": False}}
        modern("tools/call", sent, token=caller, headers=extra, meta={"jobsprint/idempotencyKey": "k-3"})
    assert rows() == before
    assert endpoint.received == []
