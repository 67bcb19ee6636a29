"""MCP servers that do what the specification does not say, or says less often than one would think."""

import json
import queue
import subprocess
import sys
import time
from collections.abc import Callable
from typing import IO, Any

import pytest

from jobsprint.connectors.mcp import client
from jobsprint.repositories.integrations import IntegrationStore
from tests.support.call import Answer, call
from tests.support.mcp import FakeServer, RpcError, raw, stream_head, text_result, tool
from tests.support.receiver import Received, Receiver, Reply
from tests.support.template import ROOT

pytestmark = pytest.mark.usefixtures("aws")


def connect(server: FakeServer) -> Answer:
    return call("POST", "/integrations/mcp_server/connect", body={"authType": "none", "serverUrl": server.url})


def connected(server: FakeServer) -> str:
    answer = connect(server)
    assert answer.status == 201, answer.body
    return str(answer.data["id"])


def act(integration_id: str, action: str = "say", **parameters: Any) -> Answer:
    return call("POST", f"/integrations/{integration_id}/actions/{action}", body={"parameters": parameters})


def connector_state(integration_id: str) -> dict[str, Any]:
    return dict(IntegrationStore("acme").get(integration_id).connector_state)


def rpc_error(code: int, *, status: int = 200, data: Any = None) -> Callable[[dict[str, Any]], Any]:
    def handler(_: dict[str, Any]) -> Any:
        raise RpcError(code, "odd", data, status=status)

    return handler


def event(value: Any, *, id_: str = "") -> bytes:
    return (f"id: {id_}\n" if id_ else "").encode() + b"data: " + json.dumps(value).encode() + b"\n\n"


# --- schemas ----------------------------------------------------------------------------------------------------------


def test_tools_whose_schemas_cannot_be_checked_stay_and_are_named(endpoint: Receiver) -> None:
    zod = tool("invite", email={"type": "string", "pattern": r"^(?!\.)[\w-.]+@x$"}, age={"type": "integer"})
    nothing = {"name": "list", "inputSchema": {"type": "object", "required": None}}
    either = {"name": "either", "inputSchema": {"type": ["object", "null"], "properties": []}}
    server = FakeServer(endpoint, tools=[zod, nothing, either, tool("say")])

    answer = connect(server)

    assert answer.data["message"] == (
        "Connected; not checked before a call, because of their schemas: "
        "invite (properties.email.pattern), list (required)"
    )
    shown = call("GET", f"/integrations/{answer.data['id']}").data["capabilities"]
    assert [one["name"] for one in shown] == ["invite", "list", "either", "say"]
    assert [one["name"] for one in shown[0]["parameters"]] == ["email", "age"]
    assert act(answer.data["id"], "invite", email="any thing").status == 200
    assert act(answer.data["id"], "invite", age="ten").error["details"][0]["field"] == "body.parameters.age"
    tested = call("POST", f"/integrations/{answer.data['id']}/test").data["testResult"]
    assert "invite (properties.email.pattern)" in tested["message"]


def test_a_note_names_five_and_shows_no_secret(endpoint: Receiver) -> None:
    secret = {"Bearer abcdefghijklmnop": {"pattern": "(?=x)"}}
    tools = [{"name": f"t{n}", "inputSchema": {"type": "object", "properties": secret}} for n in range(8)]

    message = connect(FakeServer(endpoint, tools=tools)).data["message"]

    assert message.endswith(" and 3 more")
    assert "abcdefghijklmnop" not in message
    assert len(message) < 700


def test_tools_that_run_as_tasks_only_are_left_out_with_a_note(endpoint: Receiver) -> None:
    tools = [
        {**tool(name), "execution": execution}
        for name, execution in [
            ("train", {"taskSupport": "required"}),
            ("say", {"taskSupport": "optional"}),
            ("sing", {"taskSupport": "forbidden"}),
            ("odd", None),
            ("odder", "required"),
        ]
    ]

    answer = connect(FakeServer(endpoint, tools=tools))

    assert answer.data["message"] == "Connected; left out, because they run as tasks only: train"
    shown = call("GET", f"/integrations/{answer.data['id']}").data["capabilities"]
    assert [one["name"] for one in shown] == ["say", "sing", "odd", "odder"]


