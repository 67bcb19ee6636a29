"""Bad input at the door of every operation: the contract's error, and nothing changes."""

import base64
import json
from typing import Any

import pytest

from jobsprint.core.ids import new_id
from tests.support.call import Answer, Context, call, event, handler
from tests.support.rows import connected, rows, subscribed

WEBHOOK = {"name": "My webhook", "url": "https://hooks.example.com/in", "events": ["workflow.executed"]}
EVENT = '{"event": "workflow.executed", "data": %s}'

pytestmark = pytest.mark.usefixtures("aws")


@pytest.fixture
def writing() -> list[tuple[str, str]]:
    """Every operation of this issue that takes a body, with ids that exist."""
    integration_id = connected("https://hooks.example.com/", actions=[{"name": "send"}])
    webhook_id = subscribed()["id"]
    return [
        ("POST", "/integrations/custom_webhook/connect"),
        ("PATCH", f"/integrations/{integration_id}"),
        ("POST", f"/integrations/{integration_id}/actions/send"),
        ("POST", "/integrations/webhooks"),
        ("PATCH", f"/integrations/webhooks/{webhook_id}"),
        ("POST", "/events"),
    ]


def refused(writing: list[tuple[str, str]], body: str, status: int, code: str) -> list[Answer]:
    before = rows()
    answers = [call(method, path, body=body) for method, path in writing]
    for (method, path), answer in zip(writing, answers, strict=True):
        assert (answer.status, answer.error["code"]) == (status, code), (method, path, answer.body)
    assert rows() == before
    return answers


@pytest.mark.parametrize(
    "body", ["{", "}", "{'a': 1}", "{a: 1}", '{"a": 1,}', '{"a": 01}', "nonsense", "\ufeff{}", '{"a": "\n"}', "{}{}"]
)
def test_malformed_json_is_400(writing: list[tuple[str, str]], body: str) -> None:
    refused(writing, body, 400, "invalid_json")


@pytest.mark.parametrize("body", ["null", "[]", "[{}]", '[{"name": "x"}]', '"text"', "5", "true", "0"])
def test_json_that_is_no_object_is_422(writing: list[tuple[str, str]], body: str) -> None:
    for answer in refused(writing, body, 422, "invalid_fields"):
        assert [detail["field"] for detail in answer.error["details"]] == ["body"]


@pytest.mark.parametrize(
    ("flaw", "field"),
    [
        ('{"name": "a", "name": "b"}', "body.name"),
        ('{"data": {"deep": [{"a": 1, "a": 2}]}}', "body.data.deep[0].a"),
        ('{"data": "\\ud800"}', "body.data"),
        ('{"\\udfff": 1}', 'body["\\udfff"]'),
        ('{"data": 12345678901234567891}', "body.data"),
        ('{"data": 0.1234567890123456789}', "body.data"),
        ('{"data": 1e400}', "body.data"),
        ('{"data": ' + "9" * 5000 + "}", "body.data"),
        ('{"data": ' + "[" * 101 + "]" * 101 + "}", "body.data" + "[0]" * 99),
    ],
)
def test_what_javascript_cannot_hold_is_422(writing: list[tuple[str, str]], flaw: str, field: str) -> None:
    for answer in refused(writing, flaw, 422, "invalid_fields"):
        [shown] = [detail["field"] for detail in answer.error["details"]]
        assert shown.rstrip("…") in field or shown == field


@pytest.mark.parametrize("body", ['{"data": NaN}', '{"data": Infinity}'])
def test_what_is_not_even_json_is_refused(writing: list[tuple[str, str]], body: str) -> None:
    before = rows()

    assert {call(method, path, body=body).status for method, path in writing} <= {400, 422}
    assert rows() == before


def test_every_flaw_is_listed() -> None:
    answer = call("POST", "/events", body='{"a": 1e400, "b": [1, 1e400], "c": {"d": "\\ud800"}}')

    assert [detail["field"] for detail in answer.error["details"]] == ["body.a", "body.b[1]", "body.c.d"]


