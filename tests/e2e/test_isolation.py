"""No tenant sees another, and nobody gets in without a token: every route, over HTTP, under enforced IAM."""

import re
from typing import Any

import pytest
import requests

from jobsprint.core.clock import iso_seconds, now_ms
from jobsprint.domain.portal import CAPABILITIES
from tests.e2e.api import Api
from tests.e2e.local_stack import Stack
from tests.support.template import functions, routes

PUBLIC = {"get_health", "get_openapi", "get_docs", "finish_oauth", "get_client_metadata", "serve_portal"}
# It checks tokens itself: tests/e2e/test_mcp.py.
PUBLIC |= {"serve_mcp"}
# The code in its body is the credential.
PUBLIC |= {"exchange_portal_code"}
# No session of the portal may call them.
CLOSED = {"poll_messages", "acknowledge_messages"}
BODIES: dict[str, Any] = {
    "connect_integration": {"name": "x", "url": "http://127.0.0.1:9999/"},
    "confirm_integration": {"confirmation": "c"},
    "execute_action": {"parameters": {}},
    "create_webhook": {"name": "x", "url": "http://127.0.0.1:9999/", "events": ["*"]},
    "update_webhook": {"name": "stolen"},
    "update_integration": {"name": "stolen"},
    "publish_events": {"event": "a.b", "data": {}},
    "acknowledge_messages": {"messages": [{"deliveryId": "dlv_x", "leaseToken": "token", "status": "success"}]},
    "recover_webhook": {"since": iso_seconds(now_ms() - 60_000)},
    "create_token": {"name": "x", "scopes": ["events:read"]},
    "create_portal_session": {"capabilities": ["view"]},
}
ALLOWED = {
    "Allow-Origin": "*",
    "Allow-Methods": "GET,POST,PUT,PATCH,DELETE",
    "Allow-Headers": "Authorization,Content-Type,Idempotency-Key,Prefer,traceparent,"
    "MCP-Protocol-Version,Mcp-Method,Mcp-Name",
    "Max-Age": "7200",
}
GUARDED = sorted((method, path, folder) for (method, path), folder in routes().items() if folder not in PUBLIC)


def filled(path: str, integration: str, webhook: str, made: str = "tok_x") -> str:
    """A route's path with a tenant's ids in it."""
    path = path.replace("{integrationId}", integration).replace("{webhookId}", webhook).replace("{actionName}", "send")
    path = path.replace("{tokenId}", made).replace("{sessionId}", made.replace("tok_", "ses_"))
    return re.sub(r"\{\w+\+?\}", "dlv_01m8288m5jfcptj5b3fxvspecm", path)


@pytest.fixture(scope="module")
def victim(stack: Stack) -> dict[str, Any]:
    """A tenant with one thing of each kind."""
    api = Api.of(stack)
    webhook = api.create_webhook("http://127.0.0.1:9999/", events=["never.happens"])["id"]
    token = api.data("POST", "/tokens", {"name": "Agent", "scopes": ["integrations:read"]})["id"]
    return {"api": api, "integration": api.connect_custom("http://127.0.0.1:9999/"), "webhook": webhook, "token": token}


@pytest.fixture(scope="module")
def stranger(stack: Stack) -> Api:
    return Api.of(stack)


@pytest.fixture(scope="module")
def strange_session(stranger: Api) -> Api:
    """A session of the portal that may do everything, of the stranger."""
    made = stranger.data("POST", "/portal/sessions", {"capabilities": list(CAPABILITIES)})
    code = {"code": made["url"].partition("#code=")[2]}
    return Api(stranger.url, stranger.data("POST", "/portal/sessions/exchange", code)["token"])


@pytest.mark.parametrize(("method", "path", "folder"), [one for one in GUARDED if "{" in one[1]])
def test_a_session_of_a_stranger_finds_nothing(
    method: str, path: str, folder: str, victim: dict[str, Any], strange_session: Api
) -> None:
    for integration in (victim["integration"], victim["webhook"]):
        target = filled(path, integration, victim["webhook"], victim["token"])
        answer = strange_session.call(method, target, BODIES.get(folder))
        assert answer.status_code == (403 if folder in CLOSED else 404), answer.text


