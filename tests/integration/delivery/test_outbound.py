"""The outbound client against real sockets on loopback: honest receivers, slow ones and hostile ones."""

import gzip
import json
import resource
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobsprint.outbound.address_policy import AddressPolicy, ForbiddenUrl
from jobsprint.outbound.client import KINDS, Client, Request, Response, TransferFailure, TransferResult
from jobsprint.outbound.pinning import Pin, Pins, check_destination
from tests.support.sockets import OK, Authority, Receiver, Script, hangs, names, resets, says, says_and_closes

LOCAL = AddressPolicy(allow_private=True, allow_loopback=True)
STRICT = AddressPolicy()
CAP = 16 * 1024


@pytest.fixture
def receive() -> Iterator[Callable[..., Receiver]]:
    with ExitStack() as stack:

        def start(script: Script | None = None, **options: Any) -> Receiver:
            receiver = Receiver(script or says(OK), **options)
            stack.callback(receiver.close)
            return receiver

        yield start


@pytest.fixture
def client() -> Iterator[Client]:
    client = Client(LOCAL, user_agent="Jobsprint-Test/1")
    yield client
    client.close()


def post(url: str, body: bytes = b"{}", *, repeatable: bool = True) -> Request:
    return Request("POST", url, {"Content-Type": "application/json"}, body, repeatable)


def send(client: Client, request: Request, timeout: float = 1.0, max_body: int = CAP) -> TransferResult:
    """Send, and hold every test to the deadline."""
    began = time.monotonic()
    outcome = client.send(request, timeout=timeout, max_body=max_body)
    assert time.monotonic() - began < timeout + 0.3
    return outcome


def answer(outcome: TransferResult) -> Response:
    assert isinstance(outcome, Response), outcome
    return outcome


def failure(outcome: TransferResult, kind: str, *, sent: bool, status: int | None = None) -> TransferFailure:
    assert isinstance(outcome, TransferFailure), outcome
    assert (outcome.kind, outcome.sent, outcome.status) == (kind, sent, status), outcome
    assert "pin.invalid" not in outcome.message
    return outcome


# --- what is sent and what comes back -------------------------------------------------------------------------------


