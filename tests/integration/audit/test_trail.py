"""The audit trail through the API: what is recorded, when, and how it is listed."""

import json
from typing import Any
from unittest.mock import patch

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from jobsprint.audit import trail
from jobsprint.core import aws as clients
from jobsprint.core.clock import iso_millis, now_ms
from jobsprint.core.errors import NotFound, Unavailable
from jobsprint.core.ids import new_id
from jobsprint.domain.audit import MAX_ARGUMENT_BYTES, Client, Intent, Outcome, masked
from jobsprint.domain.callers import Caller
from jobsprint.repositories.audit import AuditStore
from tests.support.call import Context, Died, call, event, handler
from tests.support.rows import connected, rows, subscribed
from tests.support.template import functions, resources, routes
from tools.openapi.document import endpoints

pytestmark = pytest.mark.usefixtures("aws")

CALLER = Caller("acme", frozenset({"*"}), "tok_test")
# Actions that REST runs are in the logs, and so is each acknowledgement, as an attempt of its delivery.
IN_LOGS = {"execute_action", "acknowledge_messages"}
OPENS_WHAT_WAS_RECORDED = "exchange_portal_code"
WEBHOOK = {"name": "My webhook", "url": "https://hooks.example.com/in", "events": ["workflow.executed"]}


def listed(query: str = "", tenant: str = "acme") -> list[dict[str, Any]]:
    answer = call("GET", f"/audit{query}", tenant=tenant)
    assert answer.status == 200, answer.body
    return list(answer.data)


@pytest.fixture
def refused_writes(aws: dict[str, str]) -> set[str]:
    """Writes to the audit table fail whose record has the phases that are put into this set."""
    phases: set[str] = set()

    def refuse(params: dict[str, Any], **_: Any) -> None:
        record = params.get("Item", {}).get("record", {}).get("S", "{}")
        if json.loads(record).get("phase") in phases:
            raise ClientError({"Error": {"Code": "InternalServerError", "Message": "no"}}, "PutItem")

    clients.dynamodb().meta.events.register("provide-client-params.dynamodb.PutItem", refuse)
    return phases


# --- what is recorded -------------------------------------------------------------------------------------------------


def test_every_change_of_integrations_webhooks_and_tokens_is_recorded() -> None:
    changing = {
        folder
        for (method, path), folder in routes().items()
        if method != "GET" and path.split("/")[1] in ("integrations", "webhooks", "tokens", "portal", "approvals")
    }
    recorded = {folder: module.app.audited for folder, module in endpoints().items() if module.app.audited}
    assert recorded.keys() == changing - IN_LOGS - {OPENS_WHAT_WAS_RECORDED}
    assert len(set(recorded.values())) == len(recorded)


def test_what_is_recorded_may_write_the_audit_table_and_nothing_else_there() -> None:
    allowed = {
        folder: statement["Action"]
        for folder, properties in functions().items()
        for policy in properties.get("Policies", [])
        for statement in policy["Statement"]
        if statement["Resource"] == {"Fn::GetAtt": "AuditTable.Arn"} and statement["Action"] == "dynamodb:PutItem"
    }
    assert {folder for folder, module in endpoints().items() if module.app.audited} <= allowed.keys()


def test_a_change_leaves_an_entry_with_intent_and_outcome() -> None:
    began = now_ms()
    headers = {"User-Agent": "jobsprint-client/1.2.0 python/3.13"}
    webhook = call("POST", "/integrations/webhooks", body=WEBHOOK, headers=headers).data["id"]
    [entry] = listed()
    assert entry == {
        "id": entry["id"],
        "kind": "webhook.create",
        "actor": "tok_test",
        "subject": webhook,
        "arguments": WEBHOOK,
        "client": {"name": "jobsprint-client", "version": "1.2.0"},
        "requestId": "req-1",
        "startedAt": entry["startedAt"],
        "outcome": "succeeded",
        "finishedAt": entry["finishedAt"],
    }
    assert iso_millis(began) <= entry["startedAt"] <= entry["finishedAt"] <= iso_millis(now_ms())


