"""AWS clients over libcurl against real sockets: what botocore's own HTTP client does, they do."""

import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.session import get_session

from jobsprint.core import aws
from jobsprint.core.aws_http import Transport
from tests.support.receiver import Received, Receiver, Reply
from tests.support.sockets import Authority, hangs, says_and_closes
from tests.support.sockets import Receiver as Raw

KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}
ITEM = {"pk": {"S": "a"}, "sk": {"S": "b"}, "raw": {"B": "AAEC"}, "count": {"N": "7"}}


def stock_client(url: str) -> Any:
    """A client of botocore's own, configured as ours. Its session is not ours, which moto must be the first to see."""
    config = aws._CONFIG.merge(aws.Config(retries={"mode": "standard", "total_max_attempts": 2}))
    return get_session().create_client("dynamodb", config=config, endpoint_url=url)


@pytest.fixture
def transport() -> Iterator[Transport]:
    made = Transport(connect_seconds=0.5, read_seconds=0.5)
    yield made
    made.close()


@pytest.fixture
def client(transport: Transport) -> Callable[[str], Any]:
    """Makes a client for DynamoDB at a URL that sends over libcurl and tries twice."""

    def made(url: str) -> Any:
        client = stock_client(url)
        client.meta.events.register("before-send", transport.send)
        return client

    return made


def test_a_call_is_sent_signed_and_its_answer_read(client: Any, endpoint: Receiver) -> None:
    endpoint.answer = lambda _: Reply(200, {"Item": ITEM}, {"x-amzn-RequestId": "r-1"})
    answer = client(endpoint.url).get_item(TableName="t", Key=KEY)
    assert answer["Item"] == {**ITEM, "raw": {"B": b"\0\1\2"}}
    assert answer["ResponseMetadata"]["RequestId"] == "r-1"
    [request] = endpoint.received
    assert request.json == {"TableName": "t", "Key": KEY}
    assert request.headers["x-amz-target"] == "DynamoDB_20120810.GetItem"
    assert request.headers["host"] == endpoint.url.removeprefix("http://")
    assert "expect" not in request.headers
    signed = request.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert set(signed) <= request.headers.keys()


def test_it_sends_what_botocore_would(client: Any, endpoint: Receiver) -> None:
    endpoint.answer = lambda _: Reply(200, {})
    for each in (client(endpoint.url), stock_client(endpoint.url)):
        each.put_item(TableName="t", Item={**KEY, "text": {"S": "ü" * 2_000_000}})
    ours, theirs = endpoint.received
    assert ours.body == theirs.body
    assert (ours.method, ours.path) == (theirs.method, theirs.path)
    # Of each request, and what libcurl and http.client say that they take.
    other = {"x-amz-date", "authorization", "amz-sdk-invocation-id", "accept", "accept-encoding"}
    ours_same, theirs_same = (
        {name: value for name, value in request.headers.items() if name not in other} for request in (ours, theirs)
    )
    assert ours_same == theirs_same


