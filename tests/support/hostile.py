"""Hostile receivers, and the result that a delivery attempt at each must have.

They run in a process of their own, so that their memory and their work are not the sender's:
`python -m tests.support.hostile FOLDER` prints {"name": "url", …} and serves until its standard input ends.
"""

import gzip
import json
import os
import socket
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.sockets import OK, Authority, Receiver, Script, hangs, resets, says, says_and_closes
from tests.support.template import ROOT

HEAD = b"HTTP/1.1 200 OK\r\n"
EMPTY = b"Content-Length: 0\r\n\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
MEGABYTE = b"x" * (1 << 20)
GIGABYTE = 1 << 30


class Servers:
    """The receivers of one process, and the certificate authorities they need."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder)
        (folder / "untrusted").mkdir()
        self.untrusted = Authority(folder / "untrusted", "untrusted CA")
        self._kept: list[object] = []

    def http(self, script: Script) -> str:
        return self._keep(Receiver(script)).url

    def https(self, host: str, context: Any) -> str:
        return f"https://{host}:{self._keep(Receiver(says(OK), tls=context)).port}/hook"

    def bare(self, serve: Callable[[socket.socket], None], scheme: str = "https", backlog: int = 16) -> str:
        """A port whose connections `serve` gets before a byte is read."""
        listener = socket.create_server(("127.0.0.1", 0), backlog=backlog)
        self._keep(listener)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    self._keep(connection)
                    threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/hook"

    def never_accepting(self) -> str:
        """A port whose queue of unaccepted connections is full."""
        listener = self._keep(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            filler = self._keep(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        return f"http://127.0.0.1:{listener.getsockname()[1]}/hook"

    def refusing(self) -> str:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            return f"http://127.0.0.1:{listener.getsockname()[1]}/hook"

    def _keep(self, thing: Any) -> Any:
        self._kept.append(thing)
        return thing


def then(first: bytes, rest: Script) -> Script:
    """Sends the first bytes, then runs the rest."""

    def script(connection: socket.socket, request: bytes) -> None:
        connection.sendall(first)
        rest(connection, request)

    return script


def repeats(block: bytes, pause: float = 0.0, total: int | None = None) -> Script:
    """Sends the block again and again, up to `total` bytes."""

    def script(connection: socket.socket, _: bytes) -> None:
        sent = 0
        while total is None or sent < total:
            connection.sendall(block)
            sent += len(block)
            time.sleep(pause)

    return script


def encoded(encoding: bytes, packed: bytes) -> Script:
    return says(HEAD + b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (encoding, len(packed)) + packed)


def zeros(layers: int, *, gzipped: bool = True) -> bytes:
    """100 MB of zeros in that many layers of gzip or zlib; packed piece by piece to save memory."""
    packer = zlib.compressobj(wbits=31 if gzipped else 15)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(100)) + packer.flush()
    for _ in range(1, layers):
        packed = gzip.compress(packed)
    return packed


def smuggles(connection: socket.socket, _: bytes) -> None:
    """Answers, and has the answer to the next request ready on the same connection."""
    connection.sendall(OK + b"HTTP/1.1 500 Planted\r\nContent-Length: 0\r\n\r\n")


def answers_a_hello(connection: socket.socket) -> None:
    """Answers like a plain HTTP server that gets a TLS hello."""
    with suppress(OSError):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")


def hangs_up(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.recv(65536)
        connection.shutdown(socket.SHUT_RDWR)


def stays_silent(connection: socket.socket) -> None:
    with suppress(OSError):
        while connection.recv(65536):
            pass


@dataclass(frozen=True)
class Case:
    """A receiver, and the attempt expected of it: its failure or warning, and the HTTP status if there was one."""

    name: str
    start: Callable[[Servers], str]
    failure: str | None
    status: int | None = None
    warning: str | None = None

    @property
    def delivered(self) -> bool:
        return self.failure is None

    def differs(self, attempt: dict[str, Any], state: str) -> str:
        """What of an attempt and its delivery's state is not as expected; empty where all is."""
        found = (attempt.get("failure"), attempt.get("httpStatus"), attempt.get("warning"), state)
        wanted = (self.failure, self.status, self.warning, "delivered" if self.delivered else "retrying")
        return "" if found == wanted else f"{self.name}: {found} and not {wanted}"


def _http(
    name: str, script: Script, failure: str | None, status: int | None = None, warning: str | None = None
) -> Case:
    return Case(name, lambda servers: servers.http(script), failure, status, warning)


