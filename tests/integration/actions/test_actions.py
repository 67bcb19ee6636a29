"""Actions of custom integrations against a real endpoint: what is sent, what each answer means, and what is logged."""

import base64
import gzip
import hmac
import json
import time
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from standardwebhooks import Webhook

from jobsprint.actions import service
from jobsprint.core import canonical_json
from jobsprint.core.redaction import MASK
from jobsprint.repositories.logs import LogStore
from jobsprint.security.signing import generate_secret
from tests.support.call import Answer, call
from tests.support.receiver import Receiver, Reply
from tests.support.rows import connected, rows
from tests.support.silent import Silent

TOKEN = "tok-s3cret-value"
SECRET = "a-signing-secret"
SCHEMA = {
    "type": "object",
    "required": ["text", "channel"],
    "additionalProperties": False,
    "properties": {
        "channel": {"type": "string"},
        "text": {"type": "string", "maxLength": 10},
        "to": {"type": "array", "items": {"type": "integer"}},
    },
}

pytestmark = pytest.mark.usefixtures("aws")


@pytest.fixture
def integration_id(endpoint: Receiver) -> str:
    return connected(
        f"{endpoint.url}/hook",
        headers={"Authorization": f"Bearer {TOKEN}", "X-Custom": "custom-value"},
        secret=SECRET,
        actions=[{"name": "send", "parameters": SCHEMA}, {"name": "any.thing_at-all"}],
    )


def act(integration_id: str, action: str = "any.thing_at-all", **parameters: Any) -> Answer:
    return call("POST", f"/integrations/{integration_id}/actions/{action}", body={"parameters": parameters})


def log(integration_id: str) -> dict[str, Any]:
    """The newest log entry."""
    return dict(call("GET", f"/integrations/{integration_id}/logs").data[0])


