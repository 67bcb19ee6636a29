"""n8n through the API: what connects, what each of its answers means, and what never passes through.

Here the conversations are recorded ones; `tests/connectors` runs the same tests against a real n8n.
"""

import json
import re
import time
from typing import Any

import pytest

from jobsprint.actions import service
from jobsprint.connectors.base import ActionCall
from jobsprint.connectors.n8n import connector, webhook_call
from jobsprint.core.errors import UpstreamFailed
from jobsprint.core.redaction import MASK
from jobsprint.repositories.integrations import IntegrationStore
from jobsprint.security.credentials import decrypt_credentials
from tests.support.call import Answer, call
from tests.support.n8n_world import BASIC_SECRET, HOOK_SECRET, World
from tests.support.rows import rows

LEAKS = re.compile(r"stack|node_modules|\.ts:|toggle in the top-right")
# HS256 over {} with the workflow's key.
JWT = "eyJhbGciOiJIUzI1NiJ9.e30.4fo6julOwB7_YrQfpeetI-CvqO7yo0olK9Xs5IAOqTs"

pytestmark = pytest.mark.usefixtures("aws")


def connect(n8n: World, key: str = "full", **more: Any) -> Answer:
    body = {"baseUrl": n8n.url, "apiKey": n8n.key(key), **more}
    return call("POST", "/integrations/n8n_workflows/connect", body=body)


def connected(n8n: World, action: str, key: str = "full", **more: Any) -> str:
    """A connection to the one workflow of that action, by its tag."""
    answer = connect(n8n, key, tags=[action], **more)
    assert answer.status == 201, answer.body
    return str(answer.data["id"])


def act(integration_id: str, action: str, **parameters: Any) -> Answer:
    return call("POST", f"/integrations/{integration_id}/actions/{action}", body={"parameters": parameters})


def shown(integration_id: str) -> dict[str, Any]:
    return dict(call("GET", f"/integrations/{integration_id}").data)


def log(integration_id: str) -> dict[str, Any]:
    """The newest log entry."""
    return dict(call("GET", f"/integrations/{integration_id}/logs").data[0])


def failed(integration_id: str, action: str, code: str, status: int = 502, **parameters: Any) -> str:
    """The message of an action that fails with that code, in answer and log alike, without n8n's insides."""
    answer = act(integration_id, action, **parameters)
    assert (answer.status, answer.error["code"]) == (status, code), answer.body
    logged = {name: value for name, value in answer.error.items() if name != "logId"}
    assert log(integration_id)["output"]["error"] == logged
    assert answer.error["logId"] == log(integration_id)["logId"]
    assert not LEAKS.search(json.dumps(answer.body))
    return str(answer.error["message"])


# --- connect ---------------------------------------------------------------------------------------------------------


def test_the_active_workflows_become_actions(n8n: World) -> None:
    answer = connect(n8n)

    assert (answer.status, answer.data["status"]) == (201, "connected")
    assert answer.data["message"] == (
        "Connected: 12 workflows can be run; webhookAuth is missing for basic_lock, header_lock, jwt_lock"
    )
    detail = shown(answer.data["id"])
    capabilities = {one["name"]: one for one in detail["capabilities"]}
    assert "asleep" not in capabilities
    assert capabilities["send_invoice"] == {
        "name": "send_invoice",
        "title": "Send invoice",
        "effect": "write",
        "description": "Runs the n8n workflow 'Send invoice'",
        "parameters": [],
    }
    assert [(one["name"], one["required"]) for one in capabilities["order_status"]["parameters"]] == [
        ("customer", True),
        ("order", True),
    ]
    assert capabilities["order_status"]["effect"] == "read"
    assert detail["configuration"] == {"url": n8n.url}


def test_tags_choose_the_workflows(n8n: World) -> None:
    answer = connect(n8n, tags=["send_invoice", "money"])

    assert [one["name"] for one in shown(answer.data["id"])["capabilities"]] == ["send_invoice"]


@pytest.mark.parametrize(
    ("key", "code"), [("wrong", "credential_rejected"), ("none", "api_key_scope")], ids=["wrong", "narrow"]
)
def test_a_key_that_does_not_do(n8n: World, key: str, code: str) -> None:
    answer = connect(n8n, key)

    assert (answer.status, answer.error["code"]) == (422, code)
    assert [detail["field"] for detail in answer.error["details"]] == ["body.apiKey"]
    assert rows() == []


