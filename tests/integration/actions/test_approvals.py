"""Actions that a person has to approve: asked for, decided by another token, and then made once."""

import json
from typing import Any

import pytest

from jobsprint.actions import approvals, service
from jobsprint.core import aws
from jobsprint.core.clock import now_ms
from jobsprint.core.config import settings
from jobsprint.core.ids import new_id
from jobsprint.domain.integrations import ApprovalRule, Capability
from jobsprint.repositories import api_tokens
from jobsprint.repositories.api_tokens import TokenRow
from tests.support.call import Answer, Died, call, handler
from tests.support.deliveries import Outbox, record, work
from tests.support.receiver import Receiver, Reply
from tests.support.rows import connected, rows, subscribed

pytestmark = pytest.mark.usefixtures("aws")

PERSONAL = "very-personal-data"
APPROVER = "tok_approver"


@pytest.fixture
def payments(endpoint: Receiver) -> str:
    schema = {"type": "object", "required": ["amount"], "properties": {"amount": {"type": "integer"}}}
    return connected(
        endpoint.url,
        name="Payments",
        headers={"X-Api-Key": "a-long-api-key-1234"},
        actions=[
            {"name": "refund", "effect": "destructive", "approval": "required", "parameters": schema},
            {"name": "look_up", "effect": "read"},
        ],
    )


def refund(payments: str, approval: str | None = None, *, amount: int = 5, **options: Any) -> Answer:
    body: dict[str, Any] = {"parameters": {"amount": amount, "note": PERSONAL}}
    body |= {"approvalId": approval} if approval else {}
    return call("POST", f"/integrations/{payments}/actions/refund", body=body, **options)


def asked(payments: str, **options: Any) -> str:
    answer = refund(payments, **options)
    assert (answer.status, answer.data["status"]) == (202, "pending_approval")
    return str(answer.data["approvalId"])


def decide(approval: str, verb: str, by: str = APPROVER, **body: Any) -> Answer:
    return call("POST", f"/approvals/{approval}/{verb}", token_id=by, body=body or None)