def says(endpoint: Receiver, status: int = 200, body: Any = None, **headers: str) -> None:
    endpoint.answer = lambda _: Reply(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


# --- what is sent ----------------------------------------------------------------------------------------------------


def test_the_call_is_a_signed_post_with_the_headers(endpoint: Receiver, integration_id: str) -> None:
    parameters = {"text": "Grüße 🎉", "n": 1.5, "nested": {"2": [], "1": None}}

    assert act(integration_id, **parameters).status == 200

    [request] = endpoint.received
    assert request.path == "/hook"
    assert request.json == {"action": "any.thing_at-all", "parameters": parameters}
    assert request.body.decode() == canonical_json.dumps(request.json)
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["x-custom"] == "custom-value"
    assert request.headers["content-type"] == request.headers["accept"] == "application/json"
    assert request.headers["webhook-id"].startswith("exe_")
    signature = hmac.digest(SECRET.encode(), request.body, "sha256").hex()
    assert request.headers["x-jobsprint-signature"] == f"sha256={signature}"
    signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    standard = base64.b64encode(hmac.digest(SECRET.encode(), signed, "sha256")).decode()
    assert request.headers["webhook-signature"] == f"v1,{standard}"


def test_a_stock_library_verifies_it(endpoint: Receiver) -> None:
    secret = generate_secret()
    integration_id = connected(endpoint.url, secret=secret, actions=[{"name": "send"}])

    act(integration_id, "send", text="é")
    call("POST", f"/integrations/{integration_id}/test")

    for request in endpoint.received:
        assert Webhook(secret).verify(request.body, request.headers) == request.json


def test_without_a_secret_nothing_is_signed(endpoint: Receiver) -> None:
    act(connected(endpoint.url, actions=[{"name": "send"}]), "send")

    assert not {name for name in endpoint.received[0].headers if "signature" in name or name.startswith("webhook-")}


def test_a_tenants_own_accept_header_is_sent_once(endpoint: Receiver) -> None:
    act(connected(endpoint.url, headers={"accept": "application/vnd.api+json"}, actions=[{"name": "send"}]), "send")

    assert endpoint.received[0].headers["accept"] == "application/vnd.api+json"


# --- what is refused before anything is sent --------------------------------------------------------------------------


def test_every_wrong_parameter_is_listed(endpoint: Receiver, integration_id: str) -> None:
    before = rows()

    answer = act(integration_id, "send", text=5, to=[1, "two", 3.5], more=1)

    assert answer.status == 422
    assert {detail["field"] for detail in answer.error["details"]} == {
        "body.parameters.channel",
        "body.parameters.text",
        "body.parameters.to[1]",
        "body.parameters.to[2]",
        "body.parameters.more",
    }
    assert endpoint.received == []
    assert rows() == before


@pytest.mark.parametrize(
    ("action", "body", "status", "where"),
    [
        ("nothing", {"parameters": {}}, 404, "action_not_found"),
        ("SEND", {"parameters": {}}, 404, "action_not_found"),
        ("jobsprint.ping", {"parameters": {}}, 404, "action_not_found"),
        ("send%20it", {"parameters": {}}, 404, "action_not_found"),
        ("x" * 3000, {"parameters": {}}, 404, "action_not_found"),
        ("send", None, 422, "body"),
        ("send", "", 422, "body"),
        ("send", "null", 422, "body"),
        ("send", "[]", 422, "body"),
        ("send", '[{"parameters": {}}]', 422, "body"),
        ("send", {"parameters": None}, 422, "body.parameters"),
        ("send", {"parameters": []}, 422, "body.parameters"),
        ("send", {"parameters": {"channel": "c", "text": "t"}, "more": 1}, 422, "body.more"),
        ("send", {"channel": "c", "text": "t"}, 422, "body.channel"),
        ("send", "{", 400, "invalid_json"),
    ],
)
def test_what_is_no_call(
    endpoint: Receiver, integration_id: str, action: str, body: Any, status: int, where: str
) -> None:
    before = rows()

    answer = call("POST", f"/integrations/{integration_id}/actions/{action}", body=body)

    assert answer.status == status, answer.body
    fields = [detail["field"] for detail in answer.error.get("details", [])]
    assert where in [*fields, answer.error["code"]]
    assert endpoint.received == []
    assert rows() == before


# --- what an answer means ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "result"),
    [
        (b'{"a": 1}', {"success": True, "a": 1}),
        (b'{"success": true, "a": [null]}', {"success": True, "a": [None]}),
        (b'{"success": "yes"}', {"success": "yes"}),
        (b'{"isError": false}', {"success": True, "isError": False}),
        (b"[1, 2]", {"success": True, "value": [1, 2]}),
        (b"null", {"success": True, "value": None}),
        (b'"done"', {"success": True, "value": "done"}),
        (b"", {"success": True}),
        (b" \n", {"success": True}),
        (b"OK", {"success": True, "text": "OK"}),
        (b"<html>", {"success": True, "text": "<html>"}),
        (b"\xff\xfe", {"success": True, "text": "\ufffd\ufffd"}),
        (b'{"n": 123456789012345678901234567890}', {"success": True, "n": 123456789012345678901234567890}),
        (b'{"n": NaN}', {"success": True, "n": None}),
        (b'{"n": 1e999, "m": [-1e999, 1.5]}', {"success": True, "n": None, "m": [None, 1.5]}),
        (b'{"n": 1' + b"0" * 400 + b"}", {"success": True, "n": None}),
        (b'\xef\xbb\xbf{"a": 1}', {"success": True, "a": 1}),
        ('{"a": "é"}'.encode("utf-16"), {"success": True, "a": "é"}),
        ('{"a": "é"}'.encode("utf-16-be"), {"success": True, "a": "é"}),
        (b'{"a": 1}\n{"a": 2}\n', {"success": True, "value": [{"a": 1}, {"a": 2}]}),
        (b'[{"success": false}]', {"success": True, "value": [{"success": False}]}),
        (b"{broken by design}", {"success": True, "text": "{broken by design}"}),
        (b'{"half": "\\ud800", "whole": "\\ud83c\\udf89"}', {"success": True, "half": "?", "whole": "🎉"}),
        ('{"e": "é🎉"}'.encode(), {"success": True, "e": "é🎉"}),
    ],
)
def test_a_good_answer_is_handed_on(endpoint: Receiver, integration_id: str, body: bytes, result: Any) -> None:
    says(endpoint, 200, body)

    answer = act(integration_id)

    assert (answer.status, answer.data["result"]) == (200, result)
    assert answer.data["action"] == "any.thing_at-all"
    entry = log(integration_id)
    assert (entry["status"], entry["output"]) == ("success", result)


FAILED = b'{"success": false, "error": "no money"}'
PACKED = gzip.compress(FAILED, mtime=0)
JSON = "application/json"