@pytest.mark.parametrize("filler", ["x", "é", "🎉"])
def test_a_body_over_256_kb_is_413(writing: list[tuple[str, str]], filler: str) -> None:
    size = len(filler.encode())
    refused(writing, json.dumps({"a": filler * (256 * 1024 // size)}, ensure_ascii=False), 413, "payload_too_large")


def test_a_body_of_256_kb_is_read() -> None:
    body = json.dumps({"more": ""})
    body = json.dumps({"more": "x" * (256 * 1024 - len(body))})

    answer = call("POST", "/integrations/webhooks", body=body)

    assert (len(body), answer.status) == (256 * 1024, 422)


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"\xff\xfe{}", 400),
        (b'{"a": "\xed\xa0\x80"}', 400),
        (b'{"a": "\xc3"}', 400),
        (json.dumps(WEBHOOK).encode(), 201),
    ],
)
def test_bodies_in_base64(raw: bytes, status: int) -> None:
    folder, request = event("POST", "/integrations/webhooks", body=base64.b64encode(raw).decode())

    answer = handler(folder)({**request, "isBase64Encoded": True}, Context())

    assert answer["statusCode"] == status
    assert bool(rows()) is (status == 201)


def test_what_is_no_base64_is_400() -> None:
    folder, request = event("POST", "/integrations/webhooks", body="%%%")

    assert handler(folder)({**request, "isBase64Encoded": True}, Context())["statusCode"] == 400


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        (None, 201),
        ("", 201),
        ("application/json", 201),
        ("application/json; charset=utf-8", 201),
        ("Application/JSON ;charset=UTF-8", 201),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/jsonp", 415),
        ("application/xml", 415),
    ],
)
def test_content_types(content_type: str | None, status: int) -> None:
    folder, request = event("POST", "/integrations/webhooks", body=WEBHOOK)
    request["headers"] = {"content-type": content_type} if content_type is not None else None
    request["multiValueHeaders"] = {"content-type": [content_type]} if content_type is not None else None

    answer = handler(folder)(request, Context())

    assert answer["statusCode"] == status
    if status == 415:
        assert json.loads(answer["body"])["error"]["code"] == "unsupported_media_type"
        assert "My webhook" not in answer["body"]


def test_a_form_is_not_taken_for_json() -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    answer = call("POST", "/integrations/webhooks", body="name=n&url=https://a.example", headers=headers)

    assert answer.status == 415
    assert rows() == []


def test_operations_without_a_body_take_one_or_none() -> None:
    integration_id = connected("https://hooks.example.com/")

    for body in (None, "", "{}", '{"more": 1}'):
        assert call("POST", f"/integrations/{integration_id}/disconnect", body=body).status == 200
    assert call("POST", f"/integrations/{integration_id}/disconnect", body="{").status == 400


LISTS = ["/integrations", "/integrations/available", "/integrations/webhooks"]


@pytest.mark.parametrize("path", [*LISTS, "{logs}", "{deliveries}"])
def test_limits_and_cursors_of_every_list(path: str) -> None:
    webhook_id = subscribed()["id"]
    subscribed()
    path = path.format(
        logs=f"/integrations/{webhook_id}/logs", deliveries=f"/integrations/webhooks/{webhook_id}/deliveries"
    )

    for limit in ("0", "101", "-1", "abc", "", "1.5", "1e1", "9" * 30, "null", "1&limit=2"):
        answer = call("GET", f"{path}?limit={limit}")
        assert answer.status == 422, (limit, answer.body)
        assert {detail["field"] for detail in answer.error["details"]} == {"query.limit"}
    for cursor in ("", "x", "cursor_", "cursor_AAAA", "cursor_" + "A" * 40, "cursor_%00", "cursor_é", "a" * 5000):
        answer = call("GET", f"{path}?cursor={cursor}")
        assert (answer.status, answer.error["code"]) == (400, "invalid_cursor"), (cursor, answer.body)
    assert call("GET", f"{path}?limit=1").status == call("GET", f"{path}?limit=100").status == 200


