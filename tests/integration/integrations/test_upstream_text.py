"""No operation hands on a secret that its upstream repeats: not in answers, health, logs, rows, messages or events."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from jobsprint.core import aws as clients
from jobsprint.core.errors import UpstreamFailed
from jobsprint.core.redaction import MASK
from jobsprint.domain.oauth import Client, TokenEndpoint, Tokens
from jobsprint.integrations import oauth_client
from tests.support.call import Answer, Context, call, handler
from tests.support.mcp import FakeServer, RpcError, text_result, tool
from tests.support.receiver import Received, Receiver, Reply
from tests.support.rows import connected, rows, subscribed

pytestmark = pytest.mark.usefixtures("aws")

TOKEN = "mcpT0ken-4eC39HqLyjWDarjtT1zdp7dc"
SAID = f"cannot use key {TOKEN}"
CHALLENGE = {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="mail {TOKEN}"'}


def says() -> Any:
    raise RpcError(-32000, SAID)


FAULTS: dict[str, Callable[[Any], Any]] = {
    "error": lambda _: says(),
    "long error": lambda _: (_ for _ in ()).throw(RpcError(-32000, "e" * 190 + TOKEN)),
    "result": lambda _: text_result(SAID),
    "tool error": lambda _: {"isError": True, "content": [{"type": "text", "text": "e" * 290 + TOKEN}]},
    "structured": lambda _: {"isError": True, "structuredContent": {"error": {"message": SAID}}},
    "scope": lambda _: Reply(403, b"", CHALLENGE),
    "unauthorized": lambda _: Reply(401, {"error": SAID}, {"WWW-Authenticate": f'Bearer realm="{TOKEN}"'}),
    "page": lambda _: Reply(500, SAID.encode()),
}


def mcp(server: FakeServer) -> Answer:
    body = {"authType": "token", "token": TOKEN, "serverUrl": server.url, "name": "Tools"}
    return call("POST", "/integrations/mcp_server/connect", body=body)


def messages() -> list[str]:
    """Everything in every queue."""
    found = []
    for url in clients.sqs().list_queues().get("QueueUrls", []):
        while got := clients.sqs().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            found += [message["Body"] for message in got]
    return found


def everything(integration_id: str) -> str:
    """All that can be read of an integration, and all that is stored or queued."""
    shown = [call("GET", f"/integrations/{integration_id}{more}").body for more in ("", "/logs")]
    shown += [call("GET", "/integrations").body, call("GET", "/integrations/available?query=Tools").body]
    return json.dumps([shown, rows(), messages()])


def absent(text: str, secret: str = TOKEN) -> bool:
    """Whether neither the secret nor its first half is there."""
    return secret[: len(secret) // 2] not in text


@pytest.mark.parametrize("method", ["initialize", "tools/list"])
@pytest.mark.parametrize("fault", FAULTS)
def test_connecting_a_server_that_repeats_its_token(endpoint: Receiver, fault: str, method: str) -> None:
    server = FakeServer(endpoint, on={method: FAULTS[fault]})

    answer = mcp(server)

    assert answer.status >= 400
    assert absent(json.dumps(answer.body))


def test_the_sentence_of_an_error_stays(endpoint: Receiver) -> None:
    answer = mcp(FakeServer(endpoint, on={"tools/list": FAULTS["error"]}))
    assert answer.error["message"] == f"The server says: cannot use key {MASK}"


@pytest.mark.parametrize("fault", FAULTS)
def test_testing_and_running_on_a_server_that_repeats_its_token(endpoint: Receiver, fault: str) -> None:
    subscribed(url=f"{endpoint.url}/hook", events=["integration.*"])
    server = FakeServer(endpoint, tools=[tool("say")], token=TOKEN)
    integration_id = str(mcp(server).data["id"])
    server.on = dict.fromkeys(("tools/list", "tools/call"), FAULTS[fault])

    answers = [call("POST", f"/integrations/{integration_id}/test") for _ in range(3)]
    health = call("GET", f"/integrations/{integration_id}").data["health"]
    answers.append(call("PATCH", f"/integrations/{integration_id}", body={"token": TOKEN}))
    answers.append(call("POST", f"/integrations/{integration_id}/actions/say", body={"parameters": {}}))
    headers = {"Prefer": "respond-async"}
    background = call("POST", f"/integrations/{integration_id}/actions/say", body={"parameters": {}}, headers=headers)

    kept = json.dumps([answer.body for answer in answers]) + everything(integration_id)
    assert health["status"] == "unhealthy"
    assert background.status in (202, 409), "its message is among those looked at"
    assert absent(kept)


def test_an_execution_in_the_background(endpoint: Receiver, aws: dict[str, Any]) -> None:
    server = FakeServer(endpoint, tools=[tool("say")], token=TOKEN, called=lambda *_: FAULTS["tool error"](None))
    integration_id = str(mcp(server).data["id"])
    path = f"/integrations/{integration_id}/actions/say"
    execution = call("POST", path, body={"parameters": {}}, headers={"Prefer": "respond-async"}).data["executionId"]
    [message] = clients.sqs().receive_message(QueueUrl=aws["ExecutionQueue"])["Messages"]
    handler("run_executions")({"Records": [{"messageId": "1", "body": message["Body"]}]}, Context())

    answer = call("GET", f"/integrations/{integration_id}/executions/{execution}")

    assert answer.data["status"] == "failed"
    assert absent(json.dumps(answer.body) + everything(integration_id))


def test_tools_that_are_described_with_the_token(endpoint: Receiver) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "description": SAID, "default": TOKEN}}}
    described = {"name": "say", "description": f"{'d' * 1990}{TOKEN}", "inputSchema": schema}
    server = FakeServer(endpoint, tools=[described])

    answer = mcp(server)

    assert answer.status == 201
    assert absent(json.dumps(answer.body) + everything(str(answer.data["id"])))


def test_a_place_in_a_schema_that_is_named_like_the_token(endpoint: Receiver) -> None:
    odd = {"type": "object", "properties": {"x" * 20 + TOKEN: {"$ref": "#/nowhere"}}}
    server = FakeServer(endpoint, tools=[{"name": "say", "description": "Says", "inputSchema": odd}])

    answer = mcp(server)

    assert "x" * 20 in answer.data["message"]
    assert absent(answer.data["message"])


@pytest.mark.parametrize("status", [400, 401, 500])
def test_a_token_endpoint_whose_error_is_the_refresh_token(endpoint: Receiver, status: int) -> None:
    endpoint.answer = lambda _: Reply(status, {"error": "r0a1b2c3d4e5f6", "error_description": "r0a1b2c3d4e5f6"})
    point = TokenEndpoint(f"{endpoint.url}/token", Client("us"), "https://mcp.example")

    with pytest.raises(UpstreamFailed) as caught:
        oauth_client.refresh(point, Tokens("access", refresh="r0a1b2c3d4e5f6"))

    assert "r0a1b2c3d4e5f6" not in f"{caught.value.message} {caught.value.code} {vars(caught.value)}"


# --- custom -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", range(165, 205))
def test_a_secret_on_the_edge_of_a_cut_message(endpoint: Receiver, length: int) -> None:
    endpoint.answer = lambda request: Reply(200, {"success": False, "error": "e" * length + request.headers["x-any"]})
    integration_id = connected(endpoint.url, headers={"X-Any": TOKEN}, actions=[{"name": "send"}])

    answer = call("POST", f"/integrations/{integration_id}/actions/send", body={"parameters": {}})

    assert answer.status == 502
    assert TOKEN[:6] not in json.dumps(answer.body) + everything(integration_id)


def test_plain_header_values_damage_no_result(endpoint: Receiver) -> None:
    endpoint.answer = lambda _: Reply(200, {"data": 1, "year": 2024, "note": "data of 2024", "key": TOKEN})
    headers = {"X-Version": "2024", "X-Env": "data", "Authorization": f"Bearer {TOKEN}"}
    integration_id = connected(endpoint.url, headers=headers, actions=[{"name": "send"}])

    answer = call("POST", f"/integrations/{integration_id}/actions/send", body={"parameters": {}})

    assert answer.data["result"] == {"success": True, "data": 1, "year": 2024, "note": "data of 2024", "key": MASK}
    [entry] = call("GET", f"/integrations/{integration_id}/logs").data
    assert entry["output"] == answer.data["result"]
    shown = call("GET", f"/integrations/{integration_id}").data["configuration"]["headers"]
    assert shown == dict.fromkeys(headers, MASK), "stored values are never shown"


# --- n8n --------------------------------------------------------------------------------------------------------------

KEY, HOOK_TOKEN = "n8n_api_4eC39HqLyjWDarjt", "hookT0ken-Zq8LmN2x"


def n8n(endpoint: Receiver, **more: Any) -> Answer:
    auth = {"default": {"type": "header", "name": "X-Hook", "value": HOOK_TOKEN}}
    body = {"baseUrl": endpoint.url, "apiKey": KEY, "webhookAuth": auth, **more}
    return call("POST", "/integrations/n8n_workflows/connect", body=body)


def n8n_that_says(text: str, status: int = 200) -> Callable[[Received], Reply]:
    """An n8n with one workflow, whose name and description are that text, as are answer and execution."""
    node = {
        "type": "n8n-nodes-base.webhook",
        "name": "Webhook",
        "parameters": {"httpMethod": "POST", "path": "in", "authentication": "headerAuth", "responseMode": "lastNode"},
    }
    workflow = {"id": "w1", "name": "send", "description": text, "active": True, "activeVersion": {"nodes": [node]}}
    calls: list[str] = []

    def answer(request: Received) -> Reply:
        path = request.path.partition("?")[0]
        if path == "/api/v1/discover":
            return Reply(200, {"data": {"scopes": ["workflow:list", "execution:list", "execution:read"]}})
        if path == "/api/v1/workflows":
            return Reply(200, {"data": [workflow]})
        if path == "/api/v1/executions":
            error = {"error": {"message": text}, "lastNodeExecuted": text}
            return Reply(200, {"data": [{"id": 7, "data": {"call": calls, "resultData": error}}]})
        calls.append(request.headers["x-jobsprint-call-id"])
        return Reply(status, {"success": status == 200, "message": text, "note": [text]})

    return answer


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("secret", [KEY, HOOK_TOKEN])
def test_n8n_that_repeats_its_secrets(endpoint: Receiver, secret: str, status: int) -> None:
    for filler in ("", "e" * 90, "e" * 190, "e" * 480):
        endpoint.answer = n8n_that_says(f"{filler}{secret}", status)
        made = n8n(endpoint)
        assert made.status == 201, made.body
        integration_id = str(made.data["id"])
        answers = [
            made,
            call("POST", f"/integrations/{integration_id}/test"),
            call("POST", f"/integrations/{integration_id}/actions/send", body={"parameters": {}}),
        ]
        assert absent(json.dumps([answer.body for answer in answers]) + everything(integration_id), secret)
