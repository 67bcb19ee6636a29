"""MCP servers for tests: those of the official SDK as programs, and one made by hand that does what those never do."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

from tests.support.receiver import Received, Receiver, Reply
from tests.support.template import ROOT

Handler = Callable[[dict[str, Any]], Any]


@dataclass(frozen=True)
class SdkServer:
    """A running server; `requests()` are those so far: (HTTP method, JSON-RPC method, headers)."""

    url: str

    def requests(self) -> list[tuple[str, str | None, dict[str, str]]]:
        with urllib.request.urlopen(f"{self.url.removesuffix('/mcp')}/seen", timeout=5) as answer:  # noqa: S310
            return [tuple(one) for one in json.load(answer)]


@contextmanager
def sdk_server(era: str) -> Iterator[SdkServer]:
    """The server of `tests.support.mcp_sdk_server` while the block runs."""
    command = [sys.executable, "-m", "tests.support.mcp_sdk_server", era]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT, text=True) as process:
        assert process.stdout
        server = SdkServer(f"http://127.0.0.1:{int(process.stdout.readline())}/mcp")
        try:
            _wait(server)
            yield server
        finally:
            process.terminate()


def _wait(server: SdkServer) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            server.requests()
        except OSError:
            assert time.monotonic() < deadline, "the SDK's server does not start"
            time.sleep(0.05)
        else:
            return


class RpcError(Exception):
    """A JSON-RPC error that a handler answers with."""

    def __init__(self, code: int, message: str = "no", data: Any = None, status: int = 200) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"code": code, "message": message} | ({"data": data} if data is not None else {})


def text_result(value: Any, **more: Any) -> dict[str, Any]:
    """A tool's result with one text: JSON unless it is text already."""
    text = value if isinstance(value, str) else json.dumps(value)
    return {"content": [{"type": "text", "text": text}], "isError": False, **more}


@dataclass
class FakeServer:
    """Answers JSON-RPC by hand. `tools` are listed, `called` runs one; a handler in `on` replaces a method's answer.

    A handler gives the result, raises RpcError, or gives a Reply, which is the whole HTTP answer. `sse` answers with
    streams. `sessions` makes a handshake server hand out session ids and know no others.
    """

    receiver: Receiver
    era: str = "handshake"
    tools: list[dict[str, Any]] = field(default_factory=list)
    called: Callable[[str, dict[str, Any]], Any] = lambda name, _: text_result({"name": name})
    token: str | None = None
    sse: bool = False
    sessions: set[str] | None = None
    on: dict[str, Handler] = field(default_factory=dict)
    farewell: int = 200  # the status of a DELETE
    resumed: Callable[[Received], Reply] = lambda _: Reply(405)

    def __post_init__(self) -> None:
        self.receiver.answer = self._answer

    @property
    def url(self) -> str:
        return f"{self.receiver.url}/mcp"

    @property
    def methods(self) -> list[str]:
        """What was asked so far, in order."""
        return [r.json.get("method") if r.method == "POST" else r.method for r in self.receiver.received]

    @property
    def replies(self) -> list[Any]:
        """The answers to requests of this server's so far."""
        posted = [r.json for r in self.receiver.received if r.method == "POST"]
        return [message for message in posted if "method" not in message]

    def calls(self) -> list[Any]:
        """The parameters of the tool calls so far."""
        return [r.json["params"] for r in self.receiver.received if r.body and r.json.get("method") == "tools/call"]

    def _answer(self, request: Received) -> Reply:
        if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
            return Reply(401, {"error": "unauthorized"}, {"WWW-Authenticate": 'Bearer realm="mcp"'})
        if request.method == "DELETE":
            return Reply(self.farewell)
        if request.method == "GET":
            return self.resumed(request)
        message = request.json
        if "id" not in message or "method" not in message:
            return Reply(202)
        try:
            result = self._result(request, message)
        except RpcError as error:
            return Reply(error.status, {"jsonrpc": "2.0", "id": message["id"], "error": error.error})
        if isinstance(result, Reply):
            return result
        headers = {}
        if message["method"] == "initialize" and self.sessions is not None:
            headers["Mcp-Session-Id"] = f"session-{len(self.sessions) + 1}"
            self.sessions.add(headers["Mcp-Session-Id"])
        answer = {"jsonrpc": "2.0", "id": message["id"], "result": result}
        if self.sse:
            return Reply(200, sse_text(answer), {"Content-Type": "text/event-stream", **headers})
        return Reply(200, answer, {"Content-Type": "application/json", **headers})

    def _result(self, request: Received, message: dict[str, Any]) -> Any:
        method, params = message["method"], message.get("params", {})
        modern = request.headers.get("mcp-protocol-version") == "2026-07-28"
        if modern != (self.era == "modern"):
            raise RpcError(-32600, "Bad Request: Server not initialized", status=400)
        known = {request.headers.get("mcp-session-id")} if self.sessions is None else self.sessions
        if method != "initialize" and request.headers.get("mcp-session-id") not in known:
            raise RpcError(-32600, "Session not found", status=404)
        if method in self.on:
            return self.on[method](params)
        match method:
            case "server/discover":
                return {"supportedVersions": ["2026-07-28"], "resultType": "complete"}
            case "initialize":
                return {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "f"}}
            case "tools/list":
                return {"tools": self.tools, **({"resultType": "complete"} if modern else {})}
            case "tools/call":
                return self.called(params["name"], params["arguments"])
        raise RpcError(-32601, "Method not found")


def sse_text(*messages: Any) -> bytes:
    """A stream as servers write them: primed, with a comment and a notification before what was asked for."""
    note = {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progress": 1}}
    events = [b"id: 1\r\nretry: 3000\r\ndata:\r\n\r\n", b": ping\r\n\r\n"]
    events += [b"event: message\r\ndata: " + json.dumps(one).encode() + b"\r\n\r\n" for one in (note, *messages)]
    return b"".join(events)


def raw(*parts: bytes, hold: float = 0.0) -> Reply:
    """An answer of those very bytes; the connection is then held open for `hold` seconds, and closed."""

    def write(out: IO[bytes]) -> None:
        for part in parts:
            out.write(part)
            out.flush()
        time.sleep(hold)

    return Reply(write=write)


def stream_head(length: int | None = None) -> bytes:
    """The head of a stream, chunked by the end of the connection unless its length is given."""
    lines = ["HTTP/1.1 200 OK", "Content-Type: text/event-stream", "Connection: close"]
    lines += [f"Content-Length: {length}"] if length is not None else []
    return "\r\n".join([*lines, "", ""]).encode()


def tool(name: str, description: str = "", **properties: Any) -> dict[str, Any]:
    """A tool; properties that are given True are required."""
    schema = {
        "type": "object",
        "properties": {key: {"type": "string"} if kind is True else kind for key, kind in properties.items()},
        "required": [key for key, kind in properties.items() if kind is True],
    }
    return {"name": name, "description": description or name, "inputSchema": schema}
