"""An upstream's error is not lost: the answer and the log carry its status, its body and its own sentence, masked."""

import json
from typing import Any

import pytest

from jobsprint.core.redaction import MASK
from tests.support.call import Answer, call
from tests.support.mcp import FakeServer, RpcError, text_result, tool
from tests.support.receiver import Receiver, Reply
from tests.support.rows import connected

pytestmark = pytest.mark.usefixtures("aws")

TOKEN = "tok-s3cret-value"


@pytest.fixture
def integration_id(endpoint: Receiver) -> str:
    return connected(endpoint.url, headers={"Authorization": f"Bearer {TOKEN}"}, actions=[{"name": "refund"}])


def act(integration_id: str, action: str = "refund", *, key: str = "") -> Answer:
    path = f"/integrations/{integration_id}/actions/{action}"
    return call("POST", path, body={"parameters": {}}, headers={"Idempotency-Key": key} if key else {})


def newest_log(integration_id: str) -> Any:
    return call("GET", f"/integrations/{integration_id}/logs").data[0]


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (422, {"error": {"message": "Cannot refund twice"}}, "The upstream answered HTTP 422: Cannot refund twice"),
        (400, {"errors": [{"detail": "No such charge"}]}, "The upstream answered HTTP 400: No such charge"),
        (400, {"error": "invalid", "error_description": "No charge"}, "The upstream answered HTTP 400: No charge"),
        (409, {"title": "Conflict", "detail": "Paid out"}, "The upstream answered HTTP 409: Paid out"),
        (
            422,
            {"detail": [{"loc": ["body"], "msg": "field required"}]},
            "The upstream answered HTTP 422: field required",
        ),
        (500, b"out of\n memory", "The upstream answered HTTP 500: out of memory"),
        (503, b"<html><h1>Unavailable</h1>", "The upstream answered HTTP 503"),
        (403, {"message": "No rights"}, "The upstream refused the credentials (HTTP 403): No rights"),
        (200, {"success": False, "reason": "no money"}, "The upstream says it failed: no money"),
        (200, {"success": False, "error": {"code": 7, "message": "no money"}}, "The upstream says it failed: no money"),
        (200, {"isError": True, "content": []}, "The upstream says it failed"),
    ],
)
def test_the_answer_and_the_log_say_what_the_upstream_said(
    endpoint: Receiver, integration_id: str, status: int, body: Any, message: str
) -> None:
    endpoint.answer = lambda _: Reply(status, body)

    answer = act(integration_id)

    said = body.decode() if isinstance(body, bytes) else body
    assert answer.error["message"] == message
    assert answer.error["upstream"] == {"status": status, "body": said}
    entry = newest_log(integration_id)
    assert entry["output"]["error"] == {
        "code": answer.error["code"], "message": message, "upstream": {"status": status, "body": said}
    }  # fmt: skip
    assert answer.error["logId"] == entry["logId"]
    assert answer.body["requestId"] == entry["requestId"]


@pytest.mark.parametrize("status", [502, 504, 520, 521, 522, 523, 524])
def test_after_the_error_of_a_gateway_nobody_knows_whether_it_was_done(
    endpoint: Receiver, integration_id: str, status: int
) -> None:
    endpoint.answer = lambda _: Reply(status, b"<html><h1>Gateway</h1>")

    answer = act(integration_id)

    assert (answer.status, answer.error["code"]) == (502, "outcome_unknown")
    assert answer.error["message"] == (
        f"A gateway answered HTTP {status} after the call was sent: whether it was done is unknown"
    )
    assert answer.error["upstream"] == {"status": status, "body": "<html><h1>Gateway</h1>"}
    assert newest_log(integration_id)["status"] == "unknown"


def test_a_429_says_what_the_upstream_said(endpoint: Receiver, integration_id: str) -> None:
    endpoint.answer = lambda _: Reply(429, {"message": "10 calls a minute"}, {"Retry-After": "7"})

    answer = act(integration_id)

    assert answer.status == 429
    assert answer.headers["Retry-After"] == "7"
    assert answer.error["upstream"] == {"status": 429, "body": {"message": "10 calls a minute"}}
    assert answer.error["message"].endswith(": 10 calls a minute")


def test_an_empty_answer_has_a_status_alone(endpoint: Receiver, integration_id: str) -> None:
    endpoint.answer = lambda _: Reply(404)

    assert act(integration_id).error["upstream"] == {"status": 404}


def test_secrets_are_masked_in_it(endpoint: Receiver, integration_id: str) -> None:
    endpoint.answer = lambda _: Reply(422, {"error": {"message": f"bad {TOKEN}", "token": TOKEN}, TOKEN: 1})

    answer = act(integration_id)

    assert answer.error["message"].endswith(f": bad {MASK}")
    assert answer.error["upstream"]["body"]["error"] == {"message": f"bad {MASK}", "token": MASK}
    assert newest_log(integration_id)["output"]["error"]["upstream"]["body"]["error"]["message"] == f"bad {MASK}"