@pytest.mark.parametrize("path", LISTS)
def test_a_cursor_works_with_its_own_query_only(path: str) -> None:
    for _ in range(3):
        subscribed()
    cursor = call("GET", f"{path}?limit=1").body["pagination"]["nextCursor"]
    filters = {"/integrations": "type=webhook", "/integrations/available": "category=Email"}
    others = [other for other in LISTS if other != path]

    assert call("GET", f"{path}?limit=2&cursor={cursor}").status == 200
    for target in [*(f"{other}?" for other in others), *([f"{path}?{filters[path]}&"] if path in filters else [])]:
        answer = call("GET", f"{target}cursor={cursor}")
        assert (answer.status, answer.error["code"]) == (400, "invalid_cursor"), target


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("limit=x", "send a whole number"),
        ("limit=0", "at least 1"),
        ("limit=101", "at most 100"),
        ("limit=1&limit=2", "send it once"),
        ("type=webhook&type=custom", "send it once"),
        ("type=s3cret", "send 'zapier', 'n8n', 'custom', 'webhook' or 'mcp'"),
    ],
)
def test_wrong_query_values_are_told_in_the_same_voice_as_fields(query: str, message: str) -> None:
    answer = call("GET", f"/integrations?{query}")

    name = query.partition("=")[0]
    assert (answer.status, answer.error["code"]) == (422, "invalid_fields")
    assert answer.error["details"] == [{"field": f"query.{name}", "message": message}]


@pytest.mark.parametrize(
    ("target", "field", "message"),
    [
        (
            "/integrations/available?search=slak",
            "search",
            "there is no such parameter; did you mean query or category or type or limit or cursor?",
        ),
        ("/integrations/available?querry=slack", "querry", "there is no such parameter; did you mean query?"),
        ("/integrations?Limit=5", "Limit", "there is no such parameter; did you mean limit?"),
        ("/integrations?cursor[]=x", "cursor[]", "there is no such parameter; did you mean cursor?"),
        ("/integrations/int_x?verbose=1", "verbose", "this operation takes no query parameters"),
    ],
)
def test_an_unknown_query_parameter_is_refused_with_what_may_be_meant(target: str, field: str, message: str) -> None:
    answer = call("GET", target)

    assert (answer.status, answer.error["code"]) == (422, "invalid_fields")
    assert answer.error["details"][-1] == {"field": f"query.{field}", "message": message}


def test_an_unknown_query_parameter_stops_a_write_and_joins_the_other_flaws() -> None:
    target = f"/integrations/webhooks/{subscribed()['id']}/deliveries"
    before = rows()

    assert call("POST", "/integrations/webhooks?dryRun=true", body=WEBHOOK).status == 422
    assert rows() == before
    both = call("GET", f"{target}?limit=0&states=delivered").error["details"]
    assert {detail["field"] for detail in both} == {"query.limit", "query.states"}


def test_public_pages_and_callbacks_ignore_what_they_do_not_know() -> None:
    assert call("GET", "/health?utm_source=mail", tenant=None).status == 200
    assert (
        call("GET", f"/integrations/oauth/callback/{'0' * 64}?state=x&code=y&session_state=z", tenant=None).status
        != 422
    )


def test_a_body_of_another_type_is_refused_everywhere(writing: list[tuple[str, str]]) -> None:
    before = rows()
    for method, path in writing:
        answer = call(method, path, body="{}", headers={"Content-Type": "text/plain"})
        assert (answer.status, answer.error["code"]) == (415, "unsupported_media_type"), (method, path)
    assert rows() == before


