"""MCP servers as integrations: connect, test, act, against servers of the official SDK in both eras and a made one."""

import json
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from jobsprint.connectors.mcp.tools import MAX_TOOLS
from jobsprint.repositories.integrations import IntegrationStore
from tests.support.call import Answer, call
from tests.support.mcp import FakeServer, RpcError, SdkServer, sdk_server, text_result, tool
from tests.support.receiver import Receiver, Reply
from tests.support.rows import rows

pytestmark = pytest.mark.usefixtures("aws")

TOKEN = "mcp-s3cret-token"


@pytest.fixture(scope="module")
def sdk() -> Iterator[Callable[[str], SdkServer]]:
    """The SDK's server of an era, started once."""
    with ExitStack() as stack:
        running: dict[str, SdkServer] = {}

        def server(era: str) -> SdkServer:
            if era not in running:
                running[era] = stack.enter_context(sdk_server(era))
            return running[era]

        yield server


def connect(url: str, target: str = "mcp_server", **body: Any) -> Answer:
    return call("POST", f"/integrations/{target}/connect", body={"authType": "none", "serverUrl": url, **body})


def connected(url: str, **body: Any) -> str:
    answer = connect(url, **body)
    assert answer.status == 201, answer.body
    return str(answer.data["id"])


def act(integration_id: str, action: str, **parameters: Any) -> Answer:
    return call("POST", f"/integrations/{integration_id}/actions/{action}", body={"parameters": parameters})


def health_of(integration_id: str) -> Any:
    return call("POST", f"/integrations/{integration_id}/test").data["testResult"]


def connector_state(integration_id: str) -> dict[str, Any]:
    return dict(IntegrationStore("acme").get(integration_id).connector_state)


ERAS = [
    ("modern", {"era": "modern", "version": "2026-07-28"}),
    ("handshake", {"era": "handshake", "version": "2025-11-25"}),
    ("dual", {"era": "modern", "version": "2026-07-28"}),
]


# --- the official SDK -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("era", "found"), ERAS)
def test_a_server_of_the_sdk_from_connect_to_log(
    sdk: Callable[[str], SdkServer], era: str, found: dict[str, str]
) -> None:
    server = sdk(era)
    answer = connect(server.url, name="My tools")

    assert (answer.status, answer.data["status"], answer.data["type"]) == (201, "connected", "mcp")
    integration_id = answer.data["id"]
    assert connector_state(integration_id).items() >= found.items()
    shown = call("GET", f"/integrations/{integration_id}").data
    assert {one["name"] for one in shown["capabilities"]} == {"echo", "add", "fail", "picture", "slowly", "region"}
    [add] = [one for one in shown["capabilities"] if one["name"] == "add"]
    assert add == {
        "name": "add",
        "title": "Add numbers",
        "description": "Adds two numbers",
        "effect": "read",
        "parameters": [
            {"name": "a", "type": "integer", "required": True},
            {"name": "b", "type": "integer", "required": False, "description": "The second number"},
        ],
    }
    [kept] = [one for one in IntegrationStore("acme").get(integration_id).capabilities if one.name == "add"]
    assert (kept.idempotent, kept.closed_world) == (True, True)
    assert kept.output_schema
    assert kept.output_schema["properties"].keys() == {"total"}

    assert act(integration_id, "echo", text='{"a": [1]}').data["result"] == {"success": True, "a": [1]}
    assert act(integration_id, "echo", text="Grüße 🎉").data["result"] == {"success": True, "text": "Grüße 🎉"}
    assert act(integration_id, "add", a=2).data["result"] == {"success": True, "total": 3}
    assert act(integration_id, "slowly").data["result"] == {"success": True, "result": "done"}
    assert act(integration_id, "region", name="Zürich").data["result"]["result"] == "Zürich 0"
    assert act(integration_id, "picture").data["result"]["attachments"] == [
        {"type": "image", "mimeType": "image/png", "bytes": 15}
    ]
    failed = act(integration_id, "fail", text="no such row")
    assert (failed.status, failed.error["code"]) == (502, "upstream_failed")
    assert failed.error["message"] == "The tool says it failed: Error executing tool fail: no such row"
    wrong = act(integration_id, "add", a="two")
    assert [detail["field"] for detail in wrong.error["details"]] == ["body.parameters.a"]

    result = health_of(integration_id)
    assert (result["passed"], result["message"]) == (True, "Connection successful")
    logged = call("GET", f"/integrations/{integration_id}/logs?status=error").data
    assert [entry["action"] for entry in logged] == ["fail"]


