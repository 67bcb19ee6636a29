"""Isolation: nobody calls without a tenant and a scope, and nothing of one tenant is there for another."""

from typing import Any

import pytest

from jobsprint.core.clock import iso_seconds, now_ms
from jobsprint.core.ids import new_id
from jobsprint.repositories.integrations import IntegrationStore
from tests.support.call import call
from tests.support.receiver import Receiver
from tests.support.rows import connected, rows, subscribed
from tests.support.template import functions, routes

PUBLIC = {
    "/health",
    "/openapi.json",
    "/docs",
    "/guide",
    "/guide/{proxy+}",
    "/integrations/oauth/callback/{issuerHash}",
    "/oauth/clients/{document}",
    # The code in the body is the credential: tests/integration/test_portal_sessions.py.
    "/portal",
    "/portal/{proxy+}",
    "/portal/sessions/exchange",
    # The function checks tokens itself: tests/integration/mcp_server.
    "/mcp",
    "/mcp/{tenant}",
    "/.well-known/oauth-protected-resource/mcp",
    "/.well-known/oauth-protected-resource/mcp/{tenant}",
}
BODIES: dict[str, Any] = {
    "/events": {"event": "workflow.executed", "data": {}},
    "/integrations/webhooks": {"name": "n", "url": "https://hooks.example.com/", "events": ["a"]},
    "/integrations/webhooks/{webhookId}/ack": {
        "messages": [{"deliveryId": new_id("dlv", 1), "leaseToken": "token", "status": "success"}]
    },
    "/integrations/webhooks/{webhookId}/recover": {"since": iso_seconds(now_ms() - 60_000)},
    "/integrations/{integrationId}/actions/{actionName}": {"parameters": {}},
    "/integrations/{integrationId}/confirm": {"confirmation": "c"},
    "/integrations/{integrationId}/connect": {"name": "n", "url": "https://hooks.example.com/"},
    "/portal/sessions": {"capabilities": []},
    "/tokens": {"name": "n", "scopes": ["tokens:manage"]},
}
SCOPES = {
    ("GET", "/integrations"): "integrations:read",
    ("GET", "/integrations/available"): "integrations:read",
    ("GET", "/integrations/{integrationId}"): "integrations:read",
    ("PATCH", "/integrations/{integrationId}"): "integrations:write",
    ("DELETE", "/integrations/{integrationId}"): "integrations:write",
    ("POST", "/integrations/{integrationId}/connect"): "integrations:write",
    ("POST", "/integrations/{integrationId}/confirm"): "integrations:write",
    ("POST", "/integrations/{integrationId}/disconnect"): "integrations:write",
    ("POST", "/integrations/{integrationId}/test"): "integrations:write",
    ("POST", "/integrations/{integrationId}/actions/{actionName}"): "actions:execute",
    ("GET", "/integrations/{integrationId}/executions"): "integrations:read",
    ("GET", "/integrations/{integrationId}/executions/{executionId}"): "integrations:read",
    ("GET", "/integrations/{integrationId}/logs"): "integrations:read",
    ("POST", "/integrations/webhooks"): "webhooks:write",
    ("GET", "/integrations/webhooks"): "webhooks:read",
    ("GET", "/integrations/webhooks/{webhookId}"): "webhooks:read",
    ("PATCH", "/integrations/webhooks/{webhookId}"): "webhooks:write",
    ("DELETE", "/integrations/webhooks/{webhookId}"): "webhooks:write",
    ("POST", "/integrations/webhooks/{webhookId}/rotate-secret"): "webhooks:write",
    ("POST", "/integrations/webhooks/{webhookId}/test"): "webhooks:write",
    ("GET", "/integrations/webhooks/{webhookId}/stats"): "webhooks:read",
    ("GET", "/integrations/webhooks/{webhookId}/poll"): "webhooks:write",
    ("POST", "/integrations/webhooks/{webhookId}/ack"): "webhooks:write",
    ("GET", "/integrations/webhooks/{webhookId}/deliveries"): "webhooks:read",
    ("GET", "/integrations/webhooks/{webhookId}/deliveries/{deliveryId}"): "webhooks:read",
    ("POST", "/integrations/webhooks/{webhookId}/deliveries/{deliveryId}/resend"): "webhooks:write",
    ("POST", "/integrations/webhooks/{webhookId}/recover"): "webhooks:write",
    ("GET", "/integrations/webhooks/{webhookId}/recover"): "webhooks:read",
    ("GET", "/integrations/webhooks/{webhookId}/recover/{jobId}"): "webhooks:read",
    ("POST", "/integrations/webhooks/{webhookId}/recover/{jobId}/cancel"): "webhooks:write",
    ("POST", "/events"): "events:publish",
    ("GET", "/events"): "events:read",
    ("GET", "/events/{eventId}"): "events:read",
    ("POST", "/events/preview"): "webhooks:read",
    ("GET", "/event-types"): "webhooks:read",
    ("PUT", "/event-types"): "webhooks:write",
    ("DELETE", "/event-types/{name}"): "webhooks:write",
    ("GET", "/audit"): "audit:read",
    ("GET", "/approvals"): "actions:approve",
    ("GET", "/approvals/{approvalId}"): "actions:approve",
    ("POST", "/approvals/{approvalId}/approve"): "actions:approve",
    ("POST", "/approvals/{approvalId}/deny"): "actions:approve",
    ("POST", "/tokens"): "tokens:manage",
    ("GET", "/tokens"): "tokens:manage",
    ("DELETE", "/tokens/{tokenId}"): "tokens:manage",
    ("POST", "/portal/sessions"): "portal:sessions",
    ("DELETE", "/portal/sessions"): "portal:sessions",
    ("DELETE", "/portal/sessions/{sessionId}"): "portal:sessions",
}
# For sessions of the portal, whatever their scopes: tests/integration/test_portal_access.py.
OF_SESSIONS = {("GET", "/portal/session")}
EVERY_SCOPE = sorted({*SCOPES.values()})
# What the same operations need where their integrationId is that of a webhook.
WEBHOOK_SCOPES = {
    (method, path): "webhooks:write" if scope == "integrations:write" else "webhooks:read"
    for (method, path), scope in SCOPES.items()
    if "{integrationId}" in path
}

