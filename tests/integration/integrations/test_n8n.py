"""What no recorded n8n has: very many workflows, and webhooks under another path."""

import json
import random
from typing import Any

import pytest

from jobsprint.core import aws as clients
from tests.support.call import Answer, call
from tests.support.n8n import FakeN8n, workflow
from tests.support.receiver import Received, Receiver, Reply

pytestmark = pytest.mark.usefixtures("aws")


def connect(n8n: FakeN8n, **more: Any) -> Answer:
    body = {"baseUrl": n8n.url, "apiKey": "key", **more}
    return call("POST", "/integrations/n8n_workflows/connect", body=body)


def called(integration_id: str, action: str = "one") -> str:
    answer = call("POST", f"/integrations/{integration_id}/actions/{action}", body={"parameters": {}})
    assert answer.status == 200, answer.body
    return str(answer.data["result"]["called"])


def test_very_many_workflows_fit_their_item(endpoint: Receiver) -> None:
    noise = random.Random(1)

    def text(letters: str) -> str:
        return "".join(noise.choices(letters, k=490))

    many = [
        workflow(f"Flow {number:04}", f"p/{text('abcdefghijkl0123')}", description=text("äöüßéèñçабвгдежз日本語中文字"))
        for number in range(400)
    ]
    n8n = FakeN8n(endpoint, many)

    answer = connect(n8n)

    assert answer.status == 201, answer.body
    assert "choose by tags" in answer.data["message"]
    shown = call("GET", f"/integrations/{answer.data['id']}").data
    names = [one["name"] for one in shown["capabilities"]]
    assert len(names) >= 20
    assert called(answer.data["id"], names[-1]).startswith("/webhook/p/")
    items = clients.dynamodb().scan(TableName="TenantsTable")["Items"]
    # With the types, and with bytes as hex: more than DynamoDB counts.
    assert max(len(json.dumps(item, default=lambda blob: blob.hex())) for item in items) < 400_000
    assert call("POST", f"/integrations/{answer.data['id']}/test").data["testResult"]["passed"]


@pytest.mark.parametrize(
    ("configuration", "path"),
    [({}, "/webhook/a"), ({"webhookPath": "hooks"}, "/hooks/a"), ({"webhookPath": "my/own-hooks"}, "/my/own-hooks/a")],
)
def test_webhooks_under_another_path(endpoint: Receiver, configuration: dict[str, str], path: str) -> None:
    n8n = FakeN8n(endpoint, [workflow("One", "a")])

    answer = connect(n8n, configuration=configuration)

    assert called(answer.data["id"]) == path


def test_the_path_of_webhooks_may_change(endpoint: Receiver) -> None:
    integration_id = connect(FakeN8n(endpoint, [workflow("One", "a")])).data["id"]
    path = f"/integrations/{integration_id}"

    assert call("PATCH", path, body={"configuration": {"webhookPath": "hooks"}}).status == 200
    assert called(integration_id) == "/hooks/a"
    assert call("PATCH", path, body={"configuration": {"webhookPath": None}}).status == 200
    assert called(integration_id) == "/webhook/a"


@pytest.mark.parametrize(
    "wrong", ["", "/hooks", "hooks/", "a//b", "..", "a/../b", "a?b", "a#b", "a b", "ä", 5, "x" * 101]
)
def test_paths_that_are_refused(endpoint: Receiver, wrong: Any) -> None:
    n8n = FakeN8n(endpoint, [workflow("One", "a")])
    integration_id = connect(n8n).data["id"]
    configuration = {"webhookPath": wrong}

    for answer in (
        connect(n8n, configuration=configuration),
        call("PATCH", f"/integrations/{integration_id}", body={"configuration": configuration}),
    ):
        assert answer.status == 422
        assert answer.error["details"][0]["field"] == "body.configuration.webhookPath"


# --- what other servers, and other versions, say ----------------------------------------------------------------------

NOT_FOUND = Reply(404, {"message": "not found"})


def test_an_n8n_without_discover_connects(endpoint: Receiver) -> None:
    n8n = FakeN8n(endpoint, [workflow("One", "a")], discover=NOT_FOUND)

    answer = connect(n8n)

    assert (answer.status, answer.data["status"]) == (201, "connected"), answer.body
    assert called(answer.data["id"]) == "/webhook/a"
    assert call("POST", f"/integrations/{answer.data['id']}/test").data["testResult"]["passed"]