def test_an_address_that_is_not_n8n(n8n: World) -> None:
    answer = call(
        "POST",
        "/integrations/n8n_workflows/connect",
        body={"baseUrl": f"{n8n.url}/elsewhere", "apiKey": n8n.key()},
    )

    assert (answer.status, answer.error["code"]) == (422, "not_n8n")
    assert [detail["field"] for detail in answer.error["details"]] == ["body.baseUrl"]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["body.baseUrl", "body.apiKey"]),
        ({"baseUrl": "https://n8n.example/?a=1"}, ["body.baseUrl", "body.apiKey"]),
        ({"baseUrl": "ftp://n8n.example", "apiKey": "k"}, ["body.baseUrl"]),
        ({"baseUrl": "https://n8n.example", "apiKey": "two\nlines"}, ["body.apiKey"]),
        ({"baseUrl": "https://n8n.example", "apiKey": "k", "tags": ["a,b"], "more": 1}, ["body.tags", "body.more"]),
        (
            {"baseUrl": "https://n8n.example", "apiKey": "k", "webhookAuth": {"default": {"type": "oauth"}}},
            ["body.webhookAuth.default"],
        ),
        (
            {
                "baseUrl": "https://n8n.example",
                "apiKey": "k",
                "webhookAuth": {"default": {"type": "header", "name": "Host", "value": "x"}},
            },
            ["body.webhookAuth.default.header.name"],
        ),
    ],
)
def test_bodies_that_are_refused(body: dict[str, Any], fields: list[str]) -> None:
    answer = call("POST", "/integrations/n8n_workflows/connect", body=body)

    assert answer.status == 422
    assert [detail["field"] for detail in answer.error["details"]] == fields
    assert rows() == []


def test_a_change_keeps_what_it_does_not_name(n8n: World) -> None:
    auth = {"default": {"type": "header", "name": "X-Hook-Key", "value": HOOK_SECRET}}
    integration_id = connected(n8n, "send_invoice", webhookAuth=auth)

    answer = call("PATCH", f"/integrations/{integration_id}", body={"tags": ["header_lock"]})

    assert [one["name"] for one in answer.data["capabilities"]] == ["header_lock"]
    assert act(integration_id, "header_lock").status == 200
    call("PATCH", f"/integrations/{integration_id}", body={"webhookAuth": None})
    failed(integration_id, "header_lock", "webhook_credential_rejected")


def test_kept_keys_go_to_no_other_origin(n8n: World) -> None:
    integration_id = connected(n8n, "send_invoice")
    before = len(n8n.conversation.requests)

    answer = call("PATCH", f"/integrations/{integration_id}", body={"baseUrl": "https://elsewhere.example"})

    assert (answer.status, [one["field"] for one in answer.error["details"]]) == (422, ["body.apiKey"])
    assert len(n8n.conversation.requests) == before


def test_a_disconnected_n8n_is_connected_again(n8n: World) -> None:
    integration_id = connected(n8n, "last_node")
    call("POST", f"/integrations/{integration_id}/disconnect")

    answer = call(
        "POST",
        f"/integrations/{integration_id}/connect",
        body={"baseUrl": n8n.url, "apiKey": n8n.key(), "tags": ["last_node"]},
    )

    assert (answer.status, answer.data["status"]) == (200, "connected")
    assert act(integration_id, "last_node").status == 200


# --- actions that succeed --------------------------------------------------------------------------------------------


def test_parameters_are_the_body(n8n: World) -> None:
    integration_id = connected(n8n, "send_invoice")

    answer = act(integration_id, "send_invoice", lines=[{"price": 1.5}], to="Zoë")

    result = answer.data["result"]
    assert result == {
        "success": True,
        "executionId": result["executionId"],
        "body": {"lines": [{"price": 1.5}], "to": "Zoë"},
        "query": {},
        "params": {},
    }
    assert result["executionId"].isdigit()
    assert log(integration_id)["output"]["executionId"] == result["executionId"]


def test_parameters_fill_the_path_and_then_the_query(n8n: World) -> None:
    integration_id = connected(n8n, "order_status")

    answer = act(integration_id, "order_status", customer="a b?", order=7, since="2026", tag=["x", "ü"], none=None)

    result = answer.data["result"]
    assert result["params"] == {"customer": "a b?", "order": "7"}
    assert result["query"] == {"since": "2026", "tag": ["x", "ü"]}


def test_a_delete_has_a_query(n8n: World) -> None:
    assert act(connected(n8n, "delete_order"), "delete_order", id=7).data["result"]["query"] == {"id": "7"}


def test_a_segment_that_n8n_would_read_otherwise(n8n: World) -> None:
    integration_id = connected(n8n, "order_status")

    for value in ("", ".", "..", "a/b", "../x", [1], None):
        answer = act(integration_id, "order_status", customer=value, order="1")
        assert (answer.status, [one["field"] for one in answer.error["details"]]) == (
            422,
            ["body.parameters.customer"],
        )
    assert n8n.conversation.sent("/webhook/") == []