def test_a_modern_call_is_one_request_with_its_headers(sdk: Callable[[str], SdkServer]) -> None:
    server = sdk("modern")
    integration_id = connected(server.url)
    before = len(server.requests())

    act(integration_id, "region", name="Zürich")

    [(verb, method, headers)] = server.requests()[before:]
    assert (verb, method) == ("POST", "tools/call")
    sent = {name: value for name, value in headers.items() if name.startswith("mcp-")}
    assert sent == {
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": "region",
        "mcp-param-region": "=?base64?WsO8cmljaA==?=",
    }


def test_a_handshake_call_opens_and_ends_a_session(sdk: Callable[[str], SdkServer]) -> None:
    server = sdk("handshake")
    integration_id = connected(server.url)
    before = len(server.requests())

    act(integration_id, "echo", text="hi")

    asked = server.requests()[before:]
    assert [(verb, method) for verb, method, _ in asked] == [
        ("POST", "initialize"),
        ("POST", "notifications/initialized"),
        ("POST", "tools/call"),
        ("DELETE", None),
    ]
    assert len({headers.get("mcp-session-id") for _, _, headers in asked[1:]}) == 1
    assert {headers["mcp-protocol-version"] for _, _, headers in asked[1:]} == {"2025-11-25"}


def test_a_fresh_list_is_not_asked_for_again(sdk: Callable[[str], SdkServer]) -> None:
    server = sdk("modern")  # says that its list is good for a minute
    integration_id = connected(server.url)
    assert connector_state(integration_id)["toolsFreshUntil"] > 0
    version = IntegrationStore("acme").get(integration_id).version

    assert health_of(integration_id)["passed"]

    assert IntegrationStore("acme").get(integration_id).version == version


# --- credentials ------------------------------------------------------------------------------------------------------


def test_the_token_goes_in_a_header_only_and_is_shown_nowhere(endpoint: Receiver) -> None:
    server = FakeServer(endpoint, tools=[tool("say", text=True)], token=TOKEN)
    server.called = lambda *_: text_result({"echo": f"your token is {TOKEN}"})
    answer = connect(server.url, authType="token", token=TOKEN)
    integration_id = answer.data["id"]
    result = act(integration_id, "say", text=f"hello {TOKEN}")

    assert all(TOKEN not in request.path for request in endpoint.received)
    assert result.data["result"]["echo"] == "your token is ••••••"
    shown = [answer.body, call("GET", f"/integrations/{integration_id}").body, rows()]
    shown.append(call("GET", f"/integrations/{integration_id}/logs").body)
    assert TOKEN not in json.dumps(shown)


@pytest.mark.parametrize(
    ("body", "field"),
    [({"authType": "token", "token": "wrong"}, "body.token"), ({"authType": "none"}, "body.authType")],
)
def test_a_refused_credential_is_a_wrong_field_and_nothing_is_kept(
    endpoint: Receiver, body: dict[str, str], field: str
) -> None:
    server = FakeServer(endpoint, token=TOKEN)
    before = rows("TenantsTable")

    answer = connect(server.url, **body)

    assert (answer.status, answer.error["code"]) == (422, "credential_rejected")
    assert [detail["field"] for detail in answer.error["details"]] == [field]
    assert rows("TenantsTable") == before


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"body.authType", "body.serverUrl"}),
        ({"authType": "token", "serverUrl": "https://mcp.example"}, {"body.token"}),
        ({"authType": "token", "token": "a\nb", "serverUrl": "https://mcp.example"}, {"body.token"}),
        ({"authType": "basic", "serverUrl": ""}, {"body.authType", "body.serverUrl"}),
        ({"authType": "none", "serverUrl": "ftp://mcp.example"}, {"body.serverUrl"}),
        ({"authType": "none", "serverUrl": "http://169.254.169.254/"}, {"body.serverUrl"}),
        ({"authType": "none", "serverUrl": "https://mcp.example", "more": 1}, {"body.more"}),
        ({"authType": "none", "serverUrl": 7, "name": ""}, {"body.serverUrl", "body.name"}),
    ],
)
def test_every_wrong_field_of_a_body_is_named(body: dict[str, Any], fields: set[str]) -> None:
    answer = call("POST", "/integrations/mcp_server/connect", body=body)

    assert answer.status == 422
    assert {detail["field"] for detail in answer.error["details"]} == fields