def test_a_request_is_sent_beside_one_that_is_under_way(client: Client, receive: Callable[..., Receiver]) -> None:
    answered = threading.Event()

    def waits(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nask")
        assert answered.wait(5)
        connection.sendall(b"done")
        connection.shutdown(socket.SHUT_RDWR)

    def notes(connection: socket.socket, _: bytes) -> None:
        answered.set()
        connection.sendall(OK)

    main, side = receive(waits), receive(notes)
    pieces = []

    def take(piece: bytes) -> bool:
        pieces.append(piece)
        if piece == b"ask":
            client.send_beside(post(side.url, b"reply"))
            client.send_beside(post("http://169.254.169.254/", b"reply"))  # refused like any other
        return False

    request = Request("POST", main.url, body=b"{}", enough=take)

    assert answer(client.send(request, timeout=5, max_body=CAP)).body == b"askdone"
    assert [one.endswith(b"reply") for one in side.requests] == [True]
    with pytest.raises(RuntimeError):
        client.send_beside(post(side.url))


def test_what_is_sent_beside_is_abandoned_with_the_end(client: Client, receive: Callable[..., Receiver]) -> None:
    main, side = receive(says_and_closes(b"HTTP/1.1 200 OK\r\n\r\nask")), receive(hangs)

    def take(_: bytes) -> bool:
        client.send_beside(post(side.url))
        return False

    began = time.monotonic()
    client.send(Request("POST", main.url, body=b"{}", enough=take), timeout=5, max_body=CAP)
    assert time.monotonic() - began < 2
    assert answer(client.send(post(receive().url), timeout=5, max_body=CAP)).status == 200


def test_a_post_arrives_as_it_was_given(client: Client, receive: Callable[..., Receiver]) -> None:
    receiver = receive(says(b"HTTP/1.1 202 Accepted\r\nX-A: 1\r\nX-a: 2\r\nContent-Length: 3\r\n\r\nyes"))
    request = Request("POST", receiver.url + "/../x?a=%2F", {"X-One": "1", "X-Empty": "", "X-U": "ü"}, b"\x00{}")
    got = answer(send(client, request))
    assert (got.status, got.body, got.truncated) == (202, b"yes", False)
    assert got.headers == {"x-a": "1, 2", "content-length": "3"}
    assert set(got.timings) == {"dns", "connect", "tls", "first_byte", "total"}
    assert got.duration_ms == got.timings["total"]
    head, body = receiver.requests[0].split(b"\r\n\r\n", 1)
    assert body == b"\x00{}"
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /hook/../x?a=%2F HTTP/1.1"
    assert sorted(lines[1:]) == sorted(
        [
            f"Host: 127.0.0.1:{receiver.port}".encode(),
            b"User-Agent: Jobsprint-Test/1",
            b"Accept: */*",
            b"Accept-Encoding: gzip, deflate",
            b"X-One: 1",
            b"X-Empty:",
            "X-U: ü".encode(),
            b"Content-Length: 3",
        ]
    )


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PUT", "PATCH", "POST", "OPTIONS"])
def test_every_method_with_and_without_a_body(client: Client, receive: Callable[..., Receiver], method: str) -> None:
    def script(connection: socket.socket, request: bytes) -> None:
        connection.sendall(OK[:-2] if request.startswith(b"HEAD") else OK)

    receiver = receive(script)
    bodies = [None] if method == "HEAD" else [None, b"x", None]
    for body in bodies:
        got = answer(send(client, Request(method, receiver.url, {}, body, repeatable=True)))
        assert got.body == (b"" if method == "HEAD" else b"ok")
        assert receiver.requests[-1].startswith(method.encode() + b" /hook")
        assert receiver.requests[-1].endswith(b"\r\n\r\n" + (body or b""))
        assert b"Content-Type" not in receiver.requests[-1]
    assert receiver.connections == 1


def test_a_large_body_is_sent_without_waiting_for_a_continue(client: Client, receive: Callable[..., Receiver]) -> None:
    receiver = receive()
    got = answer(send(client, post(receiver.url, b"x" * 2_000_000)))
    assert got.duration_ms < 900
    assert b"Expect" not in receiver.requests[0]
    assert receiver.requests[0].endswith(b"x" * 2_000_000)


def test_connections_are_kept_alive_between_calls(client: Client, receive: Callable[..., Receiver]) -> None:
    receiver = receive()
    for _ in range(5):
        got = answer(send(client, post(receiver.url)))
    assert receiver.connections == 1
    assert got.timings["connect"] == 0


def test_nothing_is_left_over_from_the_request_before(client: Client, receive: Callable[..., Receiver]) -> None:
    receiver = receive()
    send(client, Request("POST", receiver.url, {"Authorization": "secret"}, b"first"))
    send(client, Request("GET", receiver.url))
    assert b"secret" not in receiver.requests[1]
    assert b"first" not in receiver.requests[1]


def test_cookies_are_not_kept(client: Client, receive: Callable[..., Receiver]) -> None:
    receiver = receive(says(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"))
    send(client, post(receiver.url))
    send(client, post(receiver.url))
    assert b"Cookie" not in receiver.requests[1]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(client: Client, receive: Callable[..., Receiver], status: int) -> None:
    other = receive()
    receiver = receive(says(f"HTTP/1.1 {status} Go\r\nLocation: {other.url}\r\nContent-Length: 0\r\n\r\n".encode()))
    got = answer(send(client, post(receiver.url)))
    assert (got.status, got.headers["location"], other.connections) == (status, other.url, 0)


def test_headers_of_interim_responses_and_trailers_do_not_count(
    client: Client, receive: Callable[..., Receiver]
) -> None:
    response = (
        b"HTTP/1.1 103 Early\r\nX-Early: 1\r\n\r\n"
        b"HTTP/1.1 201 Made\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n"
        b"2\r\nok\r\n0\r\nX-T: 1\r\n\r\n"
    )
    got = answer(send(client, post(receive(says(response)).url)))
    assert (got.status, got.body) == (201, b"ok")
    assert "x-early" not in got.headers
    assert "x-t" not in got.headers


def test_headers_beyond_ascii_are_read(client: Client, receive: Callable[..., Receiver]) -> None:
    response = "HTTP/1.1 200 Gut \xfc\r\nX-N: \xfc\xff\r\nX-\xfc: 1\r\nContent-Length: 2\r\n\r\nok".encode("latin-1")
    got = answer(send(client, post(receive(says(response)).url)))
    assert (got.headers["x-n"], got.headers["x-\xfc"], got.body) == ("\xfc\xff", "1", b"ok")


@pytest.mark.parametrize(
    "build",
    [
        lambda: Request("POST", "https://a.test", {"X-A": "1\r\nX-B: 2"}),
        lambda: Request("POST", "https://a.test", {"X-A": "1\nX-B: 2"}),
        lambda: Request("POST", "https://a.test", {"X-A": "1\x00"}),
        lambda: Request("POST", "https://a.test", {"X-A: 1\r\nX": "2"}),
        lambda: Request("POST", "https://a.test", {"": "2"}),
        lambda: Request("POST", "https://a.test", {"Host": "other.test"}),
        lambda: Request("POST", "https://a.test", {"transfer-encoding": "chunked"}),
        lambda: Request("POST", "https://a.test", {"Content-Length": "0"}),
        lambda: Request("POST / HTTP/1.1\r\nX:", "https://a.test"),
        lambda: Client(STRICT, user_agent="a\r\nb"),
    ],
)
def test_what_would_break_the_framing_is_refused(build: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"header|token|agent"):
        build()


# --- hostile receivers ----------------------------------------------------------------------------------------------


def test_no_head_at_all(client: Client, receive: Callable[..., Receiver]) -> None:
    failure(send(client, post(receive(hangs).url), 0.5), "timeout_headers", sent=True)


def test_half_a_head(client: Client, receive: Callable[..., Receiver]) -> None:
    def script(connection: socket.socket, request: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-A:")
        hangs(connection, request)

    failure(send(client, post(receive(script).url), 0.5), "timeout_headers", sent=True)


def test_a_stall_after_the_head_keeps_the_status(client: Client, receive: Callable[..., Receiver]) -> None:
    def script(connection: socket.socket, request: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok")
        hangs(connection, request)

    failure(send(client, post(receive(script).url), 0.5), "timeout_body", sent=True, status=200)


def test_a_drip_does_not_stretch_the_deadline(client: Client, receive: Callable[..., Receiver]) -> None:
    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            connection.sendall(b".")
            time.sleep(0.1)

    failure(send(client, post(receive(script).url), 0.7), "timeout_body", sent=True, status=200)


def test_a_drip_of_head_fields_does_not_stretch_the_deadline(client: Client, receive: Callable[..., Receiver]) -> None:
    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(b"X-A: 1\r\n")
            time.sleep(0.1)

    failure(send(client, post(receive(script).url), 0.7), "timeout_headers", sent=True)


def test_endless_interim_responses(client: Client, receive: Callable[..., Receiver]) -> None:
    def script(connection: socket.socket, _: bytes) -> None:
        while True:
            connection.sendall(b"HTTP/1.1 102 Wait\r\nX-A: 1\r\n\r\n" * 50)

    failure(send(client, post(receive(script).url)), "headers_too_large", sent=True)


def test_one_that_does_not_read_the_request(client: Client, receive: Callable[..., Receiver]) -> None:
    # The kernel's buffers fill and the sending itself stalls.
    listener = socket.create_server(("127.0.0.1", 0))
    try:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        failure(send(client, post(url, b"x" * 20_000_000), 0.5), "timeout_headers", sent=True)
    finally:
        listener.close()


def test_a_big_body_is_cut_at_the_cap_and_is_not_read_to_the_end(
    client: Client, receive: Callable[..., Receiver]
) -> None:
    written = 0

    def script(connection: socket.socket, _: bytes) -> None:
        nonlocal written
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n")
        for _ in range(50):
            connection.sendall(b"x" * 1_000_000)
            written += 1

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    got = answer(send(client, post(receive(script).url)))
    assert (got.status, len(got.body), got.truncated) == (200, CAP, True)
    assert written < 50
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # KB


@pytest.mark.parametrize(("size", "truncated"), [(CAP - 1, False), (CAP, False), (CAP + 1, True)])
def test_the_cap_is_exact(client: Client, receive: Callable[..., Receiver], size: int, truncated: bool) -> None:
    receiver = receive(says(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size))
    got = answer(send(client, post(receiver.url)))
    assert (len(got.body), got.truncated) == (min(size, CAP), truncated)


def test_a_cap_of_nothing_still_gives_the_status(client: Client, receive: Callable[..., Receiver]) -> None:
    got = answer(send(client, post(receive().url), max_body=0))
    assert (got.status, got.body, got.truncated) == (200, b"", True)


def test_the_cap_holds_after_decompression(client: Client, receive: Callable[..., Receiver]) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    got = answer(send(client, post(receive(says(head + bomb)).url)))
    assert (got.status, got.body, got.truncated) == (200, b"\0" * CAP, True)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # KB


# --- reading that ends early ------------------------------------------------------------------------------------------

OPEN_STREAM = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def held_open(*chunks: bytes, head: bytes = OPEN_STREAM) -> Script:
    def script(connection: socket.socket, request: bytes) -> None:
        connection.sendall(head)
        for data in chunks:
            connection.sendall(chunk(data))
            time.sleep(0.02)
        hangs(connection, request)

    return script


@pytest.mark.parametrize("repeatable", [True, False])
def test_enough_ends_the_reading_of_a_stream_that_stays_open(
    client: Client, receive: Callable[..., Receiver], repeatable: bool
) -> None:
    receiver = receive(held_open(b"one", b"two", b"three"))
    pieces: list[bytes] = []

    def enough(piece: bytes) -> bool:
        pieces.append(piece)
        return b"two" in b"".join(pieces)

    for _ in range(2):  # the second one on a fresh connection: unread bytes must not become the next response
        pieces.clear()
        request = Request("POST", receiver.url, {}, b"{}", repeatable, enough)
        began = time.monotonic()
        got = answer(send(client, request, timeout=2.0))
        assert time.monotonic() - began < 1.0
        assert (got.status, got.body.startswith(b"onetwo"), got.truncated) == (200, True, False)
        assert b"".join(pieces) == got.body
    assert receiver.connections == 2


def test_what_is_never_enough_changes_nothing(client: Client, receive: Callable[..., Receiver]) -> None:
    never = Request("POST", receive().url, {}, b"{}", enough=lambda _: False)
    assert answer(send(client, never)).body == b"ok"
    held = Request("POST", receive(held_open(b"half")).url, {}, b"{}", enough=lambda _: False)
    failure(send(client, held, 0.5), "timeout_body", sent=True, status=200)
    long = Request("POST", receive(held_open(b"x" * 100)).url, {}, b"{}", enough=lambda _: False)
    got = answer(send(client, long, max_body=10))
    assert (got.body, got.truncated) == (b"x" * 10, True)


def test_enough_sees_a_decompressed_body_and_only_of_a_success(
    client: Client, receive: Callable[..., Receiver]
) -> None:
    packed = gzip.compress(b"packed words")
    head = OPEN_STREAM[:-2] + b"Content-Encoding: gzip\r\n\r\n"
    seen: list[bytes] = []

    def enough(piece: bytes) -> bool:
        seen.append(piece)
        return True

    request = Request("POST", receive(held_open(packed, head=head)).url, {}, b"{}", enough=enough)
    assert answer(send(client, request)).body == b"packed words"
    refused = receive(says(b"HTTP/1.1 400 No\r\nContent-Length: 4\r\n\r\nlong"))
    seen.clear()
    got = answer(send(client, Request("POST", refused.url, {}, b"{}", enough=enough)))
    assert (got.status, got.body, seen) == (400, b"long", [])


def test_a_compressed_body_is_read(client: Client, receive: Callable[..., Receiver]) -> None:
    body = gzip.compress(b'{"ok": true}')
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert answer(send(client, post(receive(says(head + body)).url))).body == b'{"ok": true}'


def coded(coding: bytes, body: bytes, status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (status, coding, len(body)) + body


RAW = zlib.compressobj(wbits=-15)
WORDS = b'{"ok": true}'
PACKED = gzip.compress(WORDS, mtime=0)


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        *((coding, WORDS) for coding in (b"UTF-8", b"utf8", b"identity", b"none", b"rot13", b"aws-chunked", b"")),
        *((coding, PACKED) for coding in (b"gzip", b"X-GZIP", b"gzip, utf-8", b"identity, gzip")),
        (b"deflate", zlib.compress(WORDS)),
        (b"deflate", RAW.compress(WORDS) + RAW.flush()),
        (b"gzip, gzip", gzip.compress(PACKED, mtime=0)),
        (b"gzip", gzip.compress(WORDS[:4], mtime=0) + gzip.compress(WORDS[4:], mtime=0)),
        (b"gzip", PACKED + b"\0" * 8),
    ],
)
def test_every_coding_that_is_known_is_read_and_a_word_that_is_none_is_identity(
    client: Client, receive: Callable[..., Receiver], coding: bytes, body: bytes
) -> None:
    assert answer(send(client, post(receive(says(coded(coding, body))).url))).body == WORDS


@pytest.mark.parametrize("length", [1, 9, 12, len(PACKED) - 8, len(PACKED) - 1])
def test_a_compressed_body_that_was_cut_is_not_whole(
    client: Client, receive: Callable[..., Receiver], length: int
) -> None:
    cut = failure(
        send(client, post(receive(says(coded(b"gzip", PACKED[:length]))).url)), "protocol", sent=True, status=200
    )
    assert cut.detail == "encoding"


def test_no_body_is_whole_in_any_coding(client: Client, receive: Callable[..., Receiver]) -> None:
    for coding in (b"gzip", b"br", b"deflate"):
        assert answer(send(client, post(receive(says(coded(coding, b""))).url))).body == b""


def test_layers_of_gzip_that_hold_nothing_end_too(client: Client, receive: Callable[..., Receiver]) -> None:
    nothing = b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + b"\0\0\0\xff\xff" * 14_000_000  # empty blocks, 70 MB of them
    bomb = gzip.compress(nothing, 1)
    began = time.monotonic()
    outcome = client.send(post(receive(says(coded(b"gzip, gzip", bomb))).url), timeout=5, max_body=CAP)
    failure(outcome, "protocol", sent=True, status=200)
    assert time.monotonic() - began < 2


# --- where the head decides -------------------------------------------------------------------------------------------


def deciding(url: str) -> Request:
    return Request("POST", url, {}, b"{}", repeatable=True, head_decides=True)


@pytest.mark.parametrize("status", [b"200 OK", b"204 No", b"302 Go", b"410 Gone", b"503 No"])
@pytest.mark.parametrize(
    ("head", "body", "reason"),
    [
        (b"Content-Length: 9", b"ok", "reset"),
        (b"Transfer-Encoding: chunked", b"zz\r\nok\r\n", "protocol: chunking"),
        (b"Transfer-Encoding: chunked", b"5\r\nok", "reset"),
        (b"Content-Encoding: gzip\r\nContent-Length: 9", b"not gzip!", "protocol: encoding"),
        (b"Content-Encoding: br\r\nContent-Length: 2", b"ok", "protocol: encoding"),
        (b"Content-Encoding: gzip\r\nContent-Length: 15", PACKED[:15], "protocol: encoding"),
        (b"Transfer-Encoding: UTF-8", b"ok", "protocol: encoding"),
    ],
)
def test_a_head_decides_whatever_the_body_does(
    client: Client, receive: Callable[..., Receiver], status: bytes, head: bytes, body: bytes, reason: str
) -> None:
    receiver = receive(says_and_closes(b"HTTP/1.1 %s\r\nRetry-After: 7\r\n%s\r\n\r\n%s" % (status, head, body)))
    got = answer(send(client, deciding(receiver.url)))
    assert (got.status, got.headers["retry-after"]) == (int(status[:3]), "7")
    assert got.body_failure == (None if status.startswith(b"204") else reason)
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("pause", [None, 0.1])
def test_the_body_is_read_for_two_seconds_after_the_head(
    client: Client, receive: Callable[..., Receiver], pause: float | None
) -> None:
    def script(connection: socket.socket, request: bytes) -> None:
        time.sleep(1.0)  # the two seconds begin with the head, not with the request
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nok")
        while pause:
            connection.sendall(b".")
            time.sleep(pause)
        hangs(connection, request)

    got = answer(send(client, deciding(receive(script).url), timeout=15.0))
    assert (got.status, got.body[:2], got.body_failure) == (200, b"ok", "timeout_body")
    assert 2.9 < got.duration_ms / 1000 < 3.4


def test_the_budget_ends_before_the_two_seconds(client: Client, receive: Callable[..., Receiver]) -> None:
    got = answer(send(client, deciding(receive(held_open(b"half")).url), timeout=0.5))
    assert (got.body, got.body_failure) == (b"half", "timeout_body")


def test_a_body_that_hangs_delays_no_other_and_gives_its_connection_back(
    client: Client, receive: Callable[..., Receiver]
) -> None:
    hanging, good = receive(held_open(b"half")), receive()
    done: dict[int, float] = {}
    began = time.monotonic()
    requests = [deciding(hanging.url), deciding(good.url)]
    client.send_all(
        requests, timeout=15, max_body=CAP, on_done=lambda n, _: done.__setitem__(n, time.monotonic() - began)
    )
    assert done[1] < 0.5 < 1.9 < done[0] < 2.4
    assert answer(send(client, deciding(good.url))).body == b"ok"


def test_without_a_head_nothing_is_decided(client: Client, receive: Callable[..., Receiver]) -> None:
    for script in (hangs, says_and_closes(b"HTTP/1.1 200 OK\r\nX-A: 1"), says_and_closes(b"")):
        assert isinstance(send(client, deciding(receive(script).url), 0.5), TransferFailure)


def test_ten_thousand_headers_are_refused(client: Client, receive: Callable[..., Receiver]) -> None:
    head = b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(10_000))
    failure(send(client, post(receive(says(head + b"Content-Length: 0\r\n\r\n")).url)), "headers_too_large", sent=True)


def test_many_headers_are_bounded(client: Client, receive: Callable[..., Receiver]) -> None:
    head = b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 50) for n in range(1000))
    got = answer(send(client, post(receive(says(head + b"Content-Length: 2\r\n\r\nok")).url)))
    assert got.body == b"ok"
    assert len(got.headers) <= 256


def test_a_huge_header_is_refused(client: Client, receive: Callable[..., Receiver]) -> None:
    head = b"HTTP/1.1 200 OK\r\nX-A: " + b"y" * 1_000_000 + b"\r\nContent-Length: 0\r\n\r\n"
    failure(send(client, post(receive(says(head)).url)), "headers_too_large", sent=True)


@pytest.mark.parametrize(
    ("response", "reason", "status"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n", "protocol: chunking", 200),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokXX0\r\n\r\n", "protocol: chunking", 200),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\n", "protocol: chunking", 200),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nok", "reset", 200),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", "reset", 200),
        (b"HTTP/1.1 200 OK\r\nContent-Length: nine\r\n\r\nok", "protocol: header", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", "protocol: header", None),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!", "protocol: encoding", 200),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\nok", "protocol: encoding", 200),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\nContent-Length: 2\r\n\r\nok", "protocol: encoding", 200),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: " + b"gzip," * 9 + b"gzip\r\n\r\nok", "protocol: encoding", 200),
        (b"HTTP/1.1 200 OK\r\nX-A: 1", "reset", None),
        (b"HTTP/1.1 200 OK\r\nX-A: \x00\r\nContent-Length: 0\r\n\r\n", "protocol: header", None),
        (b"HTTP/9.9 200 OK\r\n\r\n", "protocol: status_line", None),
        (b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n", "protocol: status_line", None),
        (b"HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n", "protocol: status_line", None),
        (b"HTTP/1.1 20 OK\r\n\r\n", "protocol: status_line", None),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", "protocol: status_line", None),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "protocol: status_line", None),
        (b"hello", "protocol: status_line", None),
        (b"\x15\x03\x01\x00\x02\x02\x16", "protocol: status_line", None),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 20_000, "headers_too_large", None),
        (b"", "reset", None),
    ],
    ids=lambda value: ascii(value)[:60] if isinstance(value, bytes) else None,
)
def test_broken_answers_have_a_type(
    client: Client, receive: Callable[..., Receiver], response: bytes, reason: str, status: int | None
) -> None:
    outcome = send(client, post(receive(says_and_closes(response)).url))
    assert isinstance(outcome, TransferFailure), outcome
    assert (outcome.reason, outcome.sent) == (reason, True), outcome
    assert outcome.kind in KINDS
    assert outcome.status in {status, None}, outcome
    assert "writing output" not in outcome.message  # libcurl's words for our own refusal


