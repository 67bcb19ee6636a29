"""A real HTTP receiver, on 127.0.0.1 unless told otherwise, that keeps what it gets and answers as it is told."""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO, Any


@dataclass(frozen=True)
class Received:
    """One request as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes
    method: str = "POST"

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """What to answer. `write` is given the connection instead and writes all by itself; then it is closed."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    write: Callable[[IO[bytes]], None] | None = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a sender that is gone is no news
            super().handle_error(request, client_address)


class Receiver:
    """`answer` is called with each request and gives its Reply; `received` keeps them in order."""

    def __init__(self, host: str) -> None:
        self.received: list[Received] = []
        self.answer: Callable[[Received], Reply] = lambda _: Reply()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Received(self.path, headers, body, self.command)
                receiver.received.append(request)
                self._reply(receiver.answer(request))

            do_GET = do_DELETE = do_PUT = do_PATCH = do_POST  # noqa: N815 - the name http.server looks for

            def _reply(self, reply: Reply) -> None:
                if reply.write:
                    self.close_connection = True
                    with suppress(OSError):
                        reply.write(self.wfile)
                    return
                text = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
                text = b"" if reply.body is None else text
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                pass

        self._server = _Server((host, 0), Handler)
        self.url = f"http://{host}:{self._server.server_address[1]}"

    def wait_for(self, count: int, path: str = "", seconds: float = 20) -> list[Received]:
        """The requests to `path…` once there are `count`; fails after `seconds`."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = [request for request in self.received if request.path.startswith(path)]
            if len(found) >= count:
                return found
            time.sleep(0.05)
        raise AssertionError(f"{count} requests to {path!r} expected, got {len(self.received)} in all")


@contextmanager
def receiving(host: str = "127.0.0.1") -> Iterator[Receiver]:
    """A receiver that listens while the block runs."""
    receiver = Receiver(host)
    thread = threading.Thread(target=receiver._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver._server.shutdown()
        receiver._server.server_close()
