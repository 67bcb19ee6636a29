"""Conversations over HTTP, recorded from a real server by a proxy and played again in their order.

A conversation is a JSON list of exchanges {"method", "target", "status", "headers", "body"}; one without `status` was
given up by the caller before the server answered. Secrets never stand in one: the recorder is told what to replace.
A large body stands in a file of its own, named by its hash in `large`, because many conversations share it.
"""

import hashlib
import http.client
import json
import re
import select
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_CALL_ID_HEADER = "X-Jobsprint-Call-Id"
_CALL_ID = "<call id>"
_KEPT_HEADERS = ("content-type", "www-authenticate", "retry-after", "location")
_FOLDER = re.compile(r"/[^\s\"'()\\]*?/node_modules/")  # in stack traces: where the server is installed
_LARGE = 20_000
_LONGEST_WAIT = 5.0
_HOP_BY_HOP = ("connection", "host", "accept-encoding")


@dataclass
class Conversation:
    """A server on 127.0.0.1 and the requests that it got: (method, target, headers, body)."""

    url: str
    requests: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    def sent(self, part: str) -> list[tuple[str, str, dict[str, str], bytes]]:
        """The requests whose target has that part."""
        return [request for request in self.requests if part in request[1]]


_Answer = Callable[[BaseHTTPRequestHandler, bytes], None]


@contextmanager
def _serving(answer: Callable[[Conversation], _Answer]) -> Iterator[Conversation]:
    conversation = Conversation("")
    reply = answer(conversation)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            conversation.requests.append((self.command, self.path, headers, body))
            reply(self, body)

        def __getattr__(self, name: str) -> Callable[[], None]:
            if name.startswith("do_"):
                return self._any
            raise AttributeError(name)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    conversation.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield conversation
    finally:
        server.shutdown()
        server.server_close()


def _send(handler: BaseHTTPRequestHandler, status: int, headers: Mapping[str, str], body: bytes) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def _hung_up(handler: BaseHTTPRequestHandler) -> bool:
    """Whether the caller has closed the connection."""
    readable, _, _ = select.select([handler.connection], [], [], 0)
    return bool(readable) and handler.connection.recv(1, socket.MSG_PEEK) == b""


def _kept(body: str, file: Path | None) -> dict[str, str]:
    """What an exchange says of its body."""
    if file is None or len(body) < _LARGE:
        return {"body": body}
    name = f"{hashlib.sha256(body.encode()).hexdigest()[:12]}.txt"
    (file.parent / "large").mkdir(exist_ok=True)
    (file.parent / "large" / name).write_text(body, encoding="utf-8")
    return {"large": name}


def _body(exchange: dict[str, Any], file: Path) -> str:
    """The body of an exchange."""
    large = exchange.get("large")
    return (file.parent / "large" / large).read_text(encoding="utf-8") if large else str(exchange["body"])


@contextmanager
def replayed(file: Path) -> Iterator[Conversation]:
    """Plays a conversation; fails at the end if another one was held."""
    exchanges: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    waiting = iter(exchanges)
    wrong: list[str] = []
    over = threading.Event()
    call_ids: list[str] = []

    def answer(conversation: Conversation) -> _Answer:
        def reply(handler: BaseHTTPRequestHandler, _: bytes) -> None:
            call_ids.extend(filter(None, [handler.headers.get(_CALL_ID_HEADER)]))
            exchange = next(waiting, {})
            if (handler.command, handler.path) != (exchange.get("method"), exchange.get("target")):
                wrong.append(f"{handler.command} {handler.path} came instead of {exchange}")
                _send(handler, 599, {}, b"")
            elif "status" not in exchange:
                over.wait(_LONGEST_WAIT)
                handler.close_connection = True
            else:
                text = _body(exchange, file).replace(_CALL_ID, call_ids[-1] if call_ids else _CALL_ID)
                text = text.replace("<url>", conversation.url)
                _send(handler, exchange["status"], exchange["headers"], text.encode())

        return reply

    with _serving(answer) as conversation:
        try:
            yield conversation
        finally:
            over.set()
    assert wrong == []
    assert list(waiting) == [], "the recorded conversation went on"


@contextmanager
def recorded(server: str, file: Path | None, masks: Mapping[str, str]) -> Iterator[Conversation]:
    """Passes everything on to `server`; keeps the conversation in `file`, with every text of `masks` replaced."""
    exchanges: list[dict[str, Any]] = []
    call_ids: list[str] = []
    parts = urlsplit(server)

    def masked(text: str) -> str:
        for secret, mask in {**masks, **dict.fromkeys(call_ids, _CALL_ID), server: "<url>"}.items():
            text = text.replace(secret, mask)
        return _FOLDER.sub("/srv/n8n/node_modules/", text)

    def answer(_: Conversation) -> _Answer:
        def reply(handler: BaseHTTPRequestHandler, body: bytes) -> None:
            call_ids.extend(filter(None, [handler.headers.get(_CALL_ID_HEADER)]))
            exchange: dict[str, Any] = {"method": handler.command, "target": masked(handler.path)}
            exchanges.append(exchange)
            headers = {name: value for name, value in handler.headers.items() if name.lower() not in _HOP_BY_HOP}
            upstream = http.client.HTTPConnection(parts.netloc, timeout=30)
            upstream.request(handler.command, handler.path, body or None, headers)
            got = upstream.getresponse()
            content = got.read()
            upstream.close()
            kept = {name: value for name, value in got.getheaders() if name.lower() in _KEPT_HEADERS}
            if _hung_up(handler):
                return
            exchange |= {"status": got.status, "headers": kept}
            exchange |= _kept(masked(content.decode("utf-8", "replace")), file)
            _send(handler, got.status, kept, content)

        return reply

    with _serving(answer) as conversation:
        yield conversation
    if file:
        file.write_text(json.dumps(exchanges, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