def test_a_reset_before_and_after_the_head(client: Client, receive: Callable[..., Receiver]) -> None:
    failure(send(client, post(receive(resets()).url)), "reset", sent=True)
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"
    failure(send(client, post(receive(resets(cut)).url)), "reset", sent=True, status=200)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\n"]))
def test_any_bytes_give_an_outcome(
    client: Client, receive: Callable[..., Receiver], junk: bytes, prefix: bytes
) -> None:
    outcome = send(client, post(receive(says_and_closes(prefix + junk)).url))
    assert isinstance(outcome, Response) or outcome.kind in {"protocol", "reset", "headers_too_large"}
    json.dumps([outcome.status, str(outcome)])  # any of it can be stored


# --- connecting -----------------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_a_refused_port_was_not_sent(client: Client) -> None:
    outcome = send(client, post(f"http://127.0.0.1:{free_port()}/secret-path"))
    got = failure(outcome, "connect", sent=False)
    assert "refused" in got.message
    assert "secret" not in got.message


def test_a_full_backlog_is_a_connect_timeout(client: Client) -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    port = listener.getsockname()[1]
    with ExitStack() as stack:
        stack.callback(listener.close)
        for _ in range(3):  # fill the queue of unaccepted connections
            filler = socket.socket()
            filler.setblocking(False)
            stack.callback(filler.close)
            filler.connect_ex(("127.0.0.1", port))
        failure(send(client, post(f"http://127.0.0.1:{port}/"), 0.5), "timeout_connect", sent=False)


