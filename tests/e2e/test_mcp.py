"""The MCP endpoint on the deployed stack: over HTTP, under enforced IAM, and no tenant reaches another by any name."""

import asyncio
import json
from typing import Any, Literal

import httpx2
import pytest
import requests
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from jobsprint.core.clock import iso_seconds, now_ms
from tests.e2e.api import Api, eventually
from tests.e2e.local_stack import Stack
from tests.support.receiver import Receiver, Reply

MODERN = "2026-07-28"


def ask(api: Api, method: str, target: str = "/mcp", **params: Any) -> requests.Response:
    """One message of revision 2026-07-28."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": {"name": "e2e", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}
    headers = {"MCP-Protocol-Version": MODERN, "Mcp-Method": method}
    if "name" in params:
        headers["Mcp-Name"] = params["name"]
    return api.call("POST", target, body, headers=headers)


def use(api: Api, tool: str, **arguments: Any) -> dict[str, Any]:
    """The structured content of a tool's result."""
    answer = ask(api, "tools/call", name=tool, arguments=arguments)
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["result"]["structuredContent"])


@pytest.fixture
def chat(api: Api, receiver: Receiver) -> str:
    """An integration with two actions, one of which only reads."""
    receiver.answer = lambda request: Reply(body={"success": True, "got": request.json["parameters"]})
    actions = [{"name": "send"}, {"name": "list", "effect": "read"}]
    return api.connect_custom(f"{receiver.url}/chat", name="Chat", actions=actions)


@pytest.fixture
def other_api(stack: Stack) -> Api:
    """The API for another tenant."""
    return Api.of(stack)


def test_actions_are_tools_and_a_repeat_with_a_key_runs_once(api: Api, chat: str, receiver: Receiver) -> None:
    assert ask(api, "server/discover").json()["result"]["supportedVersions"][0] == MODERN
    names = [tool["name"] for tool in ask(api, "tools/list").json()["result"]["tools"]]
    assert [name for name in names if name.startswith("chat")] == ["chat_list", "chat_send"]
    first, second = (use(api, "chat_send", text="hi", idempotencyKey="k") for _ in range(2))
    assert first["result"]["got"] == {"text": "hi"}
    assert (first["replayed"], second["replayed"], first["executionId"]) == (False, True, second["executionId"])
    assert len([request for request in receiver.received if request.path == "/chat"]) == 1


@pytest.mark.usefixtures("chat")
def test_the_router_finds_runs_and_lists(api: Api) -> None:
    found = use(api, "search_actions", query="send")["actions"]
    assert found[0]["action"] == "chat_send"
    assert use(api, "describe_action", action="chat_list")["annotations"]["readOnlyHint"] is True
    assert use(api, "read_action", action="chat_list", arguments={})["status"] == "succeeded"
    assert use(api, "write_action", action="chat_send", arguments={"a": 1})["status"] == "succeeded"
    assert use(api, "list_connections")["connections"][0]["prefix"] == "chat"


def test_an_execution_in_the_background_is_read_by_its_id(api: Api, chat: str) -> None:
    headers = {"Prefer": "respond-async"}
    path = f"/integrations/{chat}/actions/send"
    begun = api.data("POST", path, {"parameters": {}}, headers=headers)["executionId"]
    found = eventually(
        lambda: (
            (seen := use(api, "get_execution", action="chat_send", executionId=begun))["status"] != "running" and seen
        )
    )
    assert (found["status"], found["executionId"]) == ("succeeded", begun)


def test_no_tenant_reaches_another(api: Api, other_api: Api, chat: str, receiver: Receiver) -> None:
    headers = {"Prefer": "respond-async"}
    path = f"/integrations/{chat}/actions/send"
    begun = api.data("POST", path, {"parameters": {}}, headers=headers)["executionId"]
    before = len(receiver.received)
    assert "chat" not in ask(other_api, "tools/list").text
    assert ask(other_api, "tools/call", name="chat_send", arguments={}).json()["error"]["code"] == -32602
    for tool, arguments in {
        "describe_action": {"action": "chat_send"},
        "read_action": {"action": "chat_list", "arguments": {}},
        "write_action": {"action": "chat_send", "arguments": {}},
        "get_execution": {"action": "chat_send", "executionId": begun},
    }.items():
        assert use(other_api, tool, **arguments)["error"]["code"] == "action_not_found"
    assert use(other_api, "search_actions", query="send")["actions"] == []
    assert use(other_api, "list_connections")["connections"] == []
    other_api.connect_custom(f"{receiver.url}/own", name="Chat")
    stolen = use(other_api, "get_execution", action="chat_send", executionId=begun)
    assert stolen["error"]["code"] == "execution_not_found"
    assert len([request for request in receiver.received[before:] if request.path == "/own"]) == 0
    assert chat not in json.dumps(ask(other_api, "tools/list").json())


def test_without_a_token_or_by_another_method_it_says_what_to_do(api: Api) -> None:
    nobody = requests.post(f"{api.url}/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "ping"}, timeout=35)
    assert nobody.status_code == 401
    url = nobody.headers["WWW-Authenticate"].partition('resource_metadata="')[2].rstrip('"')
    assert requests.get(url, timeout=35).json()["resource"] == f"{api.url}/mcp"
    assert [api.call(method, "/mcp").status_code for method in ("GET", "DELETE")] == [405, 405]
    assert ask(api, "tools/list", target="/mcp/somebody").status_code == 403


def test_a_failing_delivery_is_found_and_sent_again(api: Api, receiver: Receiver) -> None:
    receiver.answer = lambda _: Reply(500, b"the database is down")
    webhook = api.create_webhook(receiver.url)["id"]
    event = api.data("POST", "/events", {"event": "order.paid", "data": {}})["id"]
    [failing] = eventually(lambda: use(api, "webhook_deliveries", webhookId=webhook, failure="http_5xx")["deliveries"])
    detail = use(api, "webhook_delivery", webhookId=webhook, deliveryId=failing["id"])["delivery"]
    assert "the database is down" in json.dumps(detail)
    assert use(api, "webhook_list")["webhooks"][0]["id"] == webhook
    assert use(api, "webhook_stats", webhookId=webhook)["webhook"]["id"] == webhook
    assert event in [one["id"] for one in use(api, "webhook_events")["events"]]
    receiver.answer = lambda _: Reply()
    assert use(api, "webhook_test", webhookId=webhook)["test"]["testResult"]["passed"] is True
    use(api, "webhook_resend", webhookId=webhook, deliveryId=failing["id"])
    recent = iso_seconds(now_ms() - 3_600_000)
    assert use(api, "webhook_recover", webhookId=webhook, since=recent)["recovery"]["query"]["dryRun"] is True
    assert use(api, "webhook_recover", webhookId=webhook, since=recent, run=True)["recovery"]["id"]


@pytest.mark.usefixtures("chat")
@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_official_client_uses_it_in_both_forms(api: Api, mode: Literal["auto", "legacy"]) -> None:
    async def used() -> tuple[str, list[str], Any]:
        async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {api.token}"}, timeout=35) as http:
            transport = streamable_http_client(f"{api.url}/mcp", http_client=http)
            async with Client(transport, mode=mode) as client:
                tools = [tool.name for tool in (await client.list_tools()).tools]
                result = await client.call_tool("chat_send", {"text": "hi", "idempotencyKey": mode})
                return client.protocol_version, tools, result

    version, tools, result = asyncio.run(used())
    assert version == {"auto": MODERN, "legacy": "2025-11-25"}[mode]
    assert "chat_list" in tools
    assert result.structured_content["result"]["got"] == {"text": "hi"}