@pytest.mark.parametrize("size", [6_000, 9_000, 900_000])
@pytest.mark.parametrize("is_json", [True, False])
def test_it_is_cut_at_8_kb_and_masked_before(endpoint: Receiver, integration_id: str, size: int, is_json: bool) -> None:
    filler = "é" * ((size - 100) // 2)
    body = json.dumps({"filler": filler, "end": "end"}, ensure_ascii=False) if is_json else filler + "end"
    endpoint.answer = lambda _: Reply(422, body.encode())

    shown = act(integration_id).error["upstream"]["body"]
    logged = newest_log(integration_id)["output"]["error"]["upstream"]["body"]

    assert shown == logged
    assert len(json.dumps(shown, ensure_ascii=False).encode()) <= 8 * 1024
    if size < 8_000:
        assert shown == (json.loads(body) if is_json else body)
    else:
        assert (shown["cut"] if is_json else shown).endswith("… (cut)")


@pytest.mark.parametrize("place", range(7_100, 7_180, 8))
def test_no_secret_is_left_at_the_edge(endpoint: Receiver, integration_id: str, place: int) -> None:
    endpoint.answer = lambda _: Reply(422, ("x" * place + TOKEN + "x" * 2000).encode())

    shown = act(integration_id).error["upstream"]["body"]

    assert "tok" not in shown


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": f"bad signature for {TOKEN}"}, f": bad signature for {MASK}"),
        ({"filler": "x" * 2000, "error": "e"}, ""),
        (b"<h1>No</h1>", ""),
    ],
)
def test_a_failed_test_says_what_the_endpoint_said(
    endpoint: Receiver, integration_id: str, body: Any, words: str
) -> None:
    endpoint.answer = lambda _: Reply(422, body)

    result = call("POST", f"/integrations/{integration_id}/test").data["testResult"]

    assert result["message"] == f"The endpoint answered HTTP 422{words}"


def test_a_kept_outcome_says_the_same(endpoint: Receiver, integration_id: str) -> None:
    endpoint.answer = lambda _: Reply(422, {"error": {"message": "Cannot refund twice"}})

    first, second = (act(integration_id, key="k") for _ in range(2))

    assert len(endpoint.received) == 1
    assert second.error == first.error
    assert second.error["logId"] == newest_log(integration_id)["logId"]


def test_what_was_not_sent_has_no_log_and_no_answer(endpoint: Receiver, integration_id: str) -> None:
    error = act(integration_id, "unknown_action").error

    assert not {"upstream", "logId"} & error.keys()


def test_an_unknown_outcome_names_its_log(endpoint: Receiver, integration_id: str) -> None:
    endpoint.answer = lambda _: Reply(write=lambda _: None)

    answer = act(integration_id)

    assert answer.error["code"] == "outcome_unknown"
    assert "upstream" not in answer.error
    assert answer.error["logId"] == newest_log(integration_id)["logId"]


# --- MCP --------------------------------------------------------------------------------------------------------------


def refund(endpoint: Receiver, called: Any) -> Answer:
    server = FakeServer(endpoint, tools=[tool("refund")], called=called)
    connect = call(
        "POST", "/integrations/mcp_server/connect", body={"authType": "token", "token": TOKEN, "serverUrl": server.url}
    )
    answer = act(connect.data["id"])
    if answer.status != 200:
        error = newest_log(connect.data["id"])["output"]["error"]
        assert error.get("upstream") == answer.error.get("upstream")
    return answer


def test_a_tool_that_failed_says_why(endpoint: Receiver) -> None:
    said = {"success": False, "reason": f"no money for {TOKEN}"}

    error = refund(endpoint, lambda *_: text_result(said)).error

    assert error["message"] == f"The tool says it failed: no money for {MASK}"
    assert error["upstream"] == {"status": 200, "body": {"success": False, "reason": f"no money for {MASK}"}}


def test_an_error_of_json_rpc_says_why(endpoint: Receiver) -> None:
    def called(*_: Any) -> Any:
        raise RpcError(-32000, f"no money for {TOKEN}", data={"n": 1})

    error = refund(endpoint, called).error

    assert error["message"] == f"The server says: no money for {MASK}"
    body = {"code": -32000, "message": f"no money for {MASK}", "data": {"n": 1}}
    assert error["upstream"] == {"status": 200, "body": body}


def test_a_refusal_by_http_says_why(endpoint: Receiver) -> None:
    error = refund(endpoint, lambda *_: Reply(418, {"message": "I am a teapot"})).error

    assert error["message"] == "The server answered HTTP 418: I am a teapot"
    assert error["upstream"] == {"status": 418, "body": {"message": "I am a teapot"}}


def test_records_with_an_error_of_their_own_are_a_result(endpoint: Receiver) -> None:
    runs = [{"id": 1, "status": "error", "error": "run timed out"}, {"id": 2, "status": "ok", "error": None}]
    blocks = [{"type": "text", "text": json.dumps(run)} for run in runs]

    structured = refund(
        endpoint, lambda *_: {"content": blocks, "structuredContent": {"result": runs}, "isError": False}
    )
    as_text = refund(endpoint, lambda *_: {"content": blocks, "isError": False})

    assert structured.data["result"] == {"success": True, "result": runs}
    assert as_text.data["result"] == {"success": True, "value": runs}
