"""What a session of the portal may do: each operation by its capability, its own webhooks and integrations, no payloads
without `payloads` and no secrets without `secrets`."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from jobsprint.core.ids import new_id
from jobsprint.delivery import schema_check
from jobsprint.domain.portal import ANY_SESSION, CAPABILITIES
from tests.integration.test_tenants import PUBLIC, body_for, filled
from tests.support.call import Answer, authorized, call
from tests.support.deliveries import Outbox, deliveries, dispatch, publish, record, subscribe, work
from tests.support.portal import ALL, manager, session
from tests.support.receiver import Receiver, Reply
from tests.support.rows import connected, rows
from tests.support.template import ROOT
from tools.openapi.document import endpoints

DOCUMENT = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
MARKER = "m4rk3r-of-a-payload"

NEEDED = {
    ("GET", "/audit"): "view",
    ("GET", "/event-types"): "view",
    ("GET", "/events"): "view",
    ("GET", "/events/{eventId}"): "view",
    ("GET", "/integrations"): "view",
    ("GET", "/integrations/available"): "view",
    ("GET", "/integrations/webhooks"): "view",
    ("GET", "/integrations/webhooks/{webhookId}"): "view",
    ("GET", "/integrations/webhooks/{webhookId}/deliveries"): "view",
    ("GET", "/integrations/webhooks/{webhookId}/deliveries/{deliveryId}"): "view",
    ("GET", "/integrations/webhooks/{webhookId}/recover"): "view",
    ("GET", "/integrations/webhooks/{webhookId}/recover/{jobId}"): "view",
    ("GET", "/integrations/webhooks/{webhookId}/stats"): "view",
    ("GET", "/integrations/{integrationId}"): "view",
    ("GET", "/integrations/{integrationId}/executions"): "view",
    ("GET", "/integrations/{integrationId}/executions/{executionId}"): "view",
    ("GET", "/integrations/{integrationId}/logs"): "view",
    ("POST", "/events/preview"): "view",
    ("POST", "/integrations/webhooks/{webhookId}/rotate-secret"): "secrets",
    ("POST", "/integrations/webhooks"): "webhooks",
    ("PATCH", "/integrations/webhooks/{webhookId}"): "webhooks",
    ("DELETE", "/integrations/webhooks/{webhookId}"): "webhooks",
    ("PUT", "/event-types"): "webhooks",
    ("DELETE", "/event-types/{name}"): "webhooks",
    ("POST", "/events"): "send",
    ("POST", "/integrations/webhooks/{webhookId}/test"): "send",
    ("POST", "/integrations/webhooks/{webhookId}/deliveries/{deliveryId}/resend"): "send",
    ("POST", "/integrations/webhooks/{webhookId}/recover"): "send",
    ("POST", "/integrations/webhooks/{webhookId}/recover/{jobId}/cancel"): "send",
    ("PATCH", "/integrations/{integrationId}"): "connect",
    ("DELETE", "/integrations/{integrationId}"): "connect",
    ("POST", "/integrations/{integrationId}/connect"): "connect",
    ("POST", "/integrations/{integrationId}/confirm"): "connect",
    ("POST", "/integrations/{integrationId}/disconnect"): "connect",
    ("POST", "/integrations/{integrationId}/test"): "connect",
    ("POST", "/integrations/{integrationId}/actions/{actionName}"): "act",
    ("GET", "/approvals"): "approve",
    ("GET", "/approvals/{approvalId}"): "approve",
    ("POST", "/approvals/{approvalId}/approve"): "approve",
    ("POST", "/approvals/{approvalId}/deny"): "approve",
    ("GET", "/tokens"): "agents",
    ("POST", "/tokens"): "agents",
    ("DELETE", "/tokens/{tokenId}"): "agents",
    ("GET", "/portal/session"): ANY_SESSION,
    ("DELETE", "/portal/sessions/{sessionId}"): ANY_SESSION,
}
"""Every operation that a session may call."""

OF_WEBHOOKS = {
    ("PATCH", "/integrations/{integrationId}"): "webhooks",
    ("DELETE", "/integrations/{integrationId}"): "webhooks",
    ("POST", "/integrations/{integrationId}/connect"): "webhooks",
    ("POST", "/integrations/{integrationId}/confirm"): "webhooks",
    ("POST", "/integrations/{integrationId}/disconnect"): "webhooks",
    ("POST", "/integrations/{integrationId}/test"): "send",
}
"""What the same operations need where their integrationId is that of a webhook."""

SETS = [
    *(frozenset({capability}) for capability in CAPABILITIES),
    *(frozenset(CAPABILITIES) - {capability} for capability in CAPABILITIES),
]

pytestmark = pytest.mark.usefixtures("aws")


def operations() -> Iterator[tuple[str, str, Any]]:
    """Every operation of the document, with its endpoint."""
    modules = {}
    for folder, module in endpoints().items():
        first, *others = folder.split("_")
        modules[first + "".join(part.title() for part in others)] = module.app
    for path, item in DOCUMENT["paths"].items():
        for verb, operation in item.items():
            yield verb.upper(), path, modules[operation["operationId"]]


def protected() -> list[tuple[str, str, Any]]:
    return [(method, path, app) for method, path, app in operations() if path not in PUBLIC]


def test_the_table_is_what_the_endpoints_declare() -> None:
    declared = {(method, path): app.portal for method, path, app in operations() if app.portal is not None}
    of_webhooks = {(method, path): app.webhook_portal for method, path, app in operations() if app.webhook_portal}
    assert (declared, of_webhooks) == (NEEDED, OF_WEBHOOKS)
    assert {*NEEDED.values()} == {*CAPABILITIES, ANY_SESSION} - {"payloads"}


@pytest.mark.parametrize("capabilities", SETS, ids=lambda those: "-".join(sorted(those)))
def test_every_route_is_granted_by_its_capability_or_forbidden(capabilities: frozenset[str]) -> None:
    context = authorized(session(sorted(capabilities)))
    for method, path, app in protected():
        for kind in ("int", "wh") if "{integrationId}" in path else ("int",):
            of_webhook, integration_id = kind == "wh", new_id(kind, 1)
            needed = (OF_WEBHOOKS.get((method, path)) if of_webhook else None) or NEEDED.get((method, path))
            target = filled(path, integrationId=integration_id, sessionId=new_id("ses", 1))
            answer = call(method, target, context=context, body=body_for(method, path))
            if needed == ANY_SESSION or needed in capabilities:
                scope = of_webhook and app.webhook_scope
                # An action of a webhook, which has none, needs what reads webhooks.
                lacks = needed == "act" and scope and not capabilities & {"view", "payloads"}
                assert (answer.status in (401, 403)) is bool(lacks), (method, target, answer.body)
            else:
                assert (answer.status, answer.error["code"]) == (403, "missing_capability"), (method, target)


# --- payloads and secrets ---------------------------------------------------------------------------------------------


@dataclass
class World:
    """What a tenant has, with MARKER in every payload."""

    ids: dict[str, str]
    outbox: Outbox
    receiver: Receiver


@pytest.fixture
def world(receiver: Receiver, outbox: Outbox) -> World:
    """Events, deliveries, actions, executions and logs, done and failed."""
    operator = manager()
    schema_check.forget()
    wh = subscribe(f"{receiver.url}/hook")["id"]
    typed = {
        "name": "order.paid",
        "mode": "warn",
        "schema": {"type": "object", "additionalProperties": {"type": "null"}},
    }
    assert call("PUT", "/event-types", body=typed).status == 201
    receiver.answer = lambda _: Reply(500, {"said": MARKER})
    event = publish("order.paid", {MARKER: MARKER})
    assert dispatch(*(record(message.body) for message in outbox.take())) == []
    integration = connected(f"{receiver.url}/act", name="Mine", actions=[{"name": "send", "effect": "read"}])
    path = f"/integrations/{integration}/actions/send"
    for reply in (Reply(500, {"error": MARKER}), Reply(200, {"result": {"was": MARKER}})):
        receiver.answer = lambda _, reply=reply: reply  # type: ignore[misc]
        call("POST", path, body={"parameters": {"p": MARKER}})
        call("POST", path, body={"parameters": {"p": MARKER}}, headers={"Prefer": "respond-async"})
        [queued] = outbox.take("ExecutionQueue")
        assert work("run_executions", record(queued.body)) == []
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
    body["params"] = {"name": "mine_send", "arguments": {"p": MARKER}}  # type: ignore[assignment]
    agent = call("POST", "/tokens", token=operator, body={"name": "a", "scopes": ["mcp:tools"]}).data["token"]
    headers = {"Authorization": f"Bearer {agent}", "MCP-Protocol-Version": "2025-11-25"}
    assert call("POST", "/mcp", tenant=None, body=body, headers=headers).status == 200
    executions = call("GET", f"/integrations/{integration}/executions").data
    ids = {"webhookId": wh, "integrationId": integration, "eventId": event["id"], "actionName": "send"}
    ids |= {"deliveryId": deliveries(wh)[0]["id"], "executionId": executions[0]["executionId"]}
    ids |= {"failedId": executions[-2]["executionId"] if len(executions) > 2 else executions[-1]["executionId"]}
    return World(ids, outbox, receiver)


def reads(world: World, token: str) -> dict[str, Answer]:
    """Every answer that reads, and what answers a change with data that is kept."""
    found = {}
    for method, path, _ in protected():
        if method == "GET" and path not in ("/portal/session",) and "/poll" not in path:
            found[path] = call("GET", filled(path, **world.ids), token=token)
    found["logs of the webhook"] = call("GET", f"/integrations/{world.ids['webhookId']}/logs", token=token)
    failed = {**world.ids, "executionId": world.ids["failedId"]}
    path = "/integrations/{integrationId}/executions/{executionId}"
    found["failed execution"] = call("GET", filled(path, **failed), token=token)
    path = "/integrations/webhooks/{webhookId}/deliveries/{deliveryId}/resend"
    found["resend"] = call("POST", filled(path, **world.ids), token=token)
    return found


def acts(world: World, token: str, key: str = "k") -> Iterator[Answer]:
    """The answers to an action that succeeds and to one that fails, and again."""
    path = f"/integrations/{world.ids['integrationId']}/actions/send"
    for number, reply in enumerate((Reply(200, {"result": {"was": MARKER}}), Reply(500, {"error": MARKER}))):
        world.receiver.answer = lambda _, reply=reply: reply  # type: ignore[misc]
        for _ in range(2):
            headers = {"Idempotency-Key": f"{key}-{number}"}
            yield call("POST", path, token=token, body={"parameters": {"p": MARKER}}, headers=headers)


WITH_PAYLOADS = {
    "/audit",
    "/events/{eventId}",
    "/integrations/webhooks/{webhookId}/deliveries",
    "/integrations/webhooks/{webhookId}/deliveries/{deliveryId}",
    "/integrations/{integrationId}/executions/{executionId}",
    "/integrations/{integrationId}/logs",
    "/events",
    "failed execution",
    "logs of the webhook",
    "resend",
}


def test_without_payloads_no_answer_has_any(world: World) -> None:
    planted = "\n".join([*rows(), *rows("AuditTable")])
    assert planted.count(MARKER) >= 5
    everything = session(ALL)
    found = reads(world, everything)
    assert {name for name, answer in found.items() if MARKER in json.dumps(answer.body)} == WITH_PAYLOADS
    assert all(MARKER in json.dumps(answer.body) for answer in acts(world, everything))

    without = session([capability for capability in ALL if capability != "payloads"])
    found = reads(world, without)
    assert {answer.status for answer in found.values()} <= {200, 202, 404}
    assert {name for name, answer in found.items() if MARKER in json.dumps(answer.body)} == set()
    for key in ("k", "of its own"):
        answers = list(acts(world, without, key))
        assert [answer.status for answer in answers] == [200, 200, 502, 502]
        assert not any(MARKER in json.dumps(answer.body) for answer in answers)


def test_a_token_of_a_session_without_payloads_gets_none_either(world: World) -> None:
    body = {"name": "n", "scopes": ["webhooks:read", "events:read", "integrations:read", "audit:read"]}
    made = call("POST", "/tokens", token=session(["view", "agents"]), body=body)
    found = reads(world, made.data["token"])
    assert found["/events/{eventId}"].status == 200
    assert {name for name, answer in found.items() if MARKER in json.dumps(answer.body)} == set()


def test_an_answer_without_payloads_says_everything_else(world: World) -> None:
    token = session(["view"])
    delivery = call(
        "GET",
        f"/integrations/webhooks/{world.ids['webhookId']}/deliveries/{world.ids['deliveryId']}",
        token=token,
    ).data
    assert (delivery["state"], delivery["attempts"][0]["failure"]) == ("retrying", "http_5xx")
    assert "data" not in delivery
    assert "response" not in delivery["attempts"][0]
    entry = call("GET", f"/integrations/{world.ids['integrationId']}/logs", token=token).data[0]
    assert {"input", "output"}.isdisjoint(entry)
    assert entry["status"] in ("success", "error", "failed")


def test_the_signing_secret_is_shown_to_who_may_see_secrets(receiver: Receiver) -> None:
    body = {"name": "n", "url": receiver.url, "events": ["*"]}

    def made(token: str, key: str | None = None) -> dict[str, Any]:
        headers = {"Idempotency-Key": key} if key else {}
        answer = call("POST", "/integrations/webhooks", token=token, body=body, headers=headers)
        assert answer.status == 201, answer.body
        return dict(answer.data)

    with_secrets, without = session(["webhooks", "secrets"]), session(["webhooks"])
    shown = made(with_secrets)
    assert shown["secret"].startswith("whsec_")
    assert "secret" not in made(without)
    rotate = f"/integrations/webhooks/{shown['id']}/rotate-secret"
    assert call("POST", rotate, token=session(["secrets"])).data["secret"].startswith("whsec_")
    assert call("POST", rotate, token=without).error["code"] == "missing_capability"


def test_a_session_gets_no_answer_that_was_kept_for_another_token(receiver: Receiver) -> None:
    body = {"name": "n", "url": receiver.url, "events": ["*"]}
    headers = {"Idempotency-Key": "the same"}

    def made(token: str) -> dict[str, Any]:
        return dict(call("POST", "/integrations/webhooks", token=token, body=body, headers=headers).data)

    operator, session_ = manager(), session(["webhooks"])
    first, other = made(operator), made(session_)
    assert "secret" in first
    assert "secret" not in other
    assert other["id"] != first["id"]
    assert (made(operator)["id"], made(session_)["id"]) == (first["id"], other["id"])


# --- some webhooks and integrations -----------------------------------------------------------------------------------


@pytest.fixture
def pair(receiver: Receiver, outbox: Outbox) -> dict[str, str]:
    """Two webhooks and two integrations, with an event to each webhook and one to both."""
    mine = subscribe(f"{receiver.url}/mine", "a.mine", "a.both")["id"]
    other = subscribe(f"{receiver.url}/other", "a.other", "a.both")["id"]
    ids = {name: publish(f"a.{name}")["id"] for name in ("mine", "other", "both")}
    assert dispatch(*(record(message.body) for message in outbox.take())) == []
    actions = [{"name": "send"}]
    integrations = [connected(receiver.url, name=name, actions=actions) for name in ("Mine", "Other")]
    return {
        "mine": mine,
        "other": other,
        **{f"event_{name}": an_id for name, an_id in ids.items()},
        "int_mine": integrations[0],
        "int_other": integrations[1],
    }


def test_another_webhook_or_integration_is_not_there(pair: dict[str, str]) -> None:
    context = authorized(session(ALL, webhooks=[pair["mine"]], integrations=[pair["int_mine"]]))
    before = rows()
    for method, path, _ in protected():
        for name in ("integrationId", "webhookId"):
            if f"{{{name}}}" not in path or (method, path) not in NEEDED:
                continue
            for hidden in (pair["other"], pair["int_other"]) if name == "integrationId" else (pair["other"],):
                answer = call(method, filled(path, **{name: hidden}), context=context, body=body_for(method, path))
                unknown = new_id(hidden.partition("_")[0], 1)
                same = call(method, filled(path, **{name: unknown}), context=context, body=body_for(method, path))
                assert answer.status == 404, (method, path, answer.body)
                assert answer.error["code"] == same.error["code"]
    assert rows() == before


def test_lists_have_what_a_session_knows_of(pair: dict[str, str]) -> None:
    token = session(ALL, webhooks=[pair["mine"]], integrations=["mine"])
    assert call("GET", "/portal/session", token=token).data["integrations"] == [pair["int_mine"]]

    def listed(path: str) -> list[str]:
        return [item["id"] for item in call("GET", path, token=token).data]

    assert listed("/integrations/webhooks") == [pair["mine"]]
    assert set(listed("/integrations")) == {pair["mine"], pair["int_mine"]}
    assert listed("/integrations?type=webhook") == [pair["mine"]]
    assert listed("/integrations?status=connected&type=custom") == [pair["int_mine"]]
    found = {event["id"]: event for event in call("GET", "/events", token=token).data}
    assert set(found) == {pair["event_mine"], pair["event_both"]}
    assert found[pair["event_both"]]["deliveries"]["total"] == 1
    whole = call("GET", f"/events/{pair['event_both']}", token=token).data
    assert [webhook["webhookId"] for webhook in whole["webhooks"]] == [pair["mine"]]
    hidden = call("GET", f"/events/{pair['event_other']}", token=token)
    assert (hidden.status, hidden.error["code"]) == (404, "event_not_found")
    reach = call("POST", "/events/preview", token=token, body={"event": "a.both", "data": {}}).data["webhooks"]
    assert [webhook["id"] for webhook in reach] == [pair["mine"]]


def test_events_about_another_integration_are_not_there(pair: dict[str, str]) -> None:
    def about(token: str) -> list[str]:
        events = call("GET", "/events?event=integration.connected", token=token).data
        shown = (call("GET", f"/events/{event['id']}", token=token) for event in events)
        return [answer.data["data"]["id"] for answer in shown]

    assert set(about(session(ALL))) == {pair["int_mine"], pair["int_other"]}
    assert about(session(ALL, integrations=["mine"])) == [pair["int_mine"]]


def test_events_are_paged_over_what_a_session_does_not_know_of(pair: dict[str, str]) -> None:
    token, found, cursor = session(["view"], webhooks=[pair["mine"]]), [], ""
    for _ in range(10):
        answer = call("GET", f"/events?limit=1{cursor}", token=token).body
        found += [event["id"] for event in answer["data"]]
        if not answer["pagination"]["hasMore"]:
            break
        cursor = f"&cursor={answer['pagination']['nextCursor']}"
    assert found == [pair["event_both"], pair["event_mine"]]


def test_a_restricted_session_sees_its_own_audit_entries(pair: dict[str, str]) -> None:
    token = session(ALL, webhooks=[pair["mine"]])
    call("POST", f"/integrations/webhooks/{pair['mine']}/test", token=token)
    kinds = [entry["kind"] for entry in call("GET", "/audit", token=token).data]
    assert kinds == ["webhook.test"]
    assert call("GET", "/audit?actor=tok_test", token=token).error["code"] == "token_limited"


def test_a_restricted_session_changes_nothing_that_concerns_others(pair: dict[str, str], receiver: Receiver) -> None:
    token = session(ALL, webhooks=[pair["mine"]], integrations=[pair["int_mine"]])
    target = {"name": "n", "url": receiver.url}
    for method, path, body in (
        ("POST", "/integrations/webhooks", {**target, "events": ["*"]}),
        ("POST", "/events", {"event": "a.both", "data": {}}),
        ("PUT", "/event-types", {"name": "a.both"}),
        ("DELETE", "/event-types/a.both", None),
        ("POST", "/integrations/custom_webhook/connect", target),
    ):
        answer = call(method, path, token=token, body=body)
        assert (answer.status, answer.error["code"]) == (403, "token_limited"), path
    assert call("PATCH", f"/integrations/webhooks/{pair['mine']}", token=token, body={"name": "new"}).status == 200
    assert call("PATCH", f"/integrations/{pair['int_mine']}", token=token, body={"name": "new"}).status == 200
    path = f"/integrations/{pair['int_mine']}/actions/send"
    assert call("POST", path, token=token, body={"parameters": {}}).status == 200


def test_a_session_may_know_of_no_integration_at_all(pair: dict[str, str]) -> None:
    token = session(ALL, integrations=[])
    assert {item["id"] for item in call("GET", "/integrations", token=token).data} == {pair["mine"], pair["other"]}
    assert call("GET", f"/integrations/{pair['int_mine']}", token=token).status == 404
    assert call("GET", "/portal/session", token=token).data["integrations"] == []


def test_nothing_of_another_tenant_is_there_for_a_session(pair: dict[str, str]) -> None:
    token = session(ALL, by=manager(tenant="globex"))
    for path in ("/integrations", "/integrations/webhooks", "/events", "/event-types"):
        assert call("GET", path, token=token).data == []
    for path in (
        f"/integrations/{pair['int_mine']}",
        f"/integrations/webhooks/{pair['mine']}/deliveries",
        f"/events/{pair['event_both']}",
    ):
        assert call("GET", path, token=token).status == 404