def test_the_next_address_is_tried(receive: Callable[..., Receiver]) -> None:
    receiver = receive(address="127.0.0.2")
    client = Client(LOCAL, user_agent="t", resolver=names(two_test=["127.0.0.3", "127.0.0.2"]))
    assert answer(send(client, post(f"http://two.test:{receiver.port}/"))).status == 200
    client.close()


def test_a_connection_that_died_idle_is_replaced(client: Client, receive: Callable[..., Receiver]) -> None:
    receiver = receive(says_and_closes(OK))
    for _ in range(3):
        answer(send(client, post(receiver.url)))
        time.sleep(0.05)
    assert receiver.connections == len(receiver.requests) == 3


def dies_on_the_second() -> Script:
    """Answers a connection's first request and closes, having read it, on the second."""
    seen: set[int] = set()

    def script(connection: socket.socket, _: bytes) -> None:
        if id(connection) in seen:
            connection.shutdown(socket.SHUT_RDWR)
        else:
            seen.add(id(connection))
            connection.sendall(OK)

    return script


def test_a_request_that_may_not_be_repeated_has_a_fresh_connection(
    client: Client, receive: Callable[..., Receiver]
) -> None:
    receiver = receive(dies_on_the_second())
    answer(send(client, post(receiver.url)))  # leaves a connection that would do, and would die
    for _ in range(3):
        answer(send(client, post(receiver.url, repeatable=False)))
    assert receiver.connections == len(receiver.requests) == 4


