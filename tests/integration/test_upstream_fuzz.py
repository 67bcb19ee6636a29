"""Whatever an upstream answers, no answer of ours is a 500, and nothing is logged as a fault of the service.

Each upstream is made by hand, and its answers are spoiled at random, at every step of its use. `FUZZ_EXAMPLES` says how
often.
"""

import json
import logging
import os
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.conftest import forget_settings
from tests.support.authority import Authority, Seen, authority
from tests.support.call import Answer, call
from tests.support.deliveries import Outbox, deliveries, dispatch, publish, record, subscribe
from tests.support.mcp import FakeServer, text_result, tool
from tests.support.n8n import FakeN8n, workflow
from tests.support.receiver import Received, Receiver, Reply, receiving
from tests.support.spoiling import HEADERS, Spoiler
from tests.support.zapier import TOKEN, FakeZapier

pytestmark = pytest.mark.usefixtures("aws")

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "8"))


@pytest.fixture(params=range(EXAMPLES))
def seed(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Iterator[int]:
    """One example; it fails where a fault of the service was logged."""
    yield int(request.param)
    faults = [one for one in caplog.get_records("call") if one.levelno >= logging.ERROR]
    assert not faults, [(one.getMessage(), one.exc_info) for one in faults]


def asked(method: str, path: str, body: Any = None, *, tenant: str | None = "acme") -> Answer:
    """The answer to a call, which is none of 500 and has only what JSON can hold."""
    answer = call(method, path, body=body, tenant=tenant)
    assert answer.status != 500, answer.body
    if answer.body is not None:
        json.dumps(answer.body, allow_nan=False, ensure_ascii=False).encode()
    return answer


def used(answer: Answer, parameters: dict[str, Any]) -> None:
    """Reads, tests and runs what was connected."""
    if answer.status not in (200, 201):
        return
    path = f"/integrations/{answer.data['id']}"
    shown = asked("GET", path).data
    asked("POST", f"{path}/test")
    for capability in shown["capabilities"][:2]:
        asked("POST", f"{path}/actions/{capability['name']}", {"parameters": parameters})
    asked("GET", f"{path}/logs")
    asked("GET", "/integrations")


@pytest.mark.parametrize(("era", "sse"), [("handshake", False), ("handshake", True), ("modern", False)])
def test_an_mcp_server(endpoint: Receiver, seed: int, era: str, sse: bool) -> None:
    tools = [tool("send", text=True), tool("list", n={"type": "integer", "minimum": 0})]
    rows = {"result": [{"id": 1, "error": "run timed out"}]}
    said = text_result({"rows": [{"id": 1}]}, structuredContent=rows) if seed % 2 else text_result(rows)
    server = FakeServer(endpoint, era=era, tools=tools, sse=sse, called=lambda *_: said)
    Spoiler(endpoint, seed)

    used(
        asked("POST", "/integrations/mcp_server/connect", {"authType": "none", "serverUrl": server.url}), {"text": "a"}
    )


@pytest.mark.parametrize("mode", ["managed", "agentic"])
def test_zapier(endpoint: Receiver, seed: int, mode: str) -> None:
    server = FakeZapier(endpoint, mode=mode, detailed=bool(seed % 2))
    Spoiler(endpoint, seed)

    body = {"authType": "token", "token": TOKEN, "serverUrl": server.url}
    used(asked("POST", "/integrations/zapier_slack/connect", body), {"channel": "c", "text": "t"})


def test_n8n(endpoint: Receiver, seed: int) -> None:
    workflows = [workflow("One", "a/:id" if seed % 3 == 0 else "a"), workflow("Two", "b")]
    executions = Reply(
        200, {"data": [{"id": 1, "status": "error", "data": {"resultData": {"error": {"message": "m"}}}}]}
    )
    scopes = {"data": {"scopes": ["workflow:list", "execution:list", "execution:read"]}}
    n8n = FakeN8n(endpoint, workflows, discover=Reply(200, scopes), executions=executions)
    Spoiler(endpoint, seed)

    body = {"baseUrl": n8n.url, "apiKey": "key"}
    used(asked("POST", "/integrations/n8n_workflows/connect", body), {"id": "1"})


def test_a_custom_endpoint(endpoint: Receiver, seed: int) -> None:
    endpoint.answer = lambda _: Reply(200, {"success": bool(seed % 3), "error": {"message": "m"}, "rows": [{"id": 1}]})
    Spoiler(endpoint, seed)

    body = {"name": "x", "url": endpoint.url, "actions": [{"name": "a"}, {"name": "b"}]}
    used(asked("POST", "/integrations/custom_webhook/connect", body), {})


@pytest.fixture
def authorized(seed: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Authority]:
    """A protected server with its authorization server, spoiled."""
    with authority() as made, receiving() as behind:
        FakeServer(behind, tools=[tool("send", text=True)])
        made.behind = lambda seen: _from(behind, seen)
        monkeypatch.setenv("ZAPIER_MCP_URL", made.mcp)
        forget_settings()
        yield made


def _from(receiver: Receiver, seen: Seen) -> tuple[int, Any, dict[str, str]]:
    reply = receiver.answer(Received(seen.path, seen.headers, json.dumps(seen.form).encode(), seen.method))
    return reply.status, "" if reply.body is None else reply.body, reply.headers


def test_an_authorization_server(authorized: Authority, seed: int) -> None:
    Spoiler(authorized.receiver, seed)

    body = {"authType": "oauth", "redirectUrl": "https://your-app.com/callback", "serverUrl": authorized.mcp}
    begun = asked("POST", "/integrations/mcp_server/connect", body)
    if begun.status != 201 or "authUrl" not in begun.data:
        return
    try:
        came_back = authorized.consent(begun.data["authUrl"])
    except AssertionError:  # the spoiled answer was the client's id, which the server does not know
        return
    finished = call("GET", f"/integrations/oauth/callback?{urlencode(came_back)}", tenant=None)
    assert finished.status in (302, 400)
    used(begun, {"text": "a"})


def test_a_webhook_endpoint(outbox: Outbox, endpoint: Receiver, seed: int) -> None:
    names = list(HEADERS)
    name = names[seed % len(names)]
    value = HEADERS[name][seed % len(HEADERS[name])]
    status = (200, 503, 429, 410, 302, 500)[seed % 6]
    endpoint.answer = lambda _: Reply(status, {"said": "x" * 100}, {name: value})
    Spoiler(endpoint, seed)
    webhook = subscribe(endpoint.url)
    publish("workflow.executed")
    for message in outbox.take():
        assert dispatch(record(message.body)) == []

    [delivery] = deliveries(webhook["id"])
    asked("GET", f"/integrations/webhooks/{webhook['id']}/deliveries/{delivery['id']}")
    asked("POST", f"/integrations/webhooks/{webhook['id']}/test")


MALFORMED = (
    "http://[::1",
    "http://[bad",
    "https://[",
    "https://a b",
    "//",
    "http://[::1]:x/",
    "https://ex\u2100mple.com",
)
""""URLs" on which parsers raise, disagree or give up."""


@pytest.mark.parametrize("url", MALFORMED)
@pytest.mark.parametrize(
    "body",
    [
        lambda url: ("zapier_slack", {"authType": "token", "token": "t", "serverUrl": url}),
        lambda url: ("zapier_slack", {"authType": "none", "serverUrl": f"{url}?token=x"}),
        lambda url: ("zapier_slack", {"serverUrl": url}),
        lambda url: ("mcp_server", {"authType": "oauth", "redirectUrl": "https://a.example/", "serverUrl": url}),
        lambda url: ("mcp_server", {"authType": "oauth", "redirectUrl": url, "serverUrl": "https://a.example/"}),
        lambda url: ("mcp_server", {"authType": "none", "serverUrl": url}),
        lambda url: ("n8n_workflows", {"baseUrl": url, "apiKey": "k"}),
        lambda url: ("custom_webhook", {"name": "x", "url": url}),
    ],
)
def test_a_malformed_url_of_a_caller(body: Callable[[str], tuple[str, Any]], url: str) -> None:
    application, given = body(url)
    assert asked("POST", f"/integrations/{application}/connect", given).status == 422


@pytest.mark.parametrize("url", MALFORMED)
def test_a_malformed_url_in_a_change(endpoint: Receiver, url: str) -> None:
    FakeN8n(endpoint, [workflow("One", "a")])
    n8n = asked("POST", "/integrations/n8n_workflows/connect", {"baseUrl": endpoint.url, "apiKey": "k"}).data["id"]
    custom = asked("POST", "/integrations/custom_webhook/connect", {"name": "x", "url": endpoint.url}).data["id"]
    server = FakeServer(endpoint, tools=[tool("send")])
    given = {"authType": "token", "token": "t", "serverUrl": server.url}
    mcp = asked("POST", "/integrations/mcp_server/connect", given).data["id"]

    for integration_id, body in ((n8n, {"baseUrl": url}), (custom, {"url": url}), (mcp, {"serverUrl": url})):
        assert asked("PATCH", f"/integrations/{integration_id}", body).status == 422
        assert asked("PATCH", f"/integrations/{integration_id}", {"name": url}).status == 200
        asked("POST", f"/integrations/{integration_id}/disconnect")
        assert asked("POST", f"/integrations/{integration_id}/connect", body).status == 422


@pytest.mark.parametrize("url", MALFORMED)
def test_a_malformed_url_of_a_webhook(url: str) -> None:
    webhook = subscribe("https://hooks.example.com/")
    assert asked("POST", "/integrations/webhooks", {"name": "x", "url": url, "events": ["a.b"]}).status == 422
    assert asked("PATCH", f"/integrations/webhooks/{webhook['id']}", {"url": url}).status == 422


@pytest.mark.parametrize(
    "faults",
    [
        {"resource": {"authorization_servers": ["http://[bad"]}},
        {"resource": {"authorization_servers": ["http://[bad", 5, None]}},
        {"resource": {"resource": "http://[bad"}},
        {"server": {"issuer": "http://[bad"}},
        {"server": {"token_endpoint": "http://[bad"}},
        {"server": {"registration_endpoint": "http://[bad"}},
        {"server": {"revocation_endpoint": "http://[bad"}},
        {"registered": {"client_secret": "s", "client_secret_expires_at": float("inf")}},
        {"registered": {"client_secret": "s", "client_secret_expires_at": 1e300}},
        {"registered": {"client_secret": "s", "client_secret_expires_at": -(10**300)}},
        {"registered": {"client_id": "\ud800", "scope": ["x"]}},
    ],
)
def test_a_document_of_an_authorization_server(aws: dict[str, str], faults: dict[str, Any]) -> None:
    with authority() as made:
        for name, value in faults.items():
            setattr(made.faults, name, value)
        body = {"authType": "oauth", "redirectUrl": "https://a.example/", "serverUrl": made.mcp}
        answer = asked("POST", "/integrations/mcp_server/connect", body)
    assert answer.status in (201, 422, 502)