def code(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.error["code"]


def later(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    for module in (service, approvals):
        monkeypatch.setattr(module, "now_ms", lambda: now_ms() + seconds * 1000)


# --- asking -----------------------------------------------------------------------------------------------------------


def test_a_call_waits_for_its_approval_and_nothing_is_sent(endpoint: Receiver, payments: str) -> None:
    approval = asked(payments)

    assert endpoint.received == []
    shown = call("GET", f"/approvals/{approval}").data
    assert shown["parameters"] == {"amount": 5, "note": PERSONAL}
    assert (shown["status"], shown["action"], shown["requestedBy"]) == ("pending", "refund", "tok_test")
    assert "decidedBy" not in shown
    assert [one["approvalId"] for one in call("GET", "/approvals?status=pending").data] == [approval]
    assert call("GET", "/approvals?status=approved").data == []
    assert not any(PERSONAL in row for row in rows())
    assert refund(payments, approval).data["status"] == "pending_approval"


def test_what_is_no_call_is_refused_before_anybody_is_asked(payments: str) -> None:
    before = rows()
    assert code(call("POST", f"/integrations/{payments}/actions/refund", body={"parameters": {}})) == (
        422,
        "invalid_fields",
    )
    assert call("GET", "/approvals").data == []
    assert rows() == before


def test_an_action_without_approval_runs_at_once(endpoint: Receiver, payments: str) -> None:
    assert call("POST", f"/integrations/{payments}/actions/look_up", body={}).status == 200
    assert len(endpoint.received) == 1


def test_people_are_told_by_an_event(outbox: Outbox, payments: str) -> None:
    subscribed(url="https://hooks.example.com/told", events=["action.approval_requested"])
    approval = asked(payments)
    [event] = call("GET", "/events?event=action.approval_requested").data
    data = call("GET", f"/events/{event['id']}").data["data"]
    assert data == {
        "approvalId": approval,
        "integrationId": payments,
        "name": "Payments",
        "action": "refund",
        "requestedBy": "tok_test",
        "expiresAt": call("GET", f"/approvals/{approval}").data["expiresAt"],
    }
    assert len(outbox.take("DeliveryQueue")) == 1
    assert code(call("POST", "/events", body={"event": "action.approval_requested", "data": {}}))[0] == 422


def test_where_nobody_can_be_told_nothing_waits_silently(payments: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approvals, "announce", lambda *_, **__: False)
    key = {"Idempotency-Key": "k"}
    assert code(refund(payments, headers=key)) == (503, "approval_unavailable")
    monkeypatch.undo()
    first = asked(payments, headers=key)
    assert [one["approvalId"] for one in call("GET", "/approvals").data] == [first]


def test_secrets_of_the_connection_are_masked(payments: str) -> None:
    body = {"parameters": {"amount": 1, "note": "with a-long-api-key-1234", "password": "hunter2hunter2"}}
    approval = call("POST", f"/integrations/{payments}/actions/refund", body=body).data["approvalId"]
    shown = json.dumps(call("GET", f"/approvals/{approval}").data)
    assert "a-long-api-key-1234" not in shown
    assert "hunter2" not in shown


def test_long_parameters_are_shown_whole(payments: str) -> None:
    note = "x" * 240_000
    body = {"parameters": {"amount": 1, "note": note}}
    approval = call("POST", f"/integrations/{payments}/actions/refund", body=body).data["approvalId"]
    assert call("GET", f"/approvals/{approval}").data["parameters"]["note"] == note
    assert len(call("GET", "/approvals").data) == 1


# --- deciding ---------------------------------------------------------------------------------------------------------


def test_an_approved_call_is_made_once(endpoint: Receiver, payments: str) -> None:
    endpoint.answer = lambda _: Reply(200, {"done": len(endpoint.received)})
    approval = asked(payments)
    approved = decide(approval, "approve", reason="Checked")
    assert (approved.data["status"], approved.data["decidedBy"], approved.data["reason"]) == (
        "approved",
        APPROVER,
        "Checked",
    )
    assert endpoint.received == []

    first, second = refund(payments, approval), refund(payments, approval)

    assert first.data["result"] == {"success": True, "done": 1}
    assert second.body == first.body
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(endpoint.received) == 1
    shown = call("GET", f"/approvals/{approval}").data
    assert (shown["status"], shown["executionId"][:4]) == ("used", "exe_")
    [log] = call("GET", f"/integrations/{payments}/logs").data
    assert log["approval"] == {
        "approvalId": approval,
        "approvedBy": APPROVER,
        "approvedAt": approved.data["decidedAt"],
    }


def test_it_is_for_that_call_alone(endpoint: Receiver, payments: str) -> None:
    other = connected(endpoint.url, name="Other", approval={"actions": ["*"]}, actions=[{"name": "refund"}])
    approval = asked(payments)
    decide(approval, "approve")
    assert code(refund(payments, approval, amount=500)) == (409, "approval_mismatch")
    assert code(refund(other, approval)) == (409, "approval_mismatch")
    look_up = f"/integrations/{payments}/actions/look_up"
    body = {"parameters": {"amount": 5, "note": PERSONAL}, "approvalId": approval}
    assert code(call("POST", look_up, body=body)) == (409, "approval_mismatch")
    assert endpoint.received == []
    assert refund(payments, approval).status == 200


@pytest.mark.parametrize("approval", ["apr_x", "apr_" + "0" * 26, "exe_" + "0" * 26, ""])
def test_an_unknown_approval_is_not_found(payments: str, endpoint: Receiver, approval: str) -> None:
    body = {"parameters": {"amount": 5}, "approvalId": approval}
    path = f"/integrations/{payments}/actions/refund"
    assert code(call("POST", path, body=body)) == (404, "approval_not_found")
    assert endpoint.received == []


def test_another_tenants_approval_is_not_there(payments: str) -> None:
    approval = asked(payments)
    for method, path in (("GET", ""), ("POST", "/approve"), ("POST", "/deny")):
        assert code(call(method, f"/approvals/{approval}{path}", tenant="globex")) == (404, "approval_not_found")
    assert call("GET", "/approvals", tenant="globex").data == []
    assert call("GET", f"/approvals/{approval}").data["status"] == "pending"


def test_a_denied_call_is_not_made(endpoint: Receiver, payments: str) -> None:
    approval = asked(payments)
    assert decide(approval, "deny", reason="Too much").data["status"] == "denied"
    answer = refund(payments, approval)
    assert code(answer) == (403, "approval_denied")
    assert "Too much" in answer.error["message"]
    assert code(decide(approval, "approve")) == (409, "approval_decided")
    assert decide(approval, "deny", reason="Another").data["reason"] == "Too much"
    assert endpoint.received == []


def test_nobody_approves_late(endpoint: Receiver, payments: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pending, approved = asked(payments), asked(payments)
    decide(approved, "approve")
    later(monkeypatch, 3601)
    for verb in ("approve", "deny"):
        assert code(decide(pending, verb)) == (410, "approval_expired")
    for approval in (pending, approved):
        assert code(refund(payments, approval)) == (410, "approval_expired")
    assert endpoint.received == []


def test_an_outcome_is_given_again_after_the_approval_has_expired(
    endpoint: Receiver, payments: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    approval = asked(payments)
    decide(approval, "approve")
    first = refund(payments, approval)
    later(monkeypatch, 7200)
    assert refund(payments, approval).body == first.body
    assert len(endpoint.received) == 1


def kept(name: str, parent: str | None = None) -> str:
    made = new_id("tok", now_ms())
    api_tokens.add(TokenRow(made, "acme", name, ("*",), now_ms(), parent=parent))
    return made


def test_neither_the_token_that_asked_nor_its_descendants_approve(payments: str) -> None:
    above = kept("above")
    asking = kept("asking", above)
    child = kept("child", asking)
    grandchild = kept("grandchild", child)
    sibling = kept("sibling", above)
    approval = asked(payments, token_id=asking)
    for token_id in (asking, child, grandchild):
        assert code(decide(approval, "approve", by=token_id)) == (403, "approval_by_requester")
    assert call("GET", f"/approvals/{approval}").data["status"] == "pending"
    assert decide(approval, "approve", by=sibling).data["decidedBy"] == sibling
    again = asked(payments, token_id=asking)
    assert decide(again, "approve", by=above).status == 200
    taken_back = asked(payments, token_id=asking)
    assert decide(taken_back, "deny", by=asking).status == 200


def test_a_limited_token_sees_and_decides_its_own_actions(payments: str) -> None:
    approval = asked(payments)
    manager = handler("manage_tokens")

    def issue(actions: list[str], *, read_only: bool = False) -> str:
        wanted = {"action": "issue", "tenant": "acme", "scopes": ["actions:approve"], "actions": actions}
        return str(manager({**wanted, "readOnly": read_only}, None)["token"])

    theirs, ours, reads = issue(["slack.*"]), issue(["payments.*"]), issue([], read_only=True)
    assert call("GET", "/approvals", token=theirs).data == []
    assert code(call("GET", f"/approvals/{approval}", token=theirs)) == (404, "approval_not_found")
    assert code(call("POST", f"/approvals/{approval}/approve", token=theirs)) == (404, "approval_not_found")
    assert [one["approvalId"] for one in call("GET", "/approvals", token=ours).data] == [approval]
    assert code(call("POST", f"/approvals/{approval}/approve", token=reads)) == (403, "token_read_only")
    assert call("POST", f"/approvals/{approval}/approve", token=ours).status == 200


def test_decisions_stand_in_the_audit_trail(payments: str) -> None:
    first, second = asked(payments), asked(payments)
    decide(first, "approve", reason="Checked")
    decide(second, "deny")
    entries = {entry["kind"]: entry for entry in call("GET", "/audit").data if entry["kind"].startswith("approval.")}
    assert entries["approval.approve"]["subject"] == first
    assert entries["approval.deny"]["subject"] == second
    assert entries["approval.approve"]["actor"] == APPROVER
    assert entries["approval.approve"]["arguments"] == {"reason": "Checked"}


# --- keys, background, crashes ----------------------------------------------------------------------------------------


def test_the_same_key_is_the_same_request(endpoint: Receiver, payments: str) -> None:
    key = {"Idempotency-Key": "k"}
    approval = asked(payments, headers=key)
    assert asked(payments, headers=key) == approval
    assert code(refund(payments, amount=6, headers=key)) == (409, "idempotency_key_reused")
    decide(approval, "approve")

    by_key = refund(payments, headers=key)

    assert by_key.status == 200
    assert refund(payments, approval, headers=key).body == by_key.body
    assert refund(payments, approval).body == by_key.body
    assert refund(payments, headers=key).body == by_key.body
    assert len(endpoint.received) == 1


def test_equal_calls_without_a_key_are_two(payments: str) -> None:
    assert asked(payments) != asked(payments)
    assert len(call("GET", "/approvals").data) == 2


def test_an_approved_call_may_run_in_the_background(endpoint: Receiver, outbox: Outbox, payments: str) -> None:
    later_please = {"Prefer": "respond-async"}
    approval = asked(payments, headers=later_please)
    decide(approval, "approve")
    first, second = (refund(payments, approval, headers=later_please) for _ in range(2))
    assert first.status == second.status == 202
    assert first.data == second.data
    [message] = outbox.take("ExecutionQueue")
    assert work("run_executions", record(message.body)) == []
    assert len(endpoint.received) == 1
    [log] = call("GET", f"/integrations/{payments}/logs").data
    assert log["approval"]["approvedBy"] == APPROVER


def test_a_call_that_was_not_carried_out_may_be_made_again(endpoint: Receiver, payments: str) -> None:
    approval = asked(payments)
    decide(approval, "approve")
    endpoint.answer = lambda _: Reply(429, {}, headers={"Retry-After": "1"})
    assert refund(payments, approval).status == 429
    endpoint.answer = lambda _: Reply(200, {})
    # The circuit breaker remembers the upstream's word for a second.
    deadline = now_ms() + 5000
    while (answer := refund(payments, approval)).status == 429 and now_ms() < deadline:
        pass
    assert answer.status == 200


def test_a_death_while_sending_is_unknown_and_nothing_is_sent_again(
    endpoint: Receiver, payments: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    approval = asked(payments)
    decide(approval, "approve")

    def dies(_: Any) -> Reply:
        raise Died

    monkeypatch.setattr(service.runner, "send", dies)
    with pytest.raises(Died):
        refund(payments, approval)
    monkeypatch.undo()
    later(monkeypatch, 60)
    assert code(refund(payments, approval)) == (504, "outcome_unknown")
    assert code(refund(payments, approval)) == (504, "outcome_unknown")
    assert endpoint.received == []


# --- which calls ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "capability", "needed"),
    [
        (ApprovalRule(), Capability("pay", effect="destructive"), False),
        (ApprovalRule(), Capability("pay", approval=True), True),
        (ApprovalRule(destructive=True), Capability("pay", effect="destructive"), True),
        (ApprovalRule(destructive=True), Capability("pay"), True),
        (ApprovalRule(destructive=True), Capability("pay", effect="write"), False),
        (ApprovalRule(destructive=True), Capability("pay", effect="read"), False),
        (ApprovalRule(actions=("pay",)), Capability("pay", effect="read"), True),
        (ApprovalRule(actions=("pay",)), Capability("pay_out"), False),
        (ApprovalRule(actions=("pay*", "x")), Capability("pay_out"), True),
        (ApprovalRule(actions=("*",)), Capability("anything"), True),
        (ApprovalRule(actions=("Send [urgent]",)), Capability("Send [urgent]"), True),
        (ApprovalRule(actions=("Send [urgent]*",)), Capability("Send [urgent] now"), True),
        (ApprovalRule(actions=("Send [urgent]",)), Capability("Send u"), False),
        (ApprovalRule(actions=("really?",)), Capability("really?"), True),
        (ApprovalRule(actions=("really?",)), Capability("reallyx"), False),
    ],
)
def test_the_rule(rule: ApprovalRule, capability: Capability, *, needed: bool) -> None:
    assert rule.requires(capability) is needed


def test_a_rule_is_set_changed_and_ended(endpoint: Receiver) -> None:
    actions = [{"name": "pay"}, {"name": "read", "effect": "read"}]
    made = connected(endpoint.url, approval={"destructive": True, "expiresIn": 60}, actions=actions)

    def needing() -> list[str]:
        shown = call("GET", f"/integrations/{made}").data
        return [one["name"] for one in shown["capabilities"] if one.get("approval") == "required"]

    assert needing() == ["pay"]
    shown = call("PATCH", f"/integrations/{made}", body={"approval": {"actions": ["r*"]}}).data
    assert shown["approval"] == {"destructive": False, "actions": ["r*"], "expiresIn": 3600}
    assert needing() == ["read"]
    assert call("PATCH", f"/integrations/{made}", body={"name": "Same"}).data["approval"] == shown["approval"]
    assert "approval" not in call("PATCH", f"/integrations/{made}", body={"approval": {}}).data
    assert needing() == []
    for wrong in ({"expiresIn": 59}, {"expiresIn": 86_401}, {"actions": [""]}, {"destructive": 1}, {"when": "always"}):
        assert code(call("PATCH", f"/integrations/{made}", body={"approval": wrong}))[0] == 422


def test_a_custom_action_keeps_its_rule_through_other_changes(payments: str) -> None:
    call("PATCH", f"/integrations/{payments}", body={"name": "Pay"})
    url = {"url": "https://hooks.example.com/new", "headers": {}}
    assert call("PATCH", f"/integrations/{payments}", body=url).status == 200
    shown = {one["name"]: one for one in call("GET", f"/integrations/{payments}").data["capabilities"]}
    assert shown["refund"]["approval"] == "required"
    assert "approval" not in shown["look_up"]


def test_items_have_an_end(payments: str) -> None:
    asked(payments)
    found = aws.dynamodb().scan(TableName=settings().requests_table)["Items"]
    [item] = [one for one in found if one["pk"]["S"] == "acme#approval"]
    assert int(item["expiresAt"]["N"]) - now_ms() // 1000 > 29 * 86400