def test_a_token_is_changed_and_a_disconnect_wipes_it(endpoint: Receiver) -> None:
    server = FakeServer(endpoint, tools=[tool("say")], token=TOKEN)
    integration_id = connected(server.url, authType="token", token=TOKEN)

    server.token = "another-token"
    assert health_of(integration_id)["reason"] == "credential_rejected"
    assert act(integration_id, "say").error["code"] == "credential_rejected"
    again = call("POST", f"/integrations/{integration_id}/connect", body={"token": "another-token"})
    assert (again.status, again.data["status"]) == (200, "connected")
    server.token = "a-third-token"
    assert call("PATCH", f"/integrations/{integration_id}", body={"token": "a-third-token"}).status == 200
    assert act(integration_id, "say").status == 200

    call("POST", f"/integrations/{integration_id}/disconnect")
    answer = call("POST", f"/integrations/{integration_id}/connect", body={})
    assert {detail["field"] for detail in answer.error["details"]} == {"body.token"}
    again = call("POST", f"/integrations/{integration_id}/connect", body={"token": "a-third-token"})
    assert (again.status, again.data["status"]) == (200, "connected")


# --- what is listed ---------------------------------------------------------------------------------------------------


def paged(pages: list[list[dict[str, Any]]], **more: Any) -> Callable[[dict[str, Any]], Any]:
    """A handler of tools/list; the cursor of the second page is the empty string, which is a valid one."""
    cursors = [None, "", *(f"page {number}" for number in range(2, len(pages)))]

    def handler(params: dict[str, Any]) -> Any:
        number = cursors.index(params.get("cursor"))
        following = {"nextCursor": cursors[number + 1]} if number + 1 < len(pages) else {}
        return {"tools": pages[number], **following, **more}

    return handler


@pytest.mark.parametrize("era", ["modern", "handshake"])
@pytest.mark.parametrize("sse", [False, True])
def test_all_pages_are_read_and_what_cannot_be_used_is_dropped(endpoint: Receiver, era: str, sse: bool) -> None:
    server = FakeServer(endpoint, era=era, sse=sse)
    good = [tool("one"), tool("two.b"), tool("three-C_3")]
    bad: list[Any] = [
        tool("with space"),
        tool("x" * 129),
        tool("slash/ed"),
        tool("one"),
        {"name": "no_schema"},
        {"name": "no_object", "inputSchema": {"type": "string"}},
        {"inputSchema": {"type": "object"}},
        "no tool",
    ]
    server.on["tools/list"] = paged([[good[0], *bad], [good[1]], [good[2]]])

    answer = connect(server.url)

    assert answer.data["message"] == "Connected; 8 of its tools have names or schemas that cannot be used"
    detail = call("GET", f"/integrations/{answer.data['id']}").data
    assert [one["name"] for one in detail["capabilities"]] == ["one", "two.b", "three-C_3"]


def test_a_tool_with_a_bad_header_is_dropped_where_headers_are_sent(endpoint: Receiver) -> None:
    marked = tool("marked", where={"type": "number", "x-mcp-header": "Where"})
    for era, count in (("modern", 0), ("handshake", 1)):
        server = FakeServer(endpoint, era=era, tools=[marked])
        detail = call("GET", f"/integrations/{connected(server.url)}").data
        assert len(detail["capabilities"]) == count


def test_thirty_thousand_tools_are_capped_and_it_is_said(endpoint: Receiver) -> None:
    server = FakeServer(endpoint)
    pages = [[tool(f"tool_{page}_{number}", "Does it. " * 20) for number in range(1000)] for page in range(30)]
    server.on["tools/list"] = paged(pages)

    answer = connect(server.url)

    assert answer.status == 201
    assert "offers more than can be kept" in answer.data["message"]
    detail = call("GET", f"/integrations/{answer.data['id']}").data
    assert 0 < len(detail["capabilities"]) <= MAX_TOOLS
    assert server.methods.count("tools/list") <= 2
    last = detail["capabilities"][-1]["name"]
    assert act(answer.data["id"], last).data["result"]["name"] == last


def test_a_list_that_never_ends_ends(endpoint: Receiver) -> None:
    server = FakeServer(endpoint)
    server.on["tools/list"] = lambda _: {"tools": [tool("one")], "nextCursor": "again"}

    answer = connect(server.url)

    assert answer.status == 201
    assert server.methods.count("tools/list") == 2


def test_large_schemas_are_cut_to_what_one_item_holds(endpoint: Receiver) -> None:
    words = random.Random(7)
    text = ["".join(words.choices("abcdefghijklmnopqrstuvwxyz ", k=1500)) for _ in range(200)]
    server = FakeServer(endpoint, tools=[tool(f"t{number}", said) for number, said in enumerate(text)])

    answer = connect(server.url)

    assert "of its tools can be used here" in answer.data["message"]
    assert 20 < len(call("GET", f"/integrations/{answer.data['id']}").data["capabilities"]) < 200