# --- finding the era --------------------------------------------------------------------------------------------------

ODD_DISCOVERIES = {
    "empty stream": lambda _: raw(stream_head()),
    "primed stream": lambda _: raw(stream_head(), b": hello\n\n"),
    "202": lambda _: Reply(202),
    "204": lambda _: Reply(204),
    "HTML": lambda _: Reply(200, b"<html>Hello</html>", {"Content-Type": "text/html"}),
    "other JSON": lambda _: Reply(200, {"ok": True}),
    "closed": lambda _: raw(),
    "broken head": lambda _: raw(b"HTTP/1.1 200 OK\r\nConte"),
    "not HTTP": lambda _: raw(b"hello\r\n\r\n"),
    "internal error": rpc_error(-32603),
    "internal error as 500": rpc_error(-32603, status=500),
    "plain 500": lambda _: Reply(500, b"Traceback ..."),
    "method not found": rpc_error(-32601),
    "404": lambda _: Reply(404),
    "405": lambda _: Reply(405),
    "parse error": rpc_error(-32700),
    "no common version": rpc_error(-32022, data={"supported": ["2031-01-01"]}),
    "odd version error": rpc_error(-32022, data={"supported": 5}),
    "odd result": lambda _: {"supportedVersions": None},
    "too long": lambda _: Reply(200, b"x" * 5_000_000),
}


@pytest.mark.parametrize("odd", ODD_DISCOVERIES)
def test_after_an_odd_discovery_the_handshake_is_tried(endpoint: Receiver, odd: str) -> None:
    server = FakeServer(endpoint, tools=[tool("say")])
    inner = endpoint.answer

    def answer(request: Received) -> Reply:
        if request.method != "POST" or request.json["method"] != "server/discover":
            return inner(request)
        try:
            result = ODD_DISCOVERIES[odd](request.json)
        except RpcError as error:
            return Reply(error.status, {"jsonrpc": "2.0", "id": request.json["id"], "error": error.error})
        return result if isinstance(result, Reply) else Reply(200, {"jsonrpc": "2.0", "id": 1, "result": result})

    endpoint.answer = answer

    integration_id = connected(server)

    assert connector_state(integration_id)["era"] == "handshake"
    assert act(integration_id).status == 200
    assert server.methods.count("server/discover") == 1


