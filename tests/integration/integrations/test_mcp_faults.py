"""MCP servers that fail: what an action and a test say of each, and that no action is ever sent twice."""

import gzip
import time
from typing import Any

import pytest

from jobsprint.actions import service
from jobsprint.connectors.mcp import connector
from tests.conftest import forget_settings
from tests.support.call import Answer, call
from tests.support.mcp import FakeServer, raw, sse_text, stream_head, text_result, tool
from tests.support.receiver import Receiver, Reply, receiving

pytestmark = pytest.mark.usefixtures("aws")

ERAS = ("modern", "handshake")


@pytest.fixture(params=ERAS)
def server(request: pytest.FixtureRequest, endpoint: Receiver) -> FakeServer:
    return FakeServer(endpoint, era=request.param, tools=[tool("say")])


@pytest.fixture
def integration_id(server: FakeServer) -> str:
    answer = call(
        "POST", "/integrations/mcp_server/connect", body={"authType": "none", "serverUrl": server.url, "name": "Tools"}
    )
    assert answer.status == 201, answer.body
    return str(answer.data["id"])


def act(integration_id: str) -> Answer:
    return call("POST", f"/integrations/{integration_id}/actions/say", body={"parameters": {}})


def status_of(integration_id: str) -> Any:
    """The newest log entry's status."""
    return call("GET", f"/integrations/{integration_id}/logs").data[0]["status"]


def answered(value: Any, request_id: int) -> bytes:
    return sse_text({"jsonrpc": "2.0", "id": request_id, "result": value})


@pytest.mark.parametrize(
    ("reply", "status", "code", "logged"),
    [
        (Reply(401, headers={"WWW-Authenticate": "Bearer"}), 502, "upstream_unauthorized", "error"),
        (Reply(403, b"Forbidden"), 502, "upstream_refused", "error"),
        (Reply(429, headers={"Retry-After": "17"}), 429, "upstream_rate_limited", "error"),
        (Reply(500, b"oops"), 502, "upstream_failed", "error"),
        (Reply(503), 502, "upstream_failed", "error"),
        (Reply(302, headers={"Location": "http://127.0.0.1:1/"}), 502, "upstream_redirect", "error"),
        (Reply(504), 502, "upstream_failed", "unknown"),
        (Reply(200, b"no json"), 502, "upstream_protocol", "unknown"),
        (Reply(200, [1, 2]), 502, "upstream_protocol", "unknown"),
        (Reply(200, {"jsonrpc": "2.0", "id": 99, "result": {}}), 502, "upstream_protocol", "unknown"),
        (Reply(200, {"jsonrpc": "2.0", "id": 1}), 502, "upstream_protocol", "unknown"),
        (Reply(200, b"x" * 50_000_000), 502, "upstream_answer_too_large", "error"),
        (Reply(202), 502, "upstream_protocol", "unknown"),
        (raw(), 502, "outcome_unknown", "unknown"),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Le"), 502, "outcome_unknown", "unknown"),
        (raw(stream_head(500), b'data: {"jsonrpc"'), 502, "outcome_unknown", "unknown"),
        (raw(stream_head(), b'data: {"jsonrpc"'), 502, "outcome_unknown", "unknown"),
        (raw(stream_head(), sse_text()), 502, "outcome_unknown", "unknown"),
    ],
)
def test_each_fault_of_an_action(
    server: FakeServer, integration_id: str, reply: Reply, status: int, code: str, logged: str
) -> None:
    server.on["tools/call"] = lambda _: reply

    answer = act(integration_id)

    assert (answer.status, answer.error["code"]) == (status, code)
    assert status_of(integration_id) == logged
    assert len(server.calls()) == 1
    if status == 429:
        assert answer.headers["Retry-After"] == "17"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"code": -32603, "message": "Bearer abcdefghijklmnop broke"}, "upstream_failed"),
        ({"code": -32601, "message": "Method not found"}, "upstream_failed"),
        ({"code": -32042, "message": "Open a page first"}, "input_required"),
        ({"code": "odd"}, "upstream_failed"),
    ],
)
@pytest.mark.parametrize("http_status", [200, 400])
def test_each_json_rpc_error(
    server: FakeServer, integration_id: str, error: dict[str, Any], code: str, http_status: int
) -> None:
    def failed(_: Any) -> Reply:
        sent = server.receiver.received[-1].json
        return Reply(http_status, {"jsonrpc": "2.0", "id": sent["id"], "error": error})

    server.on["tools/call"] = failed

    answer = act(integration_id)

    assert (answer.status, answer.error["code"]) == (502, code)
    assert "abcdefghijklmnop" not in answer.error["message"]
    assert len(server.calls()) == 1


def test_a_hang_is_a_timeout_of_unknown_outcome(
    server: FakeServer, integration_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "ACTION_SECONDS", 0.5)
    server.on["tools/call"] = lambda _: raw(hold=1.5)
    began = time.monotonic()

    answer = act(integration_id)

    assert (answer.status, answer.error["code"]) == (504, "upstream_timeout")
    assert "unknown" in answer.error["message"]
    assert status_of(integration_id) == "unknown"
    assert time.monotonic() - began < 1.2