def test_a_test_takes_in_what_the_server_offers_now(endpoint: Receiver) -> None:
    server = FakeServer(endpoint, tools=[tool("old")])
    integration_id = connected(server.url)
    server.tools = [tool("new", text=True)]

    assert health_of(integration_id)["passed"]

    detail = call("GET", f"/integrations/{integration_id}").data
    assert [one["name"] for one in detail["capabilities"]] == ["new"]
    assert act(integration_id, "old").status == 404
    assert act(integration_id, "new", text="t").status == 200


def test_a_server_that_changed_its_era_is_found_out_again(endpoint: Receiver) -> None:
    server = FakeServer(endpoint, era="modern", tools=[tool("say")])
    integration_id = connected(server.url)

    server.era = "handshake"
    inner = endpoint.answer

    def answer(request: Any) -> Reply:
        if request.method == "POST" and request.headers.get("mcp-protocol-version") == "2026-07-28":
            error = {"code": -32022, "message": "Unsupported", "data": {"supported": ["2025-06-18"]}}
            return Reply(400, {"jsonrpc": "2.0", "id": request.json["id"], "error": error})
        return inner(request)

    endpoint.answer = answer
    assert act(integration_id, "say").status == 200
    assert len(server.calls()) == 2  # the first one was refused unread
    assert health_of(integration_id)["passed"]
    assert connector_state(integration_id)["era"] == "handshake"


# --- sessions ---------------------------------------------------------------------------------------------------------


def test_a_lost_session_is_opened_once_more(endpoint: Receiver) -> None:
    server = FakeServer(endpoint, tools=[tool("say")], sessions=set())
    integration_id = connected(server.url)
    started: list[str] = []

    def note(params: dict[str, Any]) -> Any:
        started.append("x")
        if len(started) == 1:
            assert server.sessions is not None
            server.sessions.clear()
            raise RpcError(-32600, "Session not found", status=404)
        return text_result("done")

    server.on["tools/call"] = note
    endpoint.received.clear()

    assert act(integration_id, "say").data["result"]["text"] == "done"
    assert server.methods == [
        "initialize", "notifications/initialized", "tools/call",
        "initialize", "notifications/initialized", "tools/call", "DELETE",
    ]  # fmt: skip


def test_a_session_lost_twice_is_a_failure(endpoint: Receiver) -> None:
    server = FakeServer(endpoint, tools=[tool("say")], sessions=set())
    integration_id = connected(server.url)

    def lost(_: Any) -> Any:
        raise RpcError(-32000, "Bad Request: No valid session ID provided", status=400)

    server.on["tools/call"] = lost
    endpoint.received.clear()

    assert act(integration_id, "say").status == 502
    assert server.methods.count("tools/call") == 2


# --- the era is never guessed -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403, 429, 502, 503, 504, 302])
def test_a_refused_probe_says_nothing_of_the_era(endpoint: Receiver, status: int) -> None:
    FakeServer(endpoint)
    endpoint.answer = lambda _: Reply(status)

    answer = connect(f"{endpoint.url}/mcp")

    assert answer.status in (422, 429, 502)
    assert [request.json["method"] for request in endpoint.received] == ["server/discover"]


def test_a_web_page_is_no_mcp_server(endpoint: Receiver) -> None:
    endpoint.answer = lambda _: Reply(200, b"<html>Sign in</html>", {"Content-Type": "text/html"})

    answer = connect(endpoint.url)

    assert (answer.status, answer.error["code"]) == (502, "upstream_protocol")
    assert [request.json["method"] for request in endpoint.received] == ["server/discover", "initialize"]


@pytest.mark.parametrize("era", ["modern", "handshake"])
def test_invalid_parameters_are_a_failure_and_no_reason_to_start_again(endpoint: Receiver, era: str) -> None:
    server = FakeServer(endpoint, era=era, tools=[tool("say")])
    integration_id = connected(server.url)

    def refused(_: Any) -> Any:
        raise RpcError(-32602, "Unknown tool: say", status=400)

    server.on["tools/call"] = refused
    endpoint.received.clear()

    answer = act(integration_id, "say")

    assert (answer.status, answer.error["code"]) == (502, "upstream_invalid_parameters")
    assert server.methods.count("tools/call") == 1
    assert server.methods.count("initialize") == (0 if era == "modern" else 1)