@pytest.mark.parametrize(
    ("body", "headers", "code"),
    [
        (b"\xef\xbb\xbf" + FAILED, {}, "upstream_failed"),
        (b"\xef\xbb\xbf" + FAILED, {"Content-Type": JSON}, "upstream_failed"),
        *((FAILED.decode().encode(charset), {}, "upstream_failed") for charset in ("utf-16", "utf-16-le", "utf-32")),
        (FAILED.decode().encode("utf-16-le"), {"Content-Type": f"{JSON}; charset=UTF-16LE"}, "upstream_failed"),
        (b'{"success": false, "error": "kein Geld f\xfcr"}', {}, "upstream_failed"),
        (FAILED[:-5], {"Content-Type": JSON}, "upstream_unreadable"),
        (FAILED[:-5], {"Content-Type": "application/problem+json; charset=utf-8"}, "upstream_unreadable"),
        (FAILED[:-5], {}, "upstream_unreadable"),
        (FAILED + b"<br><b>Warning</b>", {"Content-Type": "text/html"}, "upstream_unreadable"),
        (b"<br><b>Warning</b>" + FAILED, {"Content-Type": JSON}, "upstream_unreadable"),
        (b"\xef\xbb\xbf" + FAILED[:-5], {"Content-Type": JSON}, "upstream_unreadable"),
        (PACKED, {"Content-Encoding": "gzip"}, "upstream_failed"),
        (PACKED[: len(PACKED) // 2], {"Content-Encoding": "gzip"}, "upstream_unreadable"),
        (PACKED[:-1], {"Content-Encoding": "gzip"}, "upstream_unreadable"),
        (zlib.compress(FAILED)[:20], {"Content-Encoding": "deflate"}, "upstream_unreadable"),
        (b"rubbish", {"Content-Encoding": "br"}, "upstream_unreadable"),
        (b"rubbish", {"Content-Encoding": "zstd", "Content-Type": JSON}, "upstream_unreadable"),
        (FAILED, {"Content-Encoding": "UTF-8"}, "upstream_failed"),
        *(
            (json.dumps({name: value}).encode(), {}, "upstream_failed")
            for name, values in (("success", ("false", "False", " no ", 0, 0.0, "0")), ("isError", ("true", 1, "1")))
            for value in values
        ),
        (b'{"progress": 1}\n{"success": false}\n', {"Content-Type": "application/x-ndjson"}, "upstream_failed"),
        (b'{"progress": 1}\n{"succ', {"Content-Type": "application/x-ndjson"}, "upstream_unreadable"),
    ],
)
def test_a_failure_is_not_read_as_a_success(
    endpoint: Receiver, integration_id: str, body: bytes, headers: dict[str, str], code: str
) -> None:
    says(endpoint, 200, body, **headers)

    answer = act(integration_id)

    assert (answer.status, answer.error["code"]) == (502, code)
    assert log(integration_id)["status"] == "error"


@pytest.mark.parametrize("coding", ["UTF-8", "identity", "none", "gzip"])
def test_a_success_in_any_coding_is_one(endpoint: Receiver, integration_id: str, coding: str) -> None:
    body = b'{"id": 7}'
    says(endpoint, 200, gzip.compress(body, mtime=0) if coding == "gzip" else body, Content_Encoding=coding)

    assert act(integration_id).data["result"] == {"success": True, "id": 7}


@pytest.mark.parametrize(("status", "code"), [(401, "upstream_refused"), (422, "upstream_failed")])
def test_an_error_needs_no_body_to_be_one(endpoint: Receiver, integration_id: str, status: int, code: str) -> None:
    head = b"HTTP/1.1 %d No\r\nContent-Length: 99\r\n\r\ncut" % status
    endpoint.answer = lambda _: Reply(write=lambda connection: connection.write(head))

    answer = act(integration_id)

    assert (answer.status, answer.error["code"]) == (502, code)


def test_no_number_of_an_upstream_makes_a_log_unreadable(endpoint: Receiver, integration_id: str) -> None:
    says(endpoint, 200, b'{"x": 1e999, "y": {"z": [-1e999]}}')
    answer = act(integration_id)

    expected = {"success": True, "x": None, "y": {"z": [None]}}
    assert answer.data["result"] == expected
    assert call("GET", f"/integrations/{integration_id}/logs").data[0]["output"] == expected


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_every_2xx_is_good(endpoint: Receiver, integration_id: str, status: int) -> None:
    says(endpoint, status)

    assert act(integration_id).status == 200


@pytest.mark.parametrize(
    ("status", "body", "answered", "code"),
    [
        (200, {"success": False}, 502, "upstream_failed"),
        (200, {"isError": True, "content": []}, 502, "upstream_failed"),
        (200, {"success": False, "half": "\\ud800"}, 502, "upstream_failed"),
        (200, b'{"success": false, "half": "\\ud800"}', 502, "upstream_failed"),
        (200, b'{"success": false, "n": NaN}', 502, "upstream_failed"),
        (200, b'{"deep": ' + b"[" * 300 + b"]" * 300 + b"}", 502, "upstream_unreadable"),
        (200, b"[" * 100_000, 502, "upstream_unreadable"),
        (200, b'{"n": ' + b"9" * 5000 + b"}", 502, "upstream_unreadable"),
        (200, b'"' + b"a" * (1024 * 1024) + b'"', 502, "upstream_answer_too_large"),
        (500, None, 502, "upstream_failed"),
        (503, b"busy", 502, "upstream_failed"),
        (404, None, 502, "upstream_failed"),
        (401, None, 502, "upstream_refused"),
        (403, None, 502, "upstream_refused"),
        (429, None, 429, "upstream_rate_limited"),
    ],
)
def test_a_bad_answer_is_a_failure(
    endpoint: Receiver, integration_id: str, status: int, body: Any, answered: int, code: str
) -> None:
    says(endpoint, status, body)

    answer = act(integration_id)

    assert (answer.status, answer.error["code"]) == (answered, code)
    entry = log(integration_id)
    assert (entry["status"], entry["output"]["error"]["code"]) == ("error", code)


@pytest.mark.parametrize(
    ("said", "retry_after"),
    [
        ("7", "7"),
        ("0", "1"),
        ("999999", "3600"),
        ("soon", "30"),
        ("-5", "30"),
        ("9" * 50, "3600"),
        ("Mon, 06 Jan 2025 12:00:00 GMT", "1"),
        ("Mon, 06 Jan 2245 12:00:00 GMT", "3600"),
        ("", "30"),
    ],
)
def test_a_429_is_ours_with_retry_after(endpoint: Receiver, integration_id: str, said: str, retry_after: str) -> None:
    says(endpoint, 429, Retry_After=said)

    assert act(integration_id).headers["Retry-After"] == retry_after


def test_what_the_other_side_says_is_handed_on_without_secrets(endpoint: Receiver, integration_id: str) -> None:
    for body in (
        {"success": False, "error": f"bad token {TOKEN}"},
        {"isError": True, "error": {"message": f"bad token {TOKEN}"}},
        {"success": False, "message": f"bad token {TOKEN}"},
    ):
        says(endpoint, 200, body)
        answer = act(integration_id)
        assert answer.error["message"].endswith(f"bad token {MASK}")


def test_a_redirect_is_not_followed(endpoint: Receiver, integration_id: str) -> None:
    says(endpoint, 302, Location=f"{endpoint.url}/elsewhere")

    answer = act(integration_id)

    assert (answer.status, answer.error["code"]) == (502, "upstream_failed")
    assert [request.path for request in endpoint.received] == ["/hook"]


# --- no answer --------------------------------------------------------------------------------------------------------


@pytest.fixture
def hanging() -> Iterator[Silent]:
    server = Silent(breaks=False)
    yield server
    server.close()


@pytest.fixture
def breaking() -> Iterator[Silent]:
    server = Silent(breaks=True)
    yield server
    server.close()


def test_a_call_that_is_never_answered_is_unknown(hanging: Silent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "ACTION_SECONDS", 0.2)
    integration_id = connected(hanging.url, actions=[{"name": "send"}])

    answer = act(integration_id, "send")

    assert (answer.status, answer.error["code"]) == (504, "upstream_timeout")
    assert "unknown" in answer.error["message"]
    assert log(integration_id)["status"] == "unknown"
    assert hanging.calls == 1


def test_a_connection_that_breaks_after_the_call_is_unknown(breaking: Silent) -> None:
    integration_id = connected(breaking.url, actions=[{"name": "send"}])

    answer = act(integration_id, "send")

    assert (answer.status, answer.error["code"]) == (502, "outcome_unknown")
    assert "unknown" in answer.error["message"]
    assert log(integration_id)["status"] == "unknown"
    assert breaking.calls == 1


def test_a_call_that_reached_nobody_is_no_riddle(hanging: Silent) -> None:
    integration_id = connected(hanging.url, actions=[{"name": "send"}])
    hanging.close()

    answer = act(integration_id, "send")

    assert (answer.status, answer.error["code"]) == (502, "upstream_connect")
    assert log(integration_id)["status"] == "error"


def test_a_host_without_an_address() -> None:
    integration_id = connected("https://does-not-resolve.invalid/", actions=[{"name": "send"}])

    answer = act(integration_id, "send")

    assert (answer.status, answer.error["code"]) == (502, "upstream_dns")


# --- secrets and logs -------------------------------------------------------------------------------------------------


def test_secrets_are_masked_in_result_and_log(endpoint: Receiver) -> None:
    in_path = "0123456789abcdefghijklmn"
    secrets = [TOKEN, SECRET, in_path]
    endpoint.answer = lambda request: Reply(
        200,
        {
            "headers": dict(request.headers),
            "url": request.path,
            "nested": [{"note": f"x{SECRET}y"}, f"Bearer {TOKEN}"],
        },
    )
    integration_id = connected(
        f"{endpoint.url}/{in_path}",
        headers={"Authorization": f"Bearer {TOKEN}"},
        secret=SECRET,
        actions=[{"name": "send"}],
    )

    answer = act(integration_id, "send", note=TOKEN, password="typed-by-hand", card={"apiKey": "typed-by-hand"})

    assert answer.status == 200
    everywhere = json.dumps(answer.body) + json.dumps(log(integration_id)) + "\n".join(rows())
    assert [secret for secret in [*secrets, "typed-by-hand"] if secret in everywhere] == []
    assert log(integration_id)["input"] == {"note": MASK, "password": MASK, "card": {"apiKey": MASK}}
    [request] = endpoint.received
    assert request.json["parameters"]["password"] == "typed-by-hand"


@pytest.mark.parametrize("text", ["x" * 9000, "é" * 5000, "🎉" * 3000, '"' * 9000])
def test_input_and_output_are_cut_at_8_kb(endpoint: Receiver, integration_id: str, text: str) -> None:
    says(endpoint, 200, {"text": text})

    answer = act(integration_id, text=text)

    assert answer.data["result"]["text"] == text
    entry = log(integration_id)
    for cut in (entry["input"], entry["output"]):
        assert list(cut) == ["cut"]
        assert cut["cut"].endswith("… (cut)")
        assert len(cut["cut"].encode()) <= 8 * 1024


def test_just_below_the_limit_nothing_is_cut(endpoint: Receiver, integration_id: str) -> None:
    act(integration_id, text="x" * (8 * 1024 - len('{"text":""}')))

    assert list(log(integration_id)["input"]) == ["text"]


def test_usage_is_counted(endpoint: Receiver, hanging: Silent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "ACTION_SECONDS", 0.2)
    integration_id = connected(endpoint.url, actions=[{"name": "send"}])
    act(integration_id, "send")
    act(integration_id, "send")
    says(endpoint, 500)
    act(integration_id, "send")
    act(integration_id, "nothing")
    call("PATCH", f"/integrations/{integration_id}", body={"url": hanging.url})
    act(integration_id, "send")

    shown = call("GET", f"/integrations/{integration_id}").data

    assert shown["usageStats"] == {"totalCalls": 4, "successfulCalls": 2, "failedCalls": 2, "successRate": 0.5}
    assert shown["lastUsed"] >= shown["connectedAt"]
    assert call("GET", "/integrations").data[0]["lastUsed"] == shown["lastUsed"]


def test_a_call_that_cannot_be_logged_is_answered_all_the_same(
    endpoint: Receiver, integration_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("no table")

    monkeypatch.setattr(LogStore, "add", broken)

    assert act(integration_id).status == 200
    assert len(endpoint.received) == 1


def test_a_schema_that_takes_long_to_explain_does_not_hold_up_the_call(endpoint: Receiver) -> None:
    part = {"anyOf": [{"maximum": 1}] * 100}
    schema = {"type": "object", "properties": {"x": {"type": "array", "items": part}}}
    integration_id = connected(endpoint.url, actions=[{"name": "send", "parameters": schema}])
    started = time.process_time()

    answer = act(integration_id, "send", x=[7] * 10_000)

    assert time.process_time() - started < 2
    assert (answer.status, [detail["field"] for detail in answer.error["details"]]) == (422, ["body.parameters"])
    assert endpoint.received == []
