"""moto for several processes: it lives in this one, and others reach it over a Unix socket.

What moto holds then survives a crash of its callers. A caller registers `Remote` as botocore's `before-send`: every
request goes over the socket instead of the network, and is worked one at a time. (moto's own server would need a web
framework.)
"""

import json
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import AF_UNIX, SOCK_STREAM, socket
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HeadersDict

_LENGTH = struct.Struct("!I")


def _send(connection: socket, value: Any) -> None:
    text = json.dumps(value).encode()
    connection.sendall(_LENGTH.pack(len(text)) + text)


def _receive(connection: socket) -> Any:
    """The next value, or None at the end."""
    head = _read(connection, _LENGTH.size)
    return json.loads(_read(connection, _LENGTH.unpack(head)[0])) if head else None


def _read(connection: socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            return b""
        data += piece
    return data


@contextmanager
def shared(path: Path, on_sent: Callable[[str, str, int], None]) -> Iterator[None]:
    """Serves this process's moto at `path`; `on_sent` is told of every message that SQS takes: queue, body, delay."""
    lock = threading.Lock()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(ConnectionError):  # the caller has crashed; its call was carried out
                while (asked := _receive(self.request)) is not None:
                    with lock:
                        answer = _answer(asked)
                        if answer[0] == 200:
                            _tell(asked, on_sent)
                    _send(self.request, answer)

    class Server(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True

    with Server(str(path), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield
        server.shutdown()
        thread.join()


def _answer(asked: dict[str, Any]) -> tuple[int, dict[str, str], str]:
    from moto.core.models import botocore_stubber

    request = AWSPreparedRequest(
        asked["method"], asked["url"], HeadersDict(asked["headers"]), asked["body"].encode("latin-1"), False
    )
    answer = botocore_stubber("before-send", request)
    assert answer is not None, asked["url"]
    return answer.status_code, {str(k): str(v) for k, v in answer.headers.items()}, answer.content.decode("latin-1")


def _tell(asked: dict[str, Any], on_sent: Callable[[str, str, int], None]) -> None:
    target = asked["headers"].get("X-Amz-Target", "")
    if target.startswith("AmazonSQS.SendMessage"):
        sent = json.loads(asked["body"])
        for entry in sent.get("Entries", [sent]):
            on_sent(sent["QueueUrl"].rpartition("/")[2], entry["MessageBody"], entry.get("DelaySeconds", 0))


class _Body:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self._data


class Remote:
    """Sends botocore's requests over the socket; one connection for each thread."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._local = threading.local()

    def __call__(self, request: AWSPreparedRequest) -> AWSResponse:
        """The answer to a prepared request."""
        if not hasattr(self._local, "connection"):
            self._local.connection = socket(AF_UNIX, SOCK_STREAM)
            self._local.connection.connect(self._path)
        body = request.body or b""
        text = body if isinstance(body, bytes) else str(body).encode()
        headers = {
            name: value.decode() if isinstance(value, bytes) else str(value) for name, value in request.headers.items()
        }
        asked = {"method": request.method, "url": request.url, "headers": headers, "body": text.decode("latin-1")}
        _send(self._local.connection, asked)
        status, answered, content = _receive(self._local.connection)
        return AWSResponse(request.url, status, HeadersDict(answered), _Body(content.encode("latin-1")))