def test_a_workflow_that_only_starts(n8n: World) -> None:
    result = act(connected(n8n, "just_start"), "just_start").data["result"]

    assert result == {"success": True, "message": "Workflow was started", "executionId": result["executionId"]}


def test_a_workflow_that_answers_with_its_last_node(n8n: World) -> None:
    result = act(connected(n8n, "last_node"), "last_node").data["result"]

    assert result == {"success": True, "done": "yes", "executionId": result["executionId"]}


def test_without_the_scope_there_is_no_execution_id(n8n: World) -> None:
    assert act(connected(n8n, "last_node", "lists"), "last_node").data["result"] == {"success": True, "done": "yes"}
    assert n8n.conversation.sent("executions") == []


def test_a_webhook_that_moved_is_found(n8n: World) -> None:
    integration_id = connected(n8n, "send_invoice")
    n8n.move("Send invoice", path="send-invoice-now", httpMethod="PUT")

    assert act(integration_id, "send_invoice", a=1).data["result"]["body"] == {"a": 1}


# --- credentials of webhooks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "auth", "secret"),
    [
        ("header_lock", {"type": "header", "name": "X-Hook-Key", "value": HOOK_SECRET}, HOOK_SECRET),
        ("basic_lock", {"type": "basic", "username": "bob", "password": BASIC_SECRET}, BASIC_SECRET),
        ("jwt_lock", {"type": "jwt", "token": JWT}, JWT),
    ],
    ids=["header", "basic", "jwt"],
)
def test_a_webhook_gets_its_credential_and_nobody_else_does(
    n8n: World, action: str, auth: dict[str, str], secret: str
) -> None:
    integration_id = str(connect(n8n, tags=["locks"], webhookAuth={"default": auth}).data["id"])

    result = act(integration_id, action).data["result"]

    assert MASK in json.dumps(result["headers"], ensure_ascii=False)
    kept = "\n".join(rows())
    assert secret not in json.dumps(result) + kept
    assert n8n.key() not in kept
    act(integration_id, "last_node")
    [opened, unlocked] = [headers for _, _, headers, _ in n8n.conversation.sent("/webhook/")]
    assert {"x-hook-key", "authorization"} & opened.keys()
    assert not {"x-hook-key", "authorization"} & unlocked.keys()


@pytest.mark.parametrize("action", ["header_lock", "basic_lock", "jwt_lock"])
@pytest.mark.parametrize("given", ["none", "wrong"])
def test_a_webhook_that_refuses_its_credential(n8n: World, action: str, given: str) -> None:
    wrong = {
        "header_lock": {"type": "header", "name": "X-Hook-Key", "value": "wrong"},
        "basic_lock": {"type": "basic", "username": "bob", "password": "wrong"},
        "jwt_lock": {"type": "jwt", "token": JWT[:-6] + "AAAAAA"},
    }[action]
    more = {"webhookAuth": {"default": wrong}} if given == "wrong" else {}
    integration_id = connected(n8n, action, **more)

    failed(integration_id, action, "webhook_credential_rejected")


# --- actions that fail -----------------------------------------------------------------------------------------------


def test_a_workflow_that_is_not_active(n8n: World) -> None:
    integration_id = connected(n8n, "last_node")
    n8n.deactivate("Last node")

    failed(integration_id, "last_node", "workflow_inactive")


def test_a_wrong_method(n8n: World) -> None:
    integration_id = connected(n8n, "last_node", "lists")  # this key cannot look the workflow up
    n8n.move("Last node", httpMethod="PUT")

    failed(integration_id, "last_node", "webhook_method_rejected")


def test_a_node_that_fails(n8n: World) -> None:
    message = failed(connected(n8n, "broken"), "broken", "workflow_failed")

    assert re.fullmatch(
        r"The workflow failed in n8n at node 'Break': The invoice has no lines \(n8n execution \d+\)", message
    )


def test_a_workflow_without_an_answer(n8n: World) -> None:
    failed(connected(n8n, "no_answer"), "no_answer", "workflow_misconfigured")


def test_a_status_that_the_workflow_chose(n8n: World) -> None:
    message = failed(connected(n8n, "teapot"), "teapot", "workflow_answered_error")

    assert message.startswith("The workflow answered HTTP 418: short and stout")


def test_a_request_over_the_limit_of_n8n(n8n: World) -> None:
    integration = IntegrationStore("acme").get(
        connected(n8n, "send_invoice")
    )  # our own limit is lower: past the front door

    with pytest.raises(UpstreamFailed) as refused:
        connector.N8n().execute(
            ActionCall(
                id="exe_1",
                integration=integration,
                credentials=decrypt_credentials(integration),
                action="send_invoice",
                parameters={"text": "x" * 1_500_000},
                deadline=time.monotonic() + 25,
            )
        )

    assert refused.value.code == "upstream_request_too_large"
    assert not LEAKS.search(refused.value.message)