pytestmark = pytest.mark.usefixtures("aws")


def filled(path: str, **ids: str) -> str:
    """The path with ids of the right form, or those given."""
    made = {
        "integrationId": new_id("int", 1),
        "webhookId": new_id("wh", 1),
        "actionName": "send",
        "executionId": new_id("exe", 1),
        "eventId": new_id("evt", 1),
        "deliveryId": new_id("dlv", 1),
        "jobId": new_id("job", 1),
        "name": "order.paid",
        "tokenId": new_id("tok", 1),
        "approvalId": new_id("apr", 1),
        "sessionId": new_id("ses", 1),
    } | ids
    for name, value in made.items():
        path = path.replace(f"{{{name}}}", value)
    return path


def body_for(method: str, path: str) -> Any:
    return BODIES.get(path, {}) if method in ("POST", "PATCH", "PUT") else None


def test_every_protected_route_has_a_place_in_this_file() -> None:
    assert {route for route in routes() if route[1] not in PUBLIC} == {*SCOPES, *OF_SESSIONS}


def test_every_route_refuses_without_a_tenant() -> None:
    for method, path in routes():
        if path in PUBLIC:
            continue
        for headers in ({}, {"Authorization": "Bearer x", "X-Tenant": "acme", "Idempotency-Key": "k"}):
            answer = call(method, filled(path), tenant=None, body=body_for(method, path), headers=headers)
            assert answer.status == 401, (method, path, answer.body)
            assert answer.body == {
                "success": False,
                "error": {"code": "unauthenticated", "message": answer.error["message"]},
                "requestId": "req-1",
            }
    assert rows() == []


def test_only_public_routes_have_no_authorizer() -> None:
    open_paths = {
        event["Properties"]["Path"]
        for properties in functions().values()
        for event in properties.get("Events", {}).values()
        if event["Type"] == "Api" and event["Properties"].get("Auth", {}).get("Authorizer") == "NONE"
    }

    assert open_paths == PUBLIC


@pytest.mark.parametrize("route", SCOPES, ids=" ".join)
def test_an_operation_needs_its_scope(route: tuple[str, str]) -> None:
    method, path = route
    others = [scope for scope in EVERY_SCOPE if scope != SCOPES[route]]

    for scopes in ("", " ".join(others)):
        answer = call(method, filled(path), scopes=scopes, body=body_for(method, path))
        assert (answer.status, answer.error["code"]) == (403, "missing_scope")
        assert SCOPES[route] in answer.error["message"]
    assert rows() == []
    for scopes in (SCOPES[route], "*"):
        assert call(method, filled(path), scopes=scopes, body=body_for(method, path)).status not in (401, 403)


@pytest.mark.parametrize("route", WEBHOOK_SCOPES, ids=" ".join)
def test_a_webhook_needs_the_scope_of_webhooks_on_every_route(route: tuple[str, str]) -> None:
    method, path = route
    webhook_id = subscribed()["id"]
    before = rows()
    others = " ".join(scope for scope in EVERY_SCOPE if scope != WEBHOOK_SCOPES[route])
    for integration_id in (webhook_id, new_id("wh", 1), "wh_x"):
        target = filled(path, integrationId=integration_id)
        for scopes in ("integrations:read integrations:write actions:execute", others):
            answer = call(method, target, scopes=scopes, body=body_for(method, path))
            assert (answer.status, answer.error["code"]) == (403, "missing_scope")
            assert WEBHOOK_SCOPES[route] in answer.error["message"]
    assert rows() == before
    target = filled(path, integrationId=webhook_id)
    answer = call(method, target, scopes=WEBHOOK_SCOPES[route], body=body_for(method, path))
    assert answer.status not in (401, 403)