def test_a_repeatable_request_is_sent_again_on_a_fresh_connection(
    client: Client, receive: Callable[..., Receiver]
) -> None:
    receiver = receive(dies_on_the_second())
    answer(send(client, post(receiver.url)))
    answer(send(client, post(receiver.url)))
    assert len(receiver.requests) == 3


def test_a_request_read_and_never_answered_is_sent_once(client: Client, receive: Callable[..., Receiver]) -> None:
    for repeatable in (True, False):
        receiver = receive(says_and_closes(b""))
        failure(send(client, post(receiver.url, repeatable=repeatable)), "reset", sent=True)
        assert len(receiver.requests) == 1


def test_a_client_that_was_frozen_starts_with_fresh_connections(receive: Callable[..., Receiver]) -> None:
    receiver, now = receive(), [0.0]
    client = Client(LOCAL, user_agent="t", clock=lambda: now[0])
    for now[0] in (0, 1, 3600, 3601):
        answer(send(client, post(receiver.url)))
    client.close()
    assert receiver.connections == 2


def test_proxies_of_the_environment_are_ignored(
    receive: Callable[..., Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, receiver = receive(), receive()
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    monkeypatch.setenv("no_proxy", "")
    client = Client(LOCAL, user_agent="t", resolver=names(host_test=["127.0.0.1"]))
    answer(send(client, post(f"http://host.test:{receiver.port}/")))
    client.close()
    assert (proxy.connections, receiver.connections) == (0, 1)


# --- TLS ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def test_tls_names_the_host_and_not_the_pin(authority: Authority, receive: Callable[..., Receiver]) -> None:
    asked: list[str | None] = []
    context = authority.server("good.test")
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    receiver = receive(tls=context)
    resolver = names(good_test=["127.0.0.1"])
    client = Client(LOCAL, user_agent="t", resolver=resolver, ca_file=str(authority.bundle))
    for _ in range(2):
        got = answer(send(client, post(f"https://good.test:{receiver.port}/")))
    client.close()
    assert asked == ["good.test"]
    assert receiver.connections == 1
    assert f"Host: good.test:{receiver.port}".encode() in receiver.requests[0]
    assert (got.timings["connect"], got.timings["tls"]) == (0, 0)


def test_tls_to_a_literal_address(authority: Authority, receive: Callable[..., Receiver]) -> None:
    receiver = receive(tls=authority.server("other.test", "127.0.0.1"))
    client = Client(LOCAL, user_agent="t", ca_file=str(authority.bundle))
    assert answer(send(client, post(receiver.url))).status == 200
    client.close()


@pytest.mark.parametrize("trusted", [True, False])
def test_a_wrong_name_and_an_unknown_issuer_are_tls_failures(
    authority: Authority, receive: Callable[..., Receiver], trusted: bool
) -> None:
    receiver = receive(tls=authority.server("other.test" if trusted else "good.test"))
    bundle = str(authority.bundle) if trusted else None
    client = Client(LOCAL, user_agent="t", resolver=names(good_test=["127.0.0.1"]), ca_file=bundle)
    failure(send(client, post(f"https://good.test:{receiver.port}/")), "tls", sent=False)
    client.close()
    assert receiver.requests == []


def test_one_host_s_connection_is_not_another_host_s(authority: Authority, receive: Callable[..., Receiver]) -> None:
    receiver = receive(tls=authority.server("good.test"))
    resolver = names(good_test=["127.0.0.1"], evil_test=["127.0.0.1"])
    client = Client(LOCAL, user_agent="t", resolver=resolver, ca_file=str(authority.bundle))
    answer(send(client, post(f"https://good.test:{receiver.port}/")))
    failure(send(client, post(f"https://evil.test:{receiver.port}/")), "tls", sent=False)
    client.close()


def test_plain_http_where_tls_is_expected(client: Client, receive: Callable[..., Receiver]) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 400 Bad\r\n\r\n")
            connection.recv(1000)

    thread = threading.Thread(target=serve)
    thread.start()
    failure(send(client, post(f"https://127.0.0.1:{port}/")), "tls", sent=False)
    thread.join()
    listener.close()


def test_a_hanging_handshake_is_a_tls_timeout(client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
        got = failure(send(client, post(url), 0.5), "timeout_tls", sent=False)
        assert 400 <= got.timings["tls"] <= got.duration_ms


def test_a_missing_bundle_is_named_at_once() -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        Client(STRICT, user_agent="t", ca_file="/nowhere.pem")


# --- addresses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://127.0.0.1/", "blocked_address"),
        ("https://169.254.169.254/latest/meta-data", "blocked_address"),
        ("https://[::ffff:10.0.0.1]/", "blocked_address"),
        ("https://localhost:8443/", "blocked_address"),
        ("http://public.test/", "plain_http"),
        ("https://public.test:22/", "blocked_port"),
        ("https://user@public.test/", "malformed_url"),
        ("file:///etc/passwd", "malformed_url"),
        ("https://unknown.test/", "dns"),
        ("https://inside.test/", "blocked_address"),
        ("https://both.test/", "blocked_address"),
    ],
)
def test_what_the_policy_refuses_is_not_connected_to(url: str, kind: str) -> None:
    resolver = names(inside_test=["10.0.0.1"], both_test=["93.184.216.34", "10.0.0.1"])
    client = Client(STRICT, user_agent="t", resolver=resolver)
    failure(send(client, post(url)), kind, sent=False)
    client.close()


def test_a_host_that_flips_to_metadata_after_its_check_is_refused() -> None:
    answers = iter([["93.184.216.34"], ["169.254.169.254"]])

    def resolver(_host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in next(answers)]

    check_destination("https://flip.test/", STRICT, resolver=resolver)
    client = Client(STRICT, user_agent="t", resolver=resolver)
    got = failure(send(client, post("https://flip.test/")), "blocked_address", sent=False)
    assert got.message == "blocked_address: metadata"
    client.close()


def test_a_send_asks_once_and_connects_to_that_answer(receive: Callable[..., Receiver]) -> None:
    receiver = receive()
    asked = []

    def resolver(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        asked.append(host)
        ip = "127.0.0.1" if len(asked) == 1 else "169.254.169.254"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port))]

    client = Client(LOCAL, user_agent="t", resolver=resolver)
    assert answer(send(client, post(f"http://flip.test:{receiver.port}/"))).status == 200
    assert asked == ["flip.test"]
    # The connection is still open, but its host now points elsewhere: refused, not served from the old one.
    failure(send(client, post(f"http://flip.test:{receiver.port}/")), "blocked_address", sent=False)
    assert len(receiver.requests) == 1
    client.close()