def test_the_subject_is_the_first_id_of_the_path_and_the_others_are_arguments() -> None:
    webhook = subscribed()["id"]
    delivery = new_id("dlv", 1)
    assert call("POST", f"/integrations/webhooks/{webhook}/deliveries/{delivery}/resend").status == 404
    [entry, _] = listed()
    assert (entry["kind"], entry["subject"], entry["arguments"]) == (
        "webhook.resend",
        webhook,
        {"deliveryId": delivery},
    )
    assert (entry["outcome"], entry["errorCode"]) == ("failed", "delivery_not_found")


def test_the_subject_of_an_operation_on_a_webhook_is_the_webhook() -> None:
    webhook = subscribed()["id"]
    assert call("POST", f"/integrations/webhooks/{webhook}/recover", body={"since": iso_millis(now_ms())}).status == 202
    [entry, _] = listed()
    assert (entry["kind"], entry["subject"]) == ("webhook.recover", webhook)


def test_the_subject_of_a_connection_is_the_integration() -> None:
    integration = connected("https://hooks.example.com/")
    [entry] = listed()
    assert (entry["kind"], entry["subject"]) == ("integration.connect", integration)


def test_an_entry_costs_two_writes() -> None:
    written: list[str] = []
    clients.dynamodb().meta.events.register(
        "provide-client-params.dynamodb.*", lambda params, **_: written.append(params.get("TableName", ""))
    )
    subscribed()
    assert written.count("AuditTable") == 2


def test_what_is_refused_before_it_runs_leaves_no_entry() -> None:
    path = f"/integrations/webhooks/{new_id('wh', 1)}"
    for target, body, scopes in (
        (path, {"name": 1}, "*"),
        (f"{path}?x=1", {"name": "n"}, "*"),
        (path, {"name": "n"}, "webhooks:read"),
        (path, "{", "*"),
    ):
        assert call("PATCH", target, body=body, scopes=scopes).status in (400, 403, 422)
    assert rows("AuditTable") == []


def test_a_kept_answer_leaves_no_second_entry() -> None:
    headers = {"Idempotency-Key": "once"}
    first = call("POST", "/integrations/webhooks", body=WEBHOOK, headers=headers)
    assert call("POST", "/integrations/webhooks", body=WEBHOOK, headers=headers).body == first.body
    assert len(listed()) == 1


def test_tokens_of_operators_are_recorded() -> None:
    manage = handler("manage_tokens")
    asked = {"action": "issue", "tenant": "acme", "scopes": ["audit:read"]}
    made = manage(asked, Context())
    manage({"action": "revoke", "id": made["id"]}, Context())
    with pytest.raises(NotFound):
        manage({"action": "revoke", "id": new_id("tok", 1)}, Context())
    revoked, created = listed()
    assert [(one["kind"], one["actor"], one["subject"]) for one in (created, revoked)] == [
        ("token.create", "operator", made["id"]),
        ("token.revoke", "operator", made["id"]),
    ]
    assert created["arguments"] == {"scopes": ["audit:read"]}
    assert made["token"] not in "".join(rows("AuditTable"))


def test_a_token_that_is_made_is_in_its_entry_by_its_id_alone() -> None:
    made = call("POST", "/tokens", body={"name": "agent", "scopes": ["mcp:tools"]}).data
    [entry] = listed()
    assert (entry["kind"], entry["subject"]) == ("token.create", made["id"])
    assert made["token"] not in "".join(rows("AuditTable"))


def test_reads_and_actions_leave_no_entry() -> None:
    integration = connected("https://hooks.example.com/", actions=[{"name": "go"}])
    before = len(listed())
    call("GET", f"/integrations/{integration}")
    call("POST", f"/integrations/{integration}/actions/nothing", body={"parameters": {}})
    assert len(listed()) == before


# --- failures ---------------------------------------------------------------------------------------------------------


def test_without_an_intent_nothing_is_done(refused_writes: set[str], capsys: pytest.CaptureFixture[str]) -> None:
    refused_writes.add("intent")
    before = rows()
    answer = call("POST", "/integrations/webhooks", body=WEBHOOK)
    assert (answer.status, answer.error["code"]) == (503, "audit_unavailable")
    assert rows() == before
    assert '"AuditIntentsFailed":1' in capsys.readouterr().out
    with pytest.raises(Unavailable):
        trail.begin(CALLER, "action.call")