def test_an_answer_over_our_limit(n8n: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_call, "MAX_RESULT_BYTES", 20)

    failed(connected(n8n, "send_invoice"), "send_invoice", "upstream_answer_too_large", text="x" * 100)


def test_a_slow_workflow_is_unknown(n8n: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "ACTION_SECONDS", 1.0)
    integration_id = connected(n8n, "slow")

    message = failed(integration_id, "slow", "upstream_timeout", 504)

    assert log(integration_id)["status"] == "unknown"
    assert re.search(r"unknown \(n8n execution \d+\)$", message)
    assert len(n8n.conversation.sent("/webhook/")) == 1


# --- tests -----------------------------------------------------------------------------------------------------------


def test_a_test_runs_nothing_and_finds_what_is_new(n8n: World) -> None:
    integration_id = str(connect(n8n).data["id"])
    before = {one["name"] for one in shown(integration_id)["capabilities"]}
    n8n.add("Brand new")
    n8n.add("Last node")
    n8n.deactivate("Teapot")

    result = call("POST", f"/integrations/{integration_id}/test").data

    assert (result["status"], result["testResult"]["passed"]) == ("healthy", True)
    after = {one["name"] for one in shown(integration_id)["capabilities"]}
    assert before - after == {"teapot"}
    assert sorted(re.sub("_[0-9a-f]{6}$", "_…", name) for name in after - before) == ["brand_new", "last_node_…"]
    assert n8n.conversation.sent("/webhook/") == []
    assert act(integration_id, "brand_new").data["result"]["done"] == "yes"


def test_a_revoked_key_turns_the_connection_to_error(n8n: World) -> None:
    integration_id = connected(n8n, "last_node")
    n8n.revoke("full")

    result = call("POST", f"/integrations/{integration_id}/test").data["testResult"]

    assert (result["passed"], result["reason"]) == (False, "credential_rejected")
    assert result["nextStep"] == "Make a new API key in n8n's settings and connect again with it"
    assert shown(integration_id)["status"] == "error"
    answer = act(integration_id, "last_node")
    assert (answer.status, answer.error["code"]) == (409, "credential_rejected")


# --- n8n's MCP server ------------------------------------------------------------------------------------------------


def test_an_exposed_workflow_runs_through_mcp(n8n: World) -> None:
    integration_id = connected(n8n, "last_node", mcpToken=n8n.mcp_token())

    result = act(integration_id, "last_node", a=1).data["result"]

    assert result == {
        "success": True,
        "executionId": result["executionId"],
        "status": "success",
        "items": [{"done": "yes"}],
    }
    assert log(integration_id)["output"]["executionId"] == result["executionId"]
    assert n8n.conversation.sent("/webhook/") == []


def test_one_that_answers_at_once_is_not_waited_for(n8n: World) -> None:
    integration_id = connected(n8n, "just_start", mcpToken=n8n.mcp_token())

    result = act(integration_id, "just_start").data["result"]

    assert result == {"success": True, "executionId": result["executionId"], "status": "started"}


def test_a_node_that_fails_in_an_exposed_workflow(n8n: World) -> None:
    message = failed(connected(n8n, "broken", mcpToken=n8n.mcp_token()), "broken", "workflow_failed")

    assert re.fullmatch(
        r"The workflow failed in n8n at node 'Break': The invoice has no lines \(n8n execution \d+\)", message
    )


def test_a_slow_exposed_workflow_is_unknown(n8n: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "ACTION_SECONDS", 0.2)
    integration_id = connected(n8n, "slow", mcpToken=n8n.mcp_token())

    message = failed(integration_id, "slow", "upstream_timeout", 504)

    assert log(integration_id)["status"] == "unknown"
    assert re.search(r"\(n8n execution \d+\)$", message)


def test_a_workflow_that_is_not_exposed_is_called_at_its_webhook(n8n: World) -> None:
    integration_id = connected(n8n, "send_invoice", mcpToken=n8n.mcp_token())

    assert act(integration_id, "send_invoice", a=1).data["result"]["body"] == {"a": 1}
    assert len(n8n.conversation.sent("/webhook/")) == 1


def test_an_mcp_token_that_does_not_do(n8n: World) -> None:
    n8n.mcp_token()

    answer = connect(n8n, mcpToken="wrong")

    assert (answer.status, answer.error["code"]) == (422, "mcp_token_rejected")
    assert [detail["field"] for detail in answer.error["details"]] == ["body.mcpToken"]
    assert rows() == []