def test_an_error_is_the_same_error(client: Any, endpoint: Receiver) -> None:
    body = {"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "message": "no"}
    endpoint.answer = lambda _: Reply(400, body)
    with pytest.raises(ClientError) as caught:
        client(endpoint.url).get_item(TableName="t", Key=KEY)
    assert caught.value.response["Error"]["Code"] == "ConditionalCheckFailedException"
    assert len(endpoint.received) == 1


def test_a_server_that_is_busy_is_asked_again(client: Any, endpoint: Receiver) -> None:
    endpoint.answer = lambda _: Reply(200, {"Item": ITEM}) if len(endpoint.received) > 1 else Reply(503, {})
    assert client(endpoint.url).get_item(TableName="t", Key=KEY)["Item"]["count"] == {"N": "7"}
    assert len(endpoint.received) == 2


def test_a_connection_is_kept_and_a_dead_one_replaced(client: Any) -> None:
    dead = threading.Event()

    def script(connection: socket.socket, request: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        if len(server.requests) == 2:
            connection.shutdown(socket.SHUT_RDWR)
            dead.set()

    server = Raw(script)
    try:
        made = client(f"http://127.0.0.1:{server.port}")
        for call in range(4):
            made.get_item(TableName="t", Key=KEY)
            if call == 1:
                assert dead.wait(5)  # else the next request may be on its way into the connection that ends
        assert server.connections == 2
        assert len(server.requests) == 4
    finally:
        server.close()


def test_heads_before_the_last_one_are_skipped(client: Any) -> None:
    def script(connection: socket.socket, request: bytes) -> None:
        connection.sendall(b"HTTP/1.1 100 Continue\r\nx-amzn-RequestId: early\r\n\r\n")
        connection.sendall(b"HTTP/1.1 200 OK\r\nx-amzn-RequestId: late\r\nContent-Length: 2\r\n\r\n{}")

    server = Raw(script)
    try:
        answer = client(f"http://127.0.0.1:{server.port}").get_item(TableName="t", Key=KEY)
        assert answer["ResponseMetadata"]["RequestId"] == "late"
    finally:
        server.close()


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (hangs, ReadTimeoutError),
        (says_and_closes(b""), ConnectionClosedError),
        (says_and_closes(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}"), ConnectionClosedError),
    ],
)
def test_what_breaks_is_named_as_botocore_names_it_and_tried_again(client: Any, script: Any, error: Any) -> None:
    server = Raw(script)
    try:
        with pytest.raises(error):
            client(f"http://127.0.0.1:{server.port}").get_item(TableName="t", Key=KEY)
        assert len(server.requests) == 2
    finally:
        server.close()


def test_nobody_listens(client: Any) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(EndpointConnectionError):
            client(f"http://127.0.0.1:{bound.getsockname()[1]}").get_item(TableName="t", Key=KEY)


def test_nobody_accepts(client: Any) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        try:
            with pytest.raises(ConnectTimeoutError):
                client(f"http://127.0.0.1:{full.getsockname()[1]}").get_item(TableName="t", Key=KEY)
        finally:
            for filler in fillers:
                filler.close()


def test_a_certificate_that_nobody_signed_is_refused(client: Any, tmp_path: Path) -> None:
    server = Raw(lambda *_: None, tls=Authority(tmp_path).server("localhost", "127.0.0.1"))
    try:
        with pytest.raises(SSLError):
            client(f"https://127.0.0.1:{server.port}").get_item(TableName="t", Key=KEY)
        assert server.requests == []
    finally:
        server.close()


def test_threads_share_it(client: Any, endpoint: Receiver) -> None:
    def answer(request: Received) -> Reply:
        together.wait(5)
        return Reply(200, {"Item": {"pk": request.json["Key"]["pk"]}})

    endpoint.answer = answer
    together = threading.Barrier(8)
    made = client(endpoint.url)
    with ThreadPoolExecutor(8) as workers:
        names = [str(n) for n in range(8)]
        found = list(workers.map(lambda name: made.get_item(TableName="t", Key={"pk": {"S": name}})["Item"], names))
    assert [item["pk"]["S"] for item in found] == names


def test_threads_that_come_and_go_never_take_the_same_handle(client: Any, endpoint: Receiver) -> None:
    """They switch as often as Python can, so that what is looked at and then taken is taken by another in between."""
    endpoint.answer = lambda request: Reply(200, {"Item": {"pk": request.json["Key"]["pk"]}})
    made = client(endpoint.url)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as workers:
            names = [str(n) for n in range(400)]
            found = list(workers.map(lambda name: made.get_item(TableName="t", Key={"pk": {"S": name}})["Item"], names))
    finally:
        sys.setswitchinterval(before)
    assert [item["pk"]["S"] for item in found] == names


def test_only_what_is_told_so_uses_it(aws: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    from jobsprint.core import aws as clients
    from tests.conftest import forget_settings

    sent: list[Any] = []
    monkeypatch.setattr(Transport, "send", lambda _, request, **__: sent.append(request))
    clients.sqs().list_queues()
    assert sent == []
    monkeypatch.setenv("AWS_OVER_LIBCURL", "true")
    forget_settings()
    clients.sqs.cache_clear()
    clients.sqs().list_queues()
    assert json.loads(sent[0].body) == {}
