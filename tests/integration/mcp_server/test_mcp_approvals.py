"""Actions that a person has to approve, called by an agent."""

import re
from typing import Any

import pytest

from tests.support.call import call
from tests.support.mcp_messages import modern, result, token
from tests.support.receiver import Receiver
from tests.support.rows import connected

pytestmark = pytest.mark.usefixtures("aws")


@pytest.fixture
def payments(endpoint: Receiver) -> str:
    actions = [{"name": "refund", "effect": "destructive", "approval": "required"}]
    return connected(endpoint.url, name="Payments", actions=actions)


def decide(waits: dict[str, Any], verb: str) -> None:
    assert call("POST", f"/approvals/{waits['approvalId']}/{verb}").status == 200


def use(arguments: dict[str, Any], name: str = "payments_refund", **options: Any) -> dict[str, Any]:
    found = result(modern("tools/call", {"name": name, "arguments": arguments}, token=token("acme", "*"), **options))
    return dict(found["structuredContent"])


@pytest.mark.usefixtures("payments")
def test_an_agent_asks_and_repeats_its_call(endpoint: Receiver) -> None:
    listed = result(modern("tools/list", token=token("acme", "*")))["tools"]
    tool = next(tool for tool in listed if tool["name"] == "payments_refund")
    assert {"approvalId", "idempotencyKey"} <= tool["inputSchema"]["properties"].keys()
    assert "approve" in tool["description"]

    waits = use({"amount": 5})
    assert waits["status"] == "pending_approval"
    assert re.fullmatch(r"\d{4}-.*Z", waits["expiresAt"])
    assert use({"amount": 5, "approvalId": waits["approvalId"]})["status"] == "pending_approval"
    decide(waits, "approve")
    assert use({"amount": 6, "approvalId": waits["approvalId"]})["error"]["code"] == "approval_mismatch"
    done, again = (use({"amount": 5, "approvalId": waits["approvalId"]}) for _ in range(2))
    assert (done["status"], done["replayed"]) == ("succeeded", False)
    assert (again["status"], again["replayed"]) == ("succeeded", True)
    assert len(endpoint.received) == 1


@pytest.mark.usefixtures("payments")
def test_the_router_takes_approvals_and_its_audit_says_what_waits(endpoint: Receiver) -> None:
    call_ = {"action": "payments_refund", "arguments": {"amount": 5}}
    waits = use(call_, "write_action", target="/mcp?mode=router")
    assert waits["status"] == "pending_approval"
    decide(waits, "deny")
    denied = use({**call_, "approvalId": waits["approvalId"]}, "write_action", target="/mcp?mode=router")
    assert denied["error"]["code"] == "approval_denied"
    first, *_ = [entry for entry in call("GET", "/audit").data if entry["kind"] == "action.call"][::-1]
    assert (first["outcome"], first["errorCode"]) == ("failed", "pending_approval")
    assert endpoint.received == []