@pytest.mark.parametrize(
    ("method", "path", "folder"), [one for one in GUARDED if one[2] not in ("list_audit", "get_portal_session")]
)
def test_a_stranger_finds_nothing(method: str, path: str, folder: str, victim: dict[str, Any], stranger: Api) -> None:
    for integration in (victim["integration"], victim["webhook"]):
        target = filled(path, integration, victim["webhook"], victim["token"])
        answer = stranger.call(method, target, BODIES.get(folder))
        assert victim["integration"] not in answer.text or "{integrationId}" in path
        assert victim["token"] not in answer.text or "{tokenId}" in path
        if "{" in path:
            assert answer.status_code == 404, answer.text
        elif method == "GET" and folder not in ("search_available", "list_tokens"):
            assert answer.json()["data"] == []


def test_a_stranger_has_an_audit_trail_of_its_own(victim: dict[str, Any], stack: Stack) -> None:
    [made] = Api.of(stack).data("GET", "/audit")
    assert (made["kind"], made["actor"]) == ("token.create", "operator")
    kinds = [entry["kind"] for entry in victim["api"].data("GET", "/audit")]
    assert kinds == ["integration.connect", "token.create", "webhook.create", "token.create"]


def test_the_victim_still_has_everything(victim: dict[str, Any], stranger: Api) -> None:
    listed = victim["api"].data("GET", "/integrations")
    assert {item["id"] for item in listed} == {victim["integration"], victim["webhook"]}
    assert {item["name"] for item in listed} == {"Custom", "Hook"}
    assert all(token["valid"] for token in victim["api"].data("GET", "/tokens"))


def test_a_limited_token_has_its_limits_behind_the_real_authorizer(victim: dict[str, Any]) -> None:
    body = {"name": "Agent", "scopes": ["*"], "actions": ["none.*"], "readOnly": True}
    agent = Api(victim["api"].url, victim["api"].data("POST", "/tokens", body)["token"])
    assert agent.data("GET", "/integrations") == []
    assert agent.call("GET", f"/integrations/{victim['integration']}").status_code == 404
    for method, path in (("POST", "/events"), ("DELETE", f"/integrations/{victim['integration']}")):
        refused = agent.call(method, path, BODIES["publish_events"] if path == "/events" else None)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "token_read_only")
    assert agent.call("GET", "/tokens").json()["error"]["code"] == "missing_scope"


@pytest.mark.parametrize(("method", "path", "folder"), GUARDED)
def test_nobody_gets_in_without_a_token(method: str, path: str, folder: str, stack: Stack) -> None:
    target = stack.url + filled(path, "int_x", "wh_x")
    for headers in ({}, {"Authorization": "Bearer jsp_nonsense"}, {"Authorization": "Basic abc"}):
        answer = requests.request(method, target, json=BODIES.get(folder), headers=headers, timeout=30)
        assert answer.status_code == 401, answer.text
        assert answer.json()["error"]["code"] == "unauthenticated"
        assert answer.json()["requestId"]


PUBLIC_PAGES = sorted((path, folder) for (_, path), folder in routes().items() if folder in PUBLIC - {"serve_mcp"})


@pytest.mark.parametrize(("path", "folder"), PUBLIC_PAGES)
def test_public_operations_answer_without_a_token(path: str, folder: str, stack: Stack) -> None:
    page = "webhooks" if folder == "serve_portal" else "index.html"
    path = path.replace("{document}", f"{'0' * 32}.json").replace("{proxy+}", page)
    # The callback wants the state that only a consent brings.
    assert requests.get(stack.url + path, timeout=30).status_code == (400 if folder == "finish_oauth" else 200)


def test_a_token_does_only_what_its_scopes_say(stack: Stack) -> None:
    reader = Api.of(stack, scopes=("integrations:read",))
    assert reader.call("GET", "/integrations").status_code == 200
    refused = reader.call("POST", "/events", BODIES["publish_events"])
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "missing_scope")


def test_an_unknown_route_is_an_envelope_too(stack: Stack) -> None:
    answer = Api.of(stack).call("GET", "/nowhere")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", sorted({path for _, path in routes()}))
def test_preflights_are_answered(path: str, stack: Stack) -> None:
    headers = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    answer = requests.options(stack.url + filled(path, "int_x", "wh_x"), headers=headers, timeout=30)
    assert answer.ok, answer.text
    assert {name: answer.headers[f"Access-Control-{name}"] for name in ALLOWED} == ALLOWED


def test_a_page_may_read_every_answer(stack: Stack) -> None:
    headers = {"Origin": "https://app.example"}
    for path, status in (("/health", 200), ("/integrations", 401), ("/nowhere", 404)):
        answer = requests.get(stack.url + path, headers=headers, timeout=30)
        assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (status, "*"), path


def test_no_route_reaches_the_token_function() -> None:
    assert not functions()["manage_tokens"].get("Events")