def test_after_silence_the_handshake_is_tried_soon(endpoint: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.DISCOVERY_SECONDS == 3.0
    monkeypatch.setattr(client, "DISCOVERY_SECONDS", 0.3)
    server = silent_discovery(endpoint, seconds=2.0)
    began = time.monotonic()

    integration_id = connected(server)

    assert time.monotonic() - began < 1.5
    assert connector_state(integration_id)["era"] == "handshake"


def silent_discovery(endpoint: Receiver, *, seconds: float, era: str = "handshake", times: int = 99) -> FakeServer:
    """A server that leaves so many discoveries unanswered for so long."""
    server = FakeServer(endpoint, era=era, tools=[tool("say")])
    inner, left = endpoint.answer, [times]

    def answer(request: Received) -> Reply:
        if request.method == "POST" and request.json.get("method") == "server/discover" and left[0] > 0:
            left[0] -= 1
            return raw(hold=seconds)
        return inner(request)

    endpoint.answer = answer
    return server


def test_a_modern_server_that_starts_slowly_is_asked_again(endpoint: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "DISCOVERY_SECONDS", 0.3)
    server = silent_discovery(endpoint, seconds=1.0, era="modern", times=1)

    integration_id = connected(server)

    assert connector_state(integration_id)["era"] == "modern"
    assert server.methods == ["server/discover", "initialize", "server/discover", "tools/list"]


@pytest.mark.parametrize("code", [-32020, -32021])
def test_an_error_that_only_modern_servers_have_is_reported(endpoint: Receiver, code: int) -> None:
    server = FakeServer(endpoint, era="modern", on={"server/discover": rpc_error(code, status=400)})

    assert connect(server).error["code"] == "upstream_failed"
    assert server.methods == ["server/discover"]


def test_both_faults_of_a_server_that_is_none(endpoint: Receiver) -> None:
    endpoint.answer = lambda _: raw()

    answer = call("POST", "/integrations/mcp_server/connect", body={"authType": "none", "serverUrl": endpoint.url})

    assert (answer.status, answer.error["code"]) == (502, "upstream_reset")


# --- versions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [-32602, -32022, -32000])
def test_a_version_that_the_server_names_is_offered_next(endpoint: Receiver, code: int) -> None:
    server = FakeServer(endpoint, tools=[tool("say")])
    data = {"supported": ["2023-01-01", "2024-11-05", "2025-03-26"], "requested": "2025-11-25"}

    def initialize(params: dict[str, Any]) -> Any:
        if params["protocolVersion"] != "2025-03-26":
            raise RpcError(code, "Unsupported protocol version", data)
        return {"protocolVersion": "2025-03-26", "capabilities": {}, "serverInfo": {"name": "old"}}

    server.on["initialize"] = initialize
    integration_id = connected(server)
    assert connector_state(integration_id)["version"] == "2025-03-26"
    endpoint.received.clear()

    assert act(integration_id).status == 200
    assert server.methods.count("initialize") == 1  # the version is known by now


def test_a_version_error_of_the_discovery_says_what_to_offer(endpoint: Receiver) -> None:
    server = FakeServer(endpoint, tools=[tool("say")])
    offered = []

    def initialize(params: dict[str, Any]) -> Any:
        offered.append(params["protocolVersion"])
        return {"protocolVersion": params["protocolVersion"], "capabilities": {}, "serverInfo": {"name": "old"}}

    server.on["initialize"] = initialize
    inner = endpoint.answer

    def answer(request: Received) -> Reply:
        if request.method == "POST" and request.json.get("method") == "server/discover":
            error = {"code": -32022, "message": "Unsupported", "data": {"supported": ["2024-11-05", "2025-06-18"]}}
            return Reply(400, {"jsonrpc": "2.0", "id": 1, "error": error})
        return inner(request)

    endpoint.answer = answer

    connected(server)
    assert offered == ["2025-06-18"]


def test_a_server_that_went_modern_says_so_itself(endpoint: Receiver) -> None:
    server = FakeServer(endpoint, tools=[tool("say")])
    integration_id = connected(server)
    server.era = "modern"
    inner = endpoint.answer

    def answer(request: Received) -> Reply:
        if request.method == "POST" and "mcp-protocol-version" not in request.headers:
            error = {"code": -32022, "message": "Unsupported", "data": {"supported": ["2026-07-28"]}}
            return Reply(400, {"jsonrpc": "2.0", "id": request.json["id"], "error": error})
        return inner(request)

    endpoint.answer = answer
    endpoint.received.clear()

    assert act(integration_id).status == 200
    assert server.methods == ["initialize", "tools/call"]


def test_no_common_version_is_a_failure(endpoint: Receiver) -> None:
    server = FakeServer(endpoint, on={"initialize": rpc_error(-32602, data={"supported": ["2031-01-01"]})})

    assert connect(server).status == 502
    assert server.methods.count("initialize") == 1


# --- requests of the server inside a call -----------------------------------------------------------------------------


@pytest.mark.parametrize("sessions", [None, set()])
@pytest.mark.parametrize("id_", [9, "ask-9"])
def test_requests_of_the_server_are_answered_while_the_call_runs(
    endpoint: Receiver, sessions: set[str] | None, id_: Any
) -> None:
    """The server goes on only once it has been answered, as servers do."""
    server = FakeServer(endpoint, tools=[tool("say")], sessions=sessions, token="t0ken")
    answers: queue.Queue[Received] = queue.Queue()
    inner = endpoint.answer

    def answer(request: Received) -> Reply:
        if request.method == "POST" and "method" not in request.json:
            answers.put(request)
            return Reply(202)
        if request.method == "POST" and request.json["method"] == "tools/call":
            return Reply(write=lambda out: converse(out, request.json["id"]))
        return inner(request)

    def converse(out: IO[bytes], call_id: int) -> None:
        out.write(stream_head())
        heard = []
        for method in ("ping", "sampling/createMessage", "elicitation/create", "roots/list", "ping"):
            out.write(event({"jsonrpc": "2.0", "id": id_, "method": method, "params": {}}))
            out.flush()
            heard.append(answers.get(timeout=5))
        out.write(event({"jsonrpc": "2.0", "id": call_id, "result": text_result(json.dumps(len(heard)))}))
        replies = [one.json for one in heard]
        refused = {"jsonrpc": "2.0", "id": id_, "error": {"code": -32601, "message": "Method not found"}}
        pong = {"jsonrpc": "2.0", "id": id_, "result": {}}
        assert replies == [pong, refused, refused, refused, pong]
        assert all(one.headers["authorization"] == "Bearer t0ken" for one in heard)
        assert {one.headers.get("mcp-session-id") for one in heard} <= (sessions or {None})

    endpoint.answer = answer
    body = {"authType": "token", "token": "t0ken", "serverUrl": server.url}
    integration_id = call("POST", "/integrations/mcp_server/connect", body=body).data["id"]
    began = time.monotonic()

    done = act(integration_id)

    assert done.data["result"] == {"success": True, "text": "5"}
    assert time.monotonic() - began < 3


def test_a_flood_of_requests_is_answered_fifty_times(endpoint: Receiver) -> None:
    server = FakeServer(endpoint, tools=[tool("say")])

    def flood(_: Any) -> Reply:
        call_id, before = endpoint.received[-1].json["id"], len(endpoint.received)
        pings = [event({"jsonrpc": "2.0", "id": number, "method": "ping"}) for number in range(500)]
        done = event({"jsonrpc": "2.0", "id": call_id, "result": text_result("done")})

        def write(out: IO[bytes]) -> None:
            out.write(stream_head() + b"".join(pings))
            out.flush()
            endpoint.wait_for(before + 50)
            time.sleep(0.5)  # for more
            out.write(done)

        return Reply(write=write)

    server.on["tools/call"] = flood

    assert act(connected(server)).data["result"]["text"] == "done"
    assert len(server.replies) == 50


def test_an_answer_that_hangs_does_not_delay_the_call(endpoint: Receiver) -> None:
    server = FakeServer(endpoint, tools=[tool("say")])
    inner = endpoint.answer

    def answer(request: Received) -> Reply:
        if request.method == "POST" and "method" not in request.json:
            return raw(hold=2.0)
        return inner(request)

    def asked(_: Any) -> Reply:
        call_id = endpoint.received[-1].json["id"]
        ping = event({"jsonrpc": "2.0", "id": 1, "method": "ping"})
        return raw(stream_head(), ping, event({"jsonrpc": "2.0", "id": call_id, "result": text_result("done")}))

    endpoint.answer = answer
    server.on["tools/call"] = asked
    integration_id = connected(server)
    began = time.monotonic()

    assert act(integration_id).data["result"]["text"] == "done"
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("era", ["modern", "handshake"])
def test_ids_may_come_back_as_text(endpoint: Receiver, era: str) -> None:
    server = FakeServer(endpoint, era=era, tools=[tool("say")])
    inner = endpoint.answer

    def answer(request: Received) -> Reply:
        reply = inner(request)
        if isinstance(reply.body, dict) and "id" in reply.body:
            return Reply(reply.status, {**reply.body, "id": str(reply.body["id"])}, reply.headers)
        return reply

    endpoint.answer = answer

    assert act(connected(server)).status == 200


# --- streams that are resumed -----------------------------------------------------------------------------------------


def resumable(server: FakeServer, *bodies: bytes, first: bytes = b"id: e1\nretry: 20\ndata:\n\n") -> None:
    """Makes tools/call answer with `first` and close; each GET then gets the next of `bodies`."""
    left = list(bodies)
    server.on["tools/call"] = lambda _: raw(stream_head(), first)
    server.resumed = lambda _: raw(stream_head(), left.pop(0)) if left else Reply(404)


def done(server: FakeServer) -> bytes:
    """The answer to the call: its id is that of the action's second exchange, after `initialize`."""
    return event({"jsonrpc": "2.0", "id": 2, "result": text_result("done")}, id_="e9")


def test_a_stream_closed_after_an_event_id_is_resumed(endpoint: Receiver) -> None:
    server = FakeServer(endpoint, tools=[tool("say")], sessions=set())
    integration_id = connected(server)
    progress = event({"jsonrpc": "2.0", "method": "notifications/progress", "params": {}}, id_="e2")
    resumable(server, progress, b"", done(server))
    endpoint.received.clear()

    assert act(integration_id).data["result"]["text"] == "done"

    resumed = [one for one in endpoint.received if one.method == "GET"]
    assert [one.headers["last-event-id"] for one in resumed] == ["e1", "e2", "e2"]
    assert {one.headers["mcp-session-id"] for one in resumed} <= (server.sessions or set())
    assert {one.headers["accept"] for one in resumed} == {"text/event-stream"}
    assert server.methods.count("tools/call") == 1


def test_a_stream_that_breaks_off_is_resumed_too(endpoint: Receiver) -> None:
    server = FakeServer(endpoint, tools=[tool("say")])
    integration_id = connected(server)
    server.on["tools/call"] = lambda _: raw(stream_head(500), b"id: e1\ndata:\n\n", b'data: {"jsonrpc"')
    server.resumed = lambda _: raw(stream_head(), done(server))

    assert act(integration_id).data["result"]["text"] == "done"


@pytest.mark.parametrize(
    "refusal", [Reply(405), Reply(404), Reply(500), Reply(200, {"ok": 1}), raw(), raw(b"HTTP/1.1 200 OK\r\nCont")]
)
def test_a_stream_that_cannot_be_resumed_is_unknown(endpoint: Receiver, refusal: Reply) -> None:
    server = FakeServer(endpoint, tools=[tool("say")])
    integration_id = connected(server)
    resumable(server)
    server.resumed = lambda _: refusal

    answer = act(integration_id)

    assert (answer.status, answer.error["code"]) == (502, "outcome_unknown")
    assert server.methods.count("tools/call") == 1
    assert server.methods.count("GET") <= 2  # the HTTP client repeats a GET whose kept connection was dead


def test_without_an_event_id_nothing_is_resumed(endpoint: Receiver) -> None:
    server = FakeServer(endpoint, tools=[tool("say")])
    integration_id = connected(server)
    resumable(server, first=b": hello\n\n")

    assert act(integration_id).error["code"] == "outcome_unknown"
    assert "GET" not in server.methods


def test_the_modern_era_resumes_nothing(endpoint: Receiver) -> None:
    server = FakeServer(endpoint, era="modern", tools=[tool("say")])
    integration_id = connected(server)
    resumable(server)

    assert act(integration_id).error["code"] == "outcome_unknown"
    assert "GET" not in server.methods


def test_a_server_that_names_a_time_after_ours_is_not_waited_for(endpoint: Receiver) -> None:
    server = FakeServer(endpoint, tools=[tool("say")])
    integration_id = connected(server)
    resumable(server, first=b"id: e1\nretry: 60000\ndata:\n\n")
    began = time.monotonic()

    assert act(integration_id).error["code"] == "outcome_unknown"
    assert time.monotonic() - began < 2


# --- long listings ----------------------------------------------------------------------------------------------------


def large_tools(kilobytes: int, count: int, start: int = 0) -> list[dict[str, Any]]:
    return [tool(f"t{number}", "x" * 1024 * kilobytes) for number in range(start, start + count)]


def test_a_listing_of_under_4_mb_is_taken(endpoint: Receiver) -> None:
    assert connect(FakeServer(endpoint, tools=large_tools(39, 100))).status == 201


@pytest.mark.parametrize("sse", [False, True])
def test_a_listing_over_4_mb_is_refused(endpoint: Receiver, sse: bool) -> None:
    server = FakeServer(endpoint, tools=large_tools(42, 100), sse=sse)

    answer = connect(server)

    assert (answer.status, answer.error["code"]) == (502, "upstream_answer_too_large")


def test_pages_that_are_over_4_mb_together_are_refused(endpoint: Receiver) -> None:
    server = FakeServer(endpoint)

    def page(params: dict[str, Any]) -> Any:
        number = int(params.get("cursor", 0))
        return {"tools": large_tools(10, 100, number), "nextCursor": str(number + 100)}

    server.on["tools/list"] = page

    assert connect(server).error["code"] == "upstream_answer_too_large"
    assert server.methods.count("tools/list") == 5


@pytest.mark.parametrize("unit", ["{},", '{"a":{}},'])
def test_the_worst_listing_is_read_within_memory(unit: str) -> None:
    script = (
        "import resource, sys\n"
        "from jobsprint.connectors.mcp.client import MAX_LISTING_BYTES\n"
        "from jobsprint.connectors.mcp.stream import EventStream\n"
        "from jobsprint.connectors.mcp.tools import Listing\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024\n"
        "before, unit = peak(), sys.argv[1]\n"
        "body = unit * ((MAX_LISTING_BYTES - 200) // len(unit))\n"
        'text = \'data: {"jsonrpc":"2.0","id":1,"result":{"tools":[\' + body + \'1]}}\\n\\n\'\n'
        "stream = EventStream(1)\n"
        "data = text.encode()\n"
        "for start in range(0, len(data), 16384): stream.feed(data[start:start + 16384])\n"
        "Listing().add(stream.message['result'], lambda _: True, modern=True)\n"
        "print(peak() - before)\n"
    )
    command = [sys.executable, "-c", script, unit]
    path = str(ROOT / "layers/connector")
    run = subprocess.run(command, capture_output=True, text=True, check=True, env={"PYTHONPATH": path}, timeout=60)

    assert int(run.stdout) < 256, run.stdout  # MB; the functions have 512


# --- the end of a session ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "bears"), [(200, True), (204, True), (405, False), (404, False), (500, False)])
def test_a_session_is_ended_only_where_the_server_takes_that(endpoint: Receiver, status: int, bears: bool) -> None:
    server = FakeServer(endpoint, tools=[tool("say")], sessions=set(), farewell=status)
    integration_id = connected(server)
    assert connector_state(integration_id)["endsSessions"] is bears
    assert server.methods.count("DELETE") == 1
    endpoint.received.clear()

    assert act(integration_id).status == 200
    assert call("POST", f"/integrations/{integration_id}/test").data["testResult"]["passed"]

    assert server.methods.count("DELETE") == (2 if bears else 0)
    assert connector_state(integration_id)["endsSessions"] is bears


def test_without_a_session_there_is_nothing_to_end(endpoint: Receiver) -> None:
    server = FakeServer(endpoint, tools=[tool("say")])
    integration_id = connected(server)
    act(integration_id)

    assert "DELETE" not in server.methods
    assert "endsSessions" not in connector_state(integration_id)


def test_a_server_that_hangs_on_the_end_is_waited_for_once(endpoint: Receiver) -> None:
    server = FakeServer(endpoint, tools=[tool("say")], sessions=set())
    inner = endpoint.answer
    endpoint.answer = lambda request: raw(hold=3.0) if request.method == "DELETE" else inner(request)
    integration_id = connected(server)
    began = time.monotonic()

    assert act(integration_id).status == 200
    assert time.monotonic() - began < 1.5