def test_a_refused_request_may_be_repeated_with_its_key(refused_writes: set[str]) -> None:
    refused_writes.add("intent")
    headers = {"Idempotency-Key": "once"}
    assert call("POST", "/integrations/webhooks", body=WEBHOOK, headers=headers).status == 503
    refused_writes.clear()
    assert call("POST", "/integrations/webhooks", body=WEBHOOK, headers=headers).status == 201


def test_without_an_outcome_the_answer_still_goes_out(
    refused_writes: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    refused_writes.add("outcome")
    assert call("POST", "/integrations/webhooks", body=WEBHOOK).status == 201
    [entry] = listed()
    assert "outcome" not in entry
    assert '"AuditOutcomesFailed":1' in capsys.readouterr().out
    assert listed("?outcome=none") == [entry]
    assert listed("?outcome=succeeded") == []


def test_a_process_that_dies_leaves_the_intent() -> None:
    folder, request = event("POST", "/integrations/webhooks", body=WEBHOOK)
    with patch("jobsprint.webhooks.service.create", side_effect=Died), pytest.raises(Died):
        handler(folder)(request, Context())
    [entry] = listed()
    assert (entry["kind"], entry.get("outcome")) == ("webhook.create", None)


def test_an_unexpected_failure_is_unknown() -> None:
    with patch("jobsprint.webhooks.service.create", side_effect=RuntimeError):
        assert call("POST", "/integrations/webhooks", body=WEBHOOK).status == 500
    [entry] = listed()
    assert (entry["outcome"], entry["errorCode"]) == ("unknown", "internal_error")


def test_an_intent_keeps_its_first_outcome() -> None:
    intent = trail.begin(CALLER, "action.call")
    trail.end(intent, "unknown", code="outcome_unknown")
    trail.end(intent, "succeeded")
    [entry] = listed()
    assert entry["outcome"] == "unknown"


# --- masking ----------------------------------------------------------------------------------------------------------

SECRETS = {
    "url": "https://user:planted-1@hooks.example.com/in?access_token=planted-2",
    "headers": {"X-Anything": "planted-3", "Authorization": "Bearer planted-4"},
    "secret": "planted-5-secret",
}


def test_no_secret_is_in_an_entry() -> None:
    call("POST", "/integrations/webhooks", body={**WEBHOOK, **SECRETS})
    body = {
        "name": "n8n",
        "baseUrl": "https://n8n.example.com",
        "apiKey": "planted-6",
        "mcpToken": "planted-7",
        "webhookAuth": {"default": {"type": "basic", "username": "planted-8", "password": "planted-9"}},
    }
    call("POST", "/integrations/n8n_workflows/connect", body=body)
    call("POST", f"/integrations/{new_id('int', 1)}/confirm", body={"confirmation": "planted-10"})
    call("POST", "/integrations/zapier_slack/connect", body={"authType": "token", "token": "planted-11"})
    assert len(listed("?kind=integration.connect")) == 2
    assert "planted" not in "".join(rows("AuditTable"))


def test_arguments_are_cut() -> None:
    entry = trail.begin(CALLER, "action.call", arguments={"text": "é" * 100_000})
    assert len(json.dumps(entry.arguments, ensure_ascii=False).encode()) < MAX_ARGUMENT_BYTES + 100
    assert len(entry.record().encode()) < MAX_ARGUMENT_BYTES + 400


def test_names_from_outside_are_bounded() -> None:
    intent = trail.begin(CALLER, "action.call", subject="\ud800" * 500, client=Client("c" * 500, "jsp_" + "0" * 5000))
    assert (len(intent.subject or ""), len(intent.client.name), len(intent.client.version)) == (200, 200, 200)


def test_deeply_nested_arguments_are_recorded() -> None:
    nested: Any = "end"
    for _ in range(99):
        nested = [nested]
    trail.begin(CALLER, "action.call", arguments={"a": nested})
    assert len(listed()) == 1


@given(st.recursive(st.none() | st.booleans() | st.text(), lambda one: st.lists(one) | st.dictionaries(st.text(), one)))
def test_any_arguments_can_be_masked(arguments: Any) -> None:
    masked(arguments)


# --- the list ---------------------------------------------------------------------------------------------------------

_DAY_MS = 86_400_000


def stored(days_ago: float, kind: str = "webhook.create", tenant: str = "acme", **more: Any) -> str:
    """The id of an entry that began so many days ago."""
    at = now_ms() - round(days_ago * _DAY_MS)
    intent = Intent(tenant, new_id("aud", at), at, kind, more.pop("actor", "tok_1"), **more)
    AuditStore(tenant).add_intent(intent)
    AuditStore(tenant).add_outcome(Outcome(tenant, intent.id, at + 1, "succeeded"))
    return intent.id


def test_entries_of_many_months_come_newest_first_page_by_page() -> None:
    ids = [stored(days) for days in (0, 1, 20, 40, 41, 100, 250, 399)]
    stored(3, tenant="acme2")
    for limit in (1, 2, 3, 8, 100):
        found: list[str] = []
        cursor = ""
        while True:
            answer = call("GET", f"/audit?limit={limit}{cursor}")
            found += [entry["id"] for entry in answer.data]
            assert len(answer.data) <= limit
            if not answer.body["pagination"]["hasMore"]:
                break
            cursor = f"&cursor={answer.body['pagination']['nextCursor']}"
        assert found == ids


def test_filters() -> None:
    first = stored(0, subject="wh_1")
    second = stored(1, kind="webhook.delete", actor="tok_2", subject="wh_2")
    assert [entry["id"] for entry in listed("?kind=webhook.create")] == [first]
    assert [entry["id"] for entry in listed("?actor=tok_2")] == [second]
    assert [entry["id"] for entry in listed("?subject=wh_1")] == [first]
    assert [entry["id"] for entry in listed("?outcome=succeeded")] == [first, second]
    assert listed("?outcome=failed") == listed("?outcome=none") == []
    moment = iso_millis(now_ms() - _DAY_MS // 2)
    assert [entry["id"] for entry in listed(f"?fromDate={moment}")] == [first]
    assert [entry["id"] for entry in listed(f"?toDate={moment}")] == [second]
    assert listed(f"?toDate={moment}&fromDate={moment}") == []


def test_what_a_creation_made_is_found_by_its_id() -> None:
    webhook = subscribed()["id"]
    assert [entry["kind"] for entry in listed(f"?subject={webhook}")] == ["webhook.create"]


def test_another_tenant_sees_nothing() -> None:
    stored(0)
    stored(0)
    cursor = call("GET", "/audit?limit=1").body["pagination"]["nextCursor"]
    assert listed(tenant="globex") == listed(tenant="acm") == listed(tenant="acme#head") == []
    answer = call("GET", f"/audit?limit=1&cursor={cursor}", tenant="globex")
    assert (answer.status, answer.error["code"]) == (400, "invalid_cursor")


def test_the_table_has_its_keys_begin_with_the_tenant() -> None:
    stored(0)
    keys = [json.loads(row.partition(" ")[2])["pk"]["S"] for row in rows("AuditTable")]
    assert len(keys) == 2
    assert all(key.startswith("acme#") for key in keys)
    index = resources("AWS::DynamoDB::Table")["AuditTable"]["GlobalSecondaryIndexes"]
    assert [one["Projection"] for one in index] == [{"ProjectionType": "KEYS_ONLY"}]


def test_a_limited_token_sees_its_own_entries_alone() -> None:
    asked = {"action": "issue", "tenant": "acme", "scopes": ["audit:read"], "actions": ["slack.*"]}
    made = handler("manage_tokens")(asked, Context())
    stored(0, actor="tok_1")
    own = stored(0, actor=made["id"])
    for query in ("", f"?actor={made['id']}"):
        assert [entry["id"] for entry in call("GET", f"/audit{query}", token=made["token"]).data] == [own]
    answer = call("GET", "/audit?actor=tok_1", token=made["token"])
    assert (answer.status, answer.error["code"]) == (403, "token_limited")
    assert len(listed()) == 3