def test_a_comma_in_a_query_value_is_part_of_it() -> None:
    assert call("GET", "/integrations/available?query=mail,chat").status == 200
    assert call("GET", "/integrations/available?query=mail&query=chat").status == 422


def test_wrong_query_values_and_fields_are_listed_together() -> None:
    answer = call("GET", f"/integrations/{subscribed()['id']}/logs?limit=0&status=s3cret&fromDate=soon")

    assert {detail["field"] for detail in answer.error["details"]} == {"query.limit", "query.status", "query.fromDate"}
    assert "s3cret" not in json.dumps(answer.body)


@pytest.mark.parametrize("body", [None, ""])
def test_a_missing_body_is_required(writing: list[tuple[str, str]], body: str | None) -> None:
    for method, path in writing:
        answer = call(method, path, body=body, headers={"Content-Type": "application/x-www-form-urlencoded"})
        assert answer.error["details"] == [{"field": "body", "message": "is required"}], (method, path)


NOT_EVENT_NAMES: list[Any] = [
    "",
    ".",
    "a.",
    ".a",
    "a..b",
    "a b",
    "a/b",
    "ünicode",
    "a\n",
    "*",
    "a.*",
    "x" * 201,
    5,
    None,
]


def test_malformed_event_names() -> None:
    subscribed(events=["*"])
    before = rows()

    for name in NOT_EVENT_NAMES:
        answer = call("POST", "/events", body={"event": name, "data": {}})
        assert answer.status == 422, (name, answer.body)
        assert answer.error["details"][0]["field"] == "body.event"
    assert rows() == before


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"body.event", "body.data"}),
        ({"event": "a", "data": {}, "more": 1}, {"body.more"}),
        ({"event": "a", "data": []}, {"body.data"}),
        ({"event": "a", "data": None}, {"body.data"}),
        ({"event": "a", "data": {}, "id": ""}, {"body.id"}),
        ({"event": "a", "data": {}, "id": "x" * 65}, {"body.id"}),
        ({"event": "a", "data": {}, "id": "a b"}, {"body.id"}),
        ({"event": "a", "data": {}, "timestamp": "soon"}, {"body.timestamp"}),
        ({"event": 5, "data": 5, "id": 5, "timestamp": 5}, {"body.event", "body.data", "body.id", "body.timestamp"}),
        ({"event": "a", "data": {"x": "x" * 205_000}}, {"body.data"}),
        ({"events": []}, {"body.events"}),
        ({"events": [{"event": "a", "data": {}}] * 26}, {"body.events"}),
        ({"events": [{"event": "a", "data": {}}], "event": "a"}, {"body.event"}),
        ({"events": "a"}, {"body.events"}),
    ],
)
def test_wrong_events(body: Any, fields: set[str]) -> None:
    before = rows()

    answer = call("POST", "/events", body=body)

    assert answer.status == 422, answer.body
    assert {detail["field"] for detail in answer.error["details"]} == fields
    assert rows() == before


def test_there_is_no_such_operation() -> None:
    folder, request = event("GET", "/integrations")

    answer = handler(folder)({**request, "path": "/nothing", "resource": "/nothing"}, Context())

    assert (answer["statusCode"], json.loads(answer["body"])["error"]["code"]) == (404, "not_found")


def test_error_answers_have_the_envelope_and_name_no_value() -> None:
    answer = call("POST", "/integrations/webhooks", body={"name": 5, "url": "s3cret\n", "events": ["s3cret value"]})

    assert set(answer.body) == {"success", "error", "requestId"}
    assert answer.headers["Content-Type"] == "application/json"
    assert "s3cret" not in json.dumps(answer.body)


def test_cross_origin_answers() -> None:
    for path, status in (
        ("/integrations", 200),
        ("/integrations?limit=0", 422),
        (f"/integrations/{new_id('int', 1)}", 404),
    ):
        answer = call("GET", path, headers={"Origin": "https://app.example"})
        assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (status, "*")