def test_a_drip_of_comments_does_not_stretch_the_time(
    server: FakeServer, integration_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "ACTION_SECONDS", 0.5)

    def write(out: Any) -> None:
        out.write(stream_head())
        for _ in range(20):
            out.write(b": ping\n\n")
            out.flush()
            time.sleep(0.1)

    server.on["tools/call"] = lambda _: Reply(write=write)

    assert act(integration_id).status == 504


def test_a_handshake_that_hangs_leaves_nothing_unknown(endpoint: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    server = FakeServer(endpoint, tools=[tool("say")])
    body = {"authType": "none", "serverUrl": server.url}
    integration_id = call("POST", "/integrations/mcp_server/connect", body=body).data["id"]
    monkeypatch.setattr(service, "ACTION_SECONDS", 0.5)
    server.on["initialize"] = lambda _: raw(hold=1.0)

    answer = act(integration_id)

    assert (answer.status, "unknown" in answer.error["message"]) == (504, False)
    assert status_of(integration_id) == "error"
    assert server.calls() == []


def test_a_stream_left_open_after_the_answer_is_not_waited_for(server: FakeServer, integration_id: str) -> None:
    def held(_: Any) -> Reply:
        request_id = server.receiver.received[-1].json["id"]
        return raw(stream_head(), answered(text_result("done"), request_id), hold=3.0)

    server.on["tools/call"] = held
    began = time.monotonic()

    answer = act(integration_id)

    assert answer.data["result"] == {"success": True, "text": "done"}
    assert time.monotonic() - began < 2.0


def test_a_compressed_stream_is_read_as_it_comes(server: FakeServer, integration_id: str) -> None:
    def held(_: Any) -> Reply:
        request_id = server.receiver.received[-1].json["id"]
        body = gzip.compress(answered(text_result("packed"), request_id))
        head = stream_head().replace(b"Connection", b"Content-Encoding: gzip\r\nConnection")
        return raw(head, body, hold=0.5)

    server.on["tools/call"] = held

    assert act(integration_id).data["result"]["text"] == "packed"


def test_a_batch_and_an_answer_to_somebody_else_are_told_apart(server: FakeServer, integration_id: str) -> None:
    def batch(_: Any) -> Reply:
        request_id = server.receiver.received[-1].json["id"]
        others = [
            {"jsonrpc": "2.0", "id": 77, "result": {"content": []}},
            {"jsonrpc": "2.0", "method": "ping", "id": 5},
        ]
        return Reply(200, [*others, {"jsonrpc": "2.0", "id": request_id, "result": text_result("mine")}])

    server.on["tools/call"] = batch

    assert act(integration_id).data["result"]["text"] == "mine"


def test_what_asks_for_input_is_an_outcome_of_its_own(server: FakeServer, integration_id: str) -> None:
    asked = {"resultType": "input_required", "inputRequests": {"a": {}}, "requestState": "state-1"}
    server.on["tools/call"] = lambda _: asked

    answer = act(integration_id)

    assert (answer.status, answer.error["code"]) == (502, "input_required")


# --- the test names it ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(401), "credential_rejected"),
        (Reply(403), "forbidden"),
        (Reply(404), "not_found"),
        (Reply(429, headers={"Retry-After": "17"}), "rate_limited"),
        (Reply(500), "http_5xx"),
        (Reply(302, headers={"Location": "/x"}), "redirect"),
        (Reply(200, b"<html>"), "protocol"),
        (raw(), "reset"),
        (raw(stream_head(), sse_text()), "reset"),
        (Reply(200, b"y" * 20_000_000), "answer_too_large"),
    ],
)
def test_a_test_says_what_is_wrong_and_what_to_do(
    server: FakeServer, integration_id: str, reply: Reply, reason: str
) -> None:
    server.on["tools/list"] = lambda _: reply

    said = call("POST", f"/integrations/{integration_id}/test")

    result = said.data["testResult"]
    assert (said.status, result["passed"], result["reason"]) == (200, False, reason)
    assert result["nextStep"]
    assert server.calls() == []
    status = "error" if reason == "credential_rejected" else "connected"
    assert call("GET", f"/integrations/{integration_id}").data["status"] == status


def test_a_test_that_hangs_is_a_timeout(
    server: FakeServer, integration_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connector, "TEST_SECONDS", 0.5)
    server.on["tools/list"] = lambda _: raw(hold=1.0)

    assert call("POST", f"/integrations/{integration_id}/test").data["testResult"]["reason"] == "timeout"


def test_a_server_that_is_gone() -> None:
    with receiving() as gone:
        server = FakeServer(gone)
        url = server.url
        body = {"authType": "none", "serverUrl": url}
        integration_id = call("POST", "/integrations/mcp_server/connect", body=body).data["id"]
    forget_settings()  # closes the kept connection, as the server's end would

    result = call("POST", f"/integrations/{integration_id}/test").data["testResult"]
    assert (result["passed"], result["reason"]) == (False, "connect")
    answer = call("POST", "/integrations/mcp_server/connect", body=body)
    assert (answer.status, answer.error["code"]) == (502, "upstream_connect")