def _odd(name: str, script: Script, warning: str) -> Case:
    """A 200 whose body comes to nothing, which is delivered all the same."""
    return _http(name, script, None, 200, warning)


def _bomb(name: str, encoding: bytes, pack: Callable[[], bytes], warning: str) -> Case:
    return Case(name, lambda servers: servers.http(encoded(encoding, pack())), None, 200, warning)


CASES = (
    # Too slow.
    _http("stalls before the head", hangs, "timeout_headers"),
    _http("stalls within the head", then(HEAD + b"X-A:", hangs), "timeout_headers"),
    _odd("stalls after the head", then(HEAD + b"Content-Length: 9\r\n\r\n", hangs), "timeout_body"),
    _odd("stalls within the body", then(HEAD + b"Content-Length: 9\r\n\r\nok", hangs), "timeout_body"),
    _odd("stalls within a chunk", then(CHUNKED + b"9\r\nok", hangs), "timeout_body"),
    _odd("drips a byte a second", then(HEAD + b"Content-Length: 99\r\n\r\n", repeats(b".", 1.0)), "timeout_body"),
    _http("drips its head", then(HEAD, repeats(b"X-A: 1\r\n", 0.1)), "timeout_headers"),
    _http("drips interim responses", repeats(b"HTTP/1.1 102 Wait\r\n\r\n", 0.05), "timeout_headers"),
    Case("never accepts", Servers.never_accepting, "timeout_connect"),
    Case("stalls in the handshake", lambda servers: servers.bare(stays_silent), "timeout_tls"),
    # Too much.
    _odd(
        "a gigabyte with its length",
        then(HEAD + b"Content-Length: %d\r\n\r\n" % GIGABYTE, repeats(MEGABYTE, total=GIGABYTE)),
        "body_too_large",
    ),
    _odd(
        "a gigabyte in chunks",
        then(CHUNKED, repeats(b"%x\r\n%s\r\n" % (len(MEGABYTE), MEGABYTE), total=GIGABYTE)),
        "body_too_large",
    ),
    _odd("a gigabyte in one chunk", then(CHUNKED + b"40000000\r\n", repeats(MEGABYTE)), "body_too_large"),
    _odd("a gigabyte until it closes", then(HEAD + b"\r\n", repeats(MEGABYTE)), "body_too_large"),
    _http(
        "a gigabyte of error",
        then(b"HTTP/1.1 500 No\r\nContent-Length: %d\r\n\r\n" % GIGABYTE, repeats(MEGABYTE)),
        "http_5xx",
        500,
        "body_too_large",
    ),
    _bomb("a gzip bomb", b"gzip", lambda: zeros(1), "body_too_large"),
    _bomb("a gzip bomb in a gzip bomb", b"gzip, gzip", lambda: zeros(2), "body_too_large"),
    _bomb("a deflate bomb", b"deflate", lambda: zeros(1, gzipped=False), "body_too_large"),
    _bomb("ten layers of gzip", b"gzip," * 9 + b"gzip", lambda: zeros(2), "protocol: encoding"),
    _http(
        "10,000 headers",
        says(HEAD + b"".join(b"X-%d: y\r\n" % n for n in range(10_000)) + EMPTY),
        "headers_too_large",
    ),
    _http("a header of a megabyte", says(HEAD + b"X-A: " + MEGABYTE + b"\r\n" + EMPTY), "headers_too_large"),
    _http("a header without an end", then(HEAD + b"X-A: ", repeats(MEGABYTE)), "headers_too_large"),
    _http("a flood of 100 Continue", repeats(b"HTTP/1.1 100 Continue\r\n\r\n" * 500), "headers_too_large"),
    _http("a flood of 103 with fields", repeats(b"HTTP/1.1 103 Early\r\nX-A: 1\r\n\r\n" * 500), "headers_too_large"),
    # Broken.
    _odd("invalid chunking", says_and_closes(CHUNKED + b"zz\r\nok\r\n"), "protocol: chunking"),
    _odd("a chunk of an absurd size", says_and_closes(CHUNKED + b"f" * 17 + b"\r\nok"), "protocol: chunking"),
    _http("an invalid status line", says_and_closes(b"HTTP/1.1 yes OK\r\n\r\n"), "protocol: status_line"),
    _http("a status of four digits", says(b"HTTP/1.1 2000 OK\r\n" + EMPTY), "protocol: status_line"),
    _http("an unasked switch of protocols", says(b"HTTP/1.1 101 Go\r\n\r\n"), "protocol: status_line"),
    _http("not HTTP at all", says_and_closes(b"SSH-2.0-OpenSSH_9.9\r\n"), "protocol: status_line"),
    _http("a zero byte in a header", says(HEAD + b"X-A: \x00\r\n" + EMPTY), "protocol: header"),
    _http("two lengths", says(HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok"), "protocol: header"),
    _odd("broken gzip", encoded(b"gzip", b"not gzip!"), "protocol: encoding"),
    _odd("half a gzip", encoded(b"gzip", gzip.compress(b"ok" * 500)[:20]), "protocol: encoding"),
    _odd("an encoding that was not requested", encoded(b"br", b"\x0b\x02\x80hello\x03"), "protocol: encoding"),
    _http("an encoding that is none", encoded(b"UTF-8", b"ok"), None, 200),
    _http(
        "an error that stalls",
        then(b"HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\n", hangs),
        "http_5xx",
        500,
        "timeout_body",
    ),
    _http("a reset before the head", resets(), "reset"),
    _odd("a reset after 200", resets(HEAD + b"Content-Length: 9\r\n\r\nok"), "reset"),
    _http("a close before the head", says_and_closes(b""), "reset"),
    _odd("a body shorter than announced", says_and_closes(HEAD + b"Content-Length: 9\r\n\r\nok"), "reset"),
    _odd("chunks without an end", says_and_closes(CHUNKED + b"2\r\nok\r\n"), "reset"),
    Case("a closed port", Servers.refusing, "connect"),
    # TLS.
    Case(
        "a wrong certificate name",
        lambda servers: servers.https("wrong.test", servers.authority.server("right.test")),
        "tls: certificate_name",
    ),
    Case(
        "an expired certificate",
        lambda servers: servers.https("expired.test", servers.authority.server("expired.test", days=(-9, -2))),
        "tls: certificate_expired",
    ),
    Case(
        "a certificate of tomorrow",
        lambda servers: servers.https("early.test", servers.authority.server("early.test", days=(2, 9))),
        "tls: certificate_not_yet_valid",
    ),
    Case(
        "an untrusted certificate",
        lambda servers: servers.https("stranger.test", servers.untrusted.server("stranger.test")),
        "tls: certificate_untrusted",
    ),
    Case("plain HTTP on a TLS port", lambda servers: servers.bare(answers_a_hello), "tls: not_tls"),
    Case("a close in the handshake", lambda servers: servers.bare(hangs_up), "tls: closed"),
    # Strange, and none the worse for it.
    _http("headers beyond ASCII", says(HEAD + "X-N: \xfc\xff\r\nX-\xfc: 1\r\n".encode("latin-1") + EMPTY), None, 200),
    _http(
        "a body that is no text", says(b"HTTP/1.1 500 No\r\nContent-Length: 4\r\n\r\n\xff\xfe\x00\x07"), "http_5xx", 500
    ),
    _http("a connection closed after each answer", says_and_closes(OK), None, 200),
    _http("trailing garbage", smuggles, None, 200),
    _http(
        "a redirect to metadata",
        says(b"HTTP/1.1 302 Go\r\nLocation: http://169.254.169.254/latest/meta-data/\r\n" + EMPTY),
        "http_3xx",
        302,
    ),
    _http(
        "an absurd Retry-After",
        says(b"HTTP/1.1 503 No\r\nRetry-After: " + b"9" * 400 + b"\r\n" + EMPTY),
        "http_5xx",
        503,
    ),
    Case(
        "a good certificate",
        lambda servers: servers.https("good.test", servers.authority.server("good.test")),
        None,
        200,
    ),
    _http("a good answer", says(OK), None, 200),
)


@dataclass(frozen=True)
class Served:
    """The URLs of all receivers by name, and the CA bundle of those that speak TLS."""

    urls: dict[str, str]
    bundle: str


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    """Every receiver of `CASES` in a process of its own, while the block runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.hostile", str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'layers' / 'connector'}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    try:
        yield Served(json.loads(process.stdout.readline()), str(folder / "ca.pem"))
    finally:
        process.stdin.close()
        process.stdout.close()
        process.kill()  # some of its threads are in the middle of a gigabyte
        process.wait()


if __name__ == "__main__":
    servers = Servers(Path(sys.argv[1]))
    sys.stdout.write(json.dumps({case.name: case.start(servers) for case in CASES}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