def test_lists_leave_out_webhooks_for_a_token_that_may_not_read_them() -> None:
    ids = [connected("https://hooks.example.com/"), subscribed()["id"], connected("https://hooks.example.com/")]

    def listed(query: str, scopes: str) -> list[str]:
        return [item["id"] for item in call("GET", f"/integrations{query}", scopes=scopes).data]

    for query in ("", "?status=connected", "?limit=2"):
        assert listed(query, "integrations:read webhooks:write") == [ids[2], ids[0]]
    assert listed("?type=webhook", "integrations:read") == []
    assert listed("?type=webhook&status=connected", "integrations:read") == []
    for scopes in ("integrations:read webhooks:read", "*"):
        assert listed("", scopes) == ids[::-1]
        assert listed("?type=webhook", scopes) == [ids[1]]


@pytest.fixture
def theirs(endpoint: Receiver) -> dict[str, str]:
    """The ids of another tenant's integration and webhook."""
    integration_id = connected(endpoint.url, tenant="globex", actions=[{"name": "send"}])
    webhook_id = subscribed(tenant="globex", url=f"{endpoint.url}/webhook", events=["*"])["id"]
    call("POST", f"/integrations/{integration_id}/actions/send", tenant="globex", body={"parameters": {}})
    call("POST", "/events", tenant="globex", body={"event": "workflow.executed", "data": {"a": 1}})
    endpoint.received.clear()
    return {"integrationId": integration_id, "webhookId": webhook_id}


def test_another_tenants_ids_are_not_found(theirs: dict[str, str], endpoint: Receiver) -> None:
    before = rows()

    for (method, path), scope in SCOPES.items():
        if "{" not in path:
            continue
        for ids in (theirs, {**theirs, "integrationId": theirs["webhookId"]}):
            scopes = f"{scope} {WEBHOOK_SCOPES.get((method, path), '')}"
            answer = call(method, filled(path, **ids), scopes=scopes, body=body_for(method, path))
            assert answer.status == 404, (method, path, answer.body)
            unknown = call(method, filled(path), scopes=scope, body=body_for(method, path))
            assert unknown.status == 404
    assert rows() == before
    assert endpoint.received == []


def test_another_tenants_ids_look_like_unknown_ones(theirs: dict[str, str]) -> None:
    unknown = new_id("int", 1)

    there = call("GET", f"/integrations/{theirs['integrationId']}").error
    nowhere = call("GET", f"/integrations/{unknown}").error

    assert there["message"].replace(theirs["integrationId"], "") == nowhere["message"].replace(unknown, "")


@pytest.mark.parametrize("path", ["/audit", "/integrations", "/integrations?type=webhook", "/integrations/webhooks"])
def test_lists_show_nothing_of_another_tenant(theirs: dict[str, str], path: str) -> None:
    assert call("GET", path).data == []
    assert call("GET", path, tenant="globex").data != []


def test_an_event_goes_to_the_webhooks_of_its_own_tenant_only(theirs: dict[str, str]) -> None:
    answer = call("POST", "/events", body={"event": "workflow.executed", "data": {}})

    assert (answer.status, answer.data["deliveries"]) == (202, 0)


@pytest.mark.parametrize("tenant", ["glob", "globex#integration", "globex#", "", "GLOBEX", "*"])
def test_tenants_whose_names_are_alike_share_nothing(theirs: dict[str, str], tenant: str) -> None:
    if tenant:
        assert call("GET", "/integrations", tenant=tenant).data == []
        assert call("GET", f"/integrations/{theirs['integrationId']}", tenant=tenant).status == 404


def test_a_cursor_of_another_tenant_is_refused(theirs: dict[str, str]) -> None:
    subscribed(tenant="globex")
    for tenant in ("acme", "globex"):
        connected("https://hooks.example.com/", tenant=tenant)
        connected("https://hooks.example.com/", tenant=tenant)
    cursor = call("GET", "/integrations?limit=1", tenant="globex").body["pagination"]["nextCursor"]

    answer = call("GET", f"/integrations?limit=1&cursor={cursor}")

    assert (answer.status, answer.error["code"]) == (400, "invalid_cursor")


def test_the_store_of_a_tenant_reaches_no_other(theirs: dict[str, str]) -> None:
    assert IntegrationStore("acme").page(limit=100) == ([], None)
    assert IntegrationStore("acme").webhooks() == []
    assert IntegrationStore("acme").activity([theirs["integrationId"]])[theirs["integrationId"]].successful == 0