def test_an_n8n_without_discover_may_name_the_execution(endpoint: Receiver) -> None:
    n8n = FakeN8n(endpoint, [workflow("One", "a")], discover=NOT_FOUND)
    integration_id = connect(n8n).data["id"]
    ask = endpoint.answer

    def answer(request: Received) -> Reply:
        if request.path.startswith("/api/v1/executions"):
            call_id = next(one for one in endpoint.received if one.path == "/webhook/a").headers["x-jobsprint-call-id"]
            return Reply(200, {"data": [{"id": 12, "data": {"headers": {"x": call_id}}}]})
        return ask(request)

    endpoint.answer = answer
    answered = call("POST", f"/integrations/{integration_id}/actions/one", body={"parameters": {}})
    assert answered.data["result"]["executionId"] == "12"


def test_no_api_at_all_is_no_n8n(endpoint: Receiver) -> None:
    answer = connect(FakeN8n(endpoint, [], discover=NOT_FOUND, workflows=NOT_FOUND))

    assert (answer.status, answer.error["code"]) == (422, "not_n8n")


@pytest.mark.parametrize(
    ("replies", "code", "said"),
    [
        ({"discover": Reply(200, {"data": None})}, "not_n8n", "data.scopes"),
        ({"discover": Reply(200, {})}, "not_n8n", "data.scopes"),
        ({"workflows": Reply(200, {"data": None})}, "not_n8n", "list of workflows"),
        ({"workflows": Reply(200, {"data": {"id": 1}})}, "not_n8n", "list of workflows"),
        ({"workflows": Reply(200, b"<html>")}, "not_n8n", "public API"),
        (
            {"discover": Reply(302, headers={"Location": "https://sso.example.com/login?token=secret-1234567890"})},
            "redirect",
            "redirects (HTTP 302) to https://sso.example.com/login. ",
        ),
        (
            {"workflows": Reply(308, headers={"Location": "/n8n/api/v1/workflows"})},
            "redirect",
            "to /n8n/api/v1/workflows",
        ),
        ({"workflows": Reply(301, headers={"Location": "http://[bad"})}, "redirect", "redirects (HTTP 301). "),
    ],
)
def test_what_another_api_says_is_told(endpoint: Receiver, replies: dict[str, Reply], code: str, said: str) -> None:
    answer = connect(FakeN8n(endpoint, [workflow("One", "a")], **replies))

    assert (answer.status, answer.error["code"]) == (422, code)
    assert said in answer.error["message"]
    assert "secret" not in answer.error["message"]


def stream(*chunks: dict[str, Any]) -> bytes:
    return "\n".join(json.dumps(chunk) for chunk in chunks).encode() + b"\n"


BEGIN, END = {"type": "begin", "metadata": {"nodeName": "Agent"}}, {"type": "end", "metadata": {}}


@pytest.mark.parametrize(
    ("hook", "code", "said"),
    [
        (Reply(200, stream(BEGIN, {"type": "item", "content": "Hel"}, END)), "upstream_unreadable", "streaming mode"),
        (Reply(200, stream(BEGIN)), "upstream_unreadable", "streaming mode"),
        (Reply(200, stream(BEGIN, {"type": "error", "content": "no model"})), "workflow_failed", "no model"),
        (
            Reply(302, headers={"Location": "https://h.example/thanks?x=1"}),
            "upstream_redirect",
            "https://h.example/thanks;",
        ),
        (Reply(200, b'{"data": nul', {"Content-Type": "application/json"}), "upstream_unreadable", "no JSON"),
        (Reply(200, b'\xef\xbb\xbf{"success": false}'), "upstream_failed", "says it failed"),
        (Reply(200, {"success": "false"}), "upstream_failed", "says it failed"),
    ],
)
def test_what_a_workflow_says_is_told(endpoint: Receiver, hook: Reply, code: str, said: str) -> None:
    integration_id = connect(FakeN8n(endpoint, [workflow("One", "a")], hook=hook)).data["id"]

    answer = call("POST", f"/integrations/{integration_id}/actions/one", body={"parameters": {}})

    assert (answer.status, answer.error["code"]) == (502, code)
    assert said in answer.error["message"]


def test_data_of_null_is_a_result(endpoint: Receiver) -> None:
    integration_id = connect(FakeN8n(endpoint, [workflow("One", "a")], hook=Reply(200, {"data": None}))).data["id"]

    answer = call("POST", f"/integrations/{integration_id}/actions/one", body={"parameters": {}})

    assert answer.data["result"] == {"success": True, "data": None}