def test_a_kept_connection_is_used_only_while_dns_still_names_its_address(receive: Callable[..., Receiver]) -> None:
    first = receive(address="127.0.0.1")
    second = receive(address="127.0.0.2", port=first.port)
    answers = {"now": ["127.0.0.1"]}

    def resolver(_host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in answers["now"]]

    client = Client(LOCAL, user_agent="t", resolver=resolver)

    def call(*now: str) -> tuple[int, int, int, int]:
        answers["now"] = list(now)
        answer(send(client, post(f"http://moving.test:{first.port}/")))
        return first.connections, len(first.requests), second.connections, len(second.requests)

    assert call("127.0.0.1") == (1, 1, 0, 0)
    assert call("127.0.0.9", "127.0.0.1") == (1, 2, 0, 0)  # still among the answers: reused
    assert call("127.0.0.2") == (1, 2, 1, 1)  # gone: a new connection to the address that was checked now
    assert call("127.0.0.2") == (1, 2, 1, 2)
    assert call("127.0.0.1") == (2, 3, 1, 2)
    client.close()


def test_no_socket_is_opened_to_another_address_even_if_a_pin_leads_there(
    receive: Callable[..., Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = receive()
    monkeypatch.setattr(Pin, "resolve_entry", lambda pin, port, _: f"+{pin.name}:{port}:127.0.0.1")
    client = Client(LOCAL, user_agent="t", resolver=names(public_test=["93.184.216.34"]))
    failure(send(client, post(f"http://public.test:{receiver.port}/")), "blocked_address", sent=False)
    client.close()
    assert receiver.connections == 0


def test_no_request_is_written_to_another_address_even_if_a_connection_is_kept(
    receive: Callable[..., Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver, pin = receive(), Pin()
    monkeypatch.setattr(Pins, "pin_for", lambda *_: pin)  # as if a pin did not change with its host's addresses
    answers = {"moving_test": ["127.0.0.1"]}
    client = Client(LOCAL, user_agent="t", resolver=names(**answers))
    answer(send(client, post(f"http://moving.test:{receiver.port}/")))
    answers["moving_test"][:] = ["93.184.216.34"]
    failure(send(client, post(f"http://moving.test:{receiver.port}/")), "blocked_address", sent=False)
    client.close()
    assert (receiver.connections, len(receiver.requests)) == (1, 1)


def test_a_hanging_resolver_is_dns_within_the_budget() -> None:
    release = threading.Event()

    def resolver(*_: Any, **__: Any) -> list[tuple[Any, ...]]:
        release.wait(5)
        return []

    client = Client(LOCAL, user_agent="t", resolver=resolver)
    failure(send(client, post("https://slow.test/"), 0.4), "dns", sent=False)
    client.close()
    release.set()


def test_a_lookup_that_ends_is_noticed_at_once(receive: Callable[..., Receiver]) -> None:
    receiver = receive()

    def resolver(_host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        time.sleep(0.02)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    client = Client(LOCAL, user_agent="t", resolver=resolver)
    assert answer(send(client, post(f"http://quick.test:{receiver.port}/"))).duration_ms < 150
    client.close()


def test_dns_and_the_rest_share_one_budget(receive: Callable[..., Receiver]) -> None:
    receiver = receive(hangs)

    def resolver(_host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        time.sleep(0.4)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    client = Client(LOCAL, user_agent="t", resolver=resolver)
    got = failure(send(client, post(f"http://slow.test:{receiver.port}/"), 0.7), "timeout_headers", sent=True)
    assert 350 <= got.timings["dns"] <= 550
    assert 650 <= got.duration_ms <= 850
    client.close()


# --- batches --------------------------------------------------------------------------------------------------------


def after(seconds: float) -> Script:
    def script(connection: socket.socket, _: bytes) -> None:
        time.sleep(seconds)
        connection.sendall(OK)

    return script


def test_a_batch_takes_the_time_of_its_slowest(client: Client, receive: Callable[..., Receiver]) -> None:
    receivers = [receive(after(0.3)) for _ in range(9)]
    hanging = receive(hangs)
    urls = [hanging.url, *(receiver.url for receiver in receivers)]
    finished: dict[int, tuple[TransferResult, float]] = {}
    began = time.monotonic()
    client.send_all(
        [post(url) for url in urls],
        timeout=0.8,
        max_body=CAP,
        on_done=lambda index, outcome: finished.update({index: (outcome, time.monotonic() - began)}),
    )
    assert time.monotonic() - began < 1.0
    failure(finished.pop(0)[0], "timeout_headers", sent=True)
    assert sorted(finished) == list(range(1, 10))
    for outcome, seconds in finished.values():
        assert answer(outcome).status == 200
        assert seconds < 0.6  # reported when it finished, not when the batch did


def test_hosts_are_resolved_together_and_each_once(receive: Callable[..., Receiver]) -> None:
    receiver = receive()
    asked: list[str] = []

    def resolver(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        asked.append(host)
        time.sleep(0.3)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    client = Client(LOCAL, user_agent="t", resolver=resolver)
    outcomes: dict[int, TransferResult] = {}
    requests = [post(f"http://h{n % 5}.test:{receiver.port}/") for n in range(10)]
    began = time.monotonic()
    client.send_all(requests, timeout=1, max_body=CAP, on_done=outcomes.__setitem__)
    assert time.monotonic() - began < 0.6
    assert sorted(asked) == [f"h{n}.test" for n in range(5)]
    assert all(answer(outcomes[n]).status == 200 for n in range(10))
    client.close()


def test_a_large_batch_is_sent_in_a_window(client: Client, receive: Callable[..., Receiver]) -> None:
    receiver = receive(after(0.02))
    outcomes: dict[int, TransferResult] = {}
    client.send_all([post(receiver.url)] * 250, timeout=15, max_body=CAP, on_done=outcomes.__setitem__)
    assert len(outcomes) == 250
    assert all(answer(outcome).status == 200 for outcome in outcomes.values())
    assert receiver.connections <= 100


def test_an_error_in_on_done_does_not_lose_the_others(client: Client, receive: Callable[..., Receiver]) -> None:
    receiver = receive()
    seen = []

    def on_done(index: int, _: TransferResult) -> None:
        seen.append(index)
        raise KeyError(index)

    with pytest.raises(KeyError):
        client.send_all([post(receiver.url)] * 3, timeout=1, max_body=CAP, on_done=on_done)
    assert sorted(seen) == [0, 1, 2]
    assert answer(send(client, post(receiver.url))).status == 200


def test_an_abandoned_batch_leaves_the_client_usable(client: Client, receive: Callable[..., Receiver]) -> None:
    quick, slow = receive(), receive(hangs)

    def on_done(_index: int, _: TransferResult) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.send_all([post(quick.url), post(slow.url)], timeout=1, max_body=CAP, on_done=on_done)
    assert answer(send(client, post(quick.url))).status == 200


def test_a_client_is_for_one_call_at_a_time(client: Client, receive: Callable[..., Receiver]) -> None:
    url = receive().url
    with pytest.raises(RuntimeError, match="in use"):
        client.send_all([post(url)], timeout=1, max_body=CAP, on_done=lambda *_: send(client, post(url)) and None)


def test_an_empty_batch_and_senseless_limits(client: Client) -> None:
    client.send_all([], timeout=1, max_body=0, on_done=lambda *_: None)
    for limits in ({"timeout": 0, "max_body": 1}, {"timeout": 1, "max_body": -1}):
        with pytest.raises(ValueError, match="positive"):
            client.send_all([], on_done=lambda *_: None, **limits)  # type: ignore[arg-type]


@pytest.mark.parametrize("repeatable", [True, False])
def test_descriptors_are_given_back(receive: Callable[..., Receiver], repeatable: bool) -> None:
    receiver = receive(says_and_closes(OK))
    listing = Path("/proc/self/fd")
    if not listing.exists():
        pytest.skip("no /proc")
    client = Client(LOCAL, user_agent="t")
    send(client, post(receiver.url, repeatable=repeatable))
    before = len(list(listing.iterdir()))
    for _ in range(30):
        send(client, post(receiver.url, repeatable=repeatable))
    assert len(list(listing.iterdir())) - before < 40  # the receiver's own ends, kept by this test: one each
    client.close()


def test_check_and_send_agree_on_what_is_forbidden() -> None:
    resolver = names(inside_test=["10.0.0.1"])
    with pytest.raises(ForbiddenUrl, match="blocked_address: private"):
        check_destination("https://inside.test/", STRICT, resolver=resolver)
    check_destination("https://unknown.test/", STRICT, resolver=resolver)
