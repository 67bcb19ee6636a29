"""2xx decides: an answer counts once its head is complete, and the attempt warns of what its body did."""

import gzip
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.support.call import call
from tests.support.deliveries import Outbox, deliveries, dispatch, publish, record, subscribe
from tests.support.sockets import Receiver, Script, hangs, says, says_and_closes

HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def receive() -> Iterator[Callable[[Script], str]]:
    with ExitStack() as stack:

        def start(script: Script) -> str:
            receiver = Receiver(script)
            stack.callback(receiver.close)
            return receiver.url

        yield start


def stalling(head: bytes) -> Script:
    def script(connection: Any, request: bytes) -> None:
        connection.sendall(head)
        hangs(connection, request)

    return script


def delivered_to(url: str, outbox: Outbox) -> tuple[str, dict[str, Any]]:
    """The id of a webhook at this URL, and its only delivery in detail after one attempt."""
    webhook = subscribe(url)
    publish("workflow.executed")
    for message in outbox.take():
        assert dispatch(record(message.body)) == []
    outbox.take()
    [listed] = deliveries(webhook["id"])
    detail = call("GET", f"/integrations/webhooks/{webhook['id']}/deliveries/{listed['id']}").data
    assert [one.get("warning") for one in listed["attempts"]] == [one.get("warning") for one in detail["attempts"]]
    return webhook["id"], detail


@pytest.mark.parametrize(
    ("script", "warning"),
    [
        (says(HEAD + b"Content-Encoding: UTF-8\r\nContent-Length: 2\r\n\r\nok"), None),
        (says_and_closes(HEAD + b"Content-Length: 9\r\n\r\nok"), "reset"),
        (says_and_closes(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n"), "protocol: chunking"),
        (says(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!"), "protocol: encoding"),
        (
            says(
                HEAD + b"Content-Encoding: gzip\r\nContent-Length: 15\r\n\r\n" + gzip.compress(b"ok" * 99, mtime=0)[:15]
            ),
            "protocol: encoding",
        ),
        (says(HEAD + b"Content-Encoding: br\r\nContent-Length: 2\r\n\r\nok"), "protocol: encoding"),
        (stalling(HEAD + b"Content-Length: 9\r\n\r\nok"), "timeout_body"),
        (says(HEAD + b"Content-Length: 20000\r\n\r\n" + b"x" * 20_000), "body_too_large"),
    ],
)
def test_a_complete_head_of_200_is_delivered(
    outbox: Outbox, receive: Callable[[Script], str], script: Script, warning: str | None
) -> None:
    webhook, detail = delivered_to(receive(script), outbox)
    [attempt] = detail["attempts"]
    assert (detail["state"], attempt["status"], attempt["httpStatus"]) == ("delivered", "success", 200)
    assert "failure" not in attempt
    assert attempt.get("warning") == warning
    assert call("GET", f"/integrations/{webhook}/logs").data[0]["output"].get("warning") == warning
    assert attempt["durationMs"] < 2_500
    assert attempt.get("explanation", "").startswith("Delivered; ") == (warning is not None)


def test_a_410_whose_body_stalls_disables_the_webhook(outbox: Outbox, receive: Callable[[Script], str]) -> None:
    webhook, detail = delivered_to(receive(stalling(b"HTTP/1.1 410 Gone\r\nContent-Length: 9\r\n\r\n")), outbox)
    assert (detail["state"], detail["attempts"][0]["failure"]) == ("exhausted", "http_4xx")
    assert detail["attempts"][0]["warning"] == "timeout_body"
    assert call("GET", f"/integrations/webhooks/{webhook}").data["disabledReason"] == "gone"


def test_a_webhook_s_test_passes_by_its_head_too(outbox: Outbox, receive: Callable[[Script], str]) -> None:
    webhook = subscribe(receive(says_and_closes(HEAD + b"Content-Length: 9\r\n\r\nok")))
    for path in (f"/integrations/webhooks/{webhook['id']}/test", f"/integrations/{webhook['id']}/test"):
        result = call("POST", path).data["testResult"]
        assert result["passed"] is True
        assert "(reset)" in result["message"]
