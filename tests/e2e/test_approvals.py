"""A call that a person has to approve, on the local stack under IAM: told by a webhook, decided, made once."""

from tests.e2e.api import Api, eventually
from tests.e2e.local_stack import Stack
from tests.support.receiver import Receiver, Reply

TENANT = "approving"


def test_a_call_is_asked_for_approved_and_made_once(stack: Stack, receiver: Receiver) -> None:
    asking, deciding = Api.of(stack, tenant=TENANT), Api.of(stack, tenant=TENANT, scopes=("actions:approve",))
    receiver.answer = lambda _: Reply(200, {"done": True})
    asking.create_webhook(f"{receiver.url}/told", events=["action.approval_requested"])
    integration = asking.connect_custom(f"{receiver.url}/act", approval={"destructive": True})
    act = f"/integrations/{integration}/actions/send"

    waits = asking.data("POST", act, {"parameters": {"text": "hello"}})
    assert waits["status"] == "pending_approval"
    told = eventually(lambda: [one.json for one in receiver.received if one.path == "/told"])
    assert told[0]["data"]["approvalId"] == waits["approvalId"]
    path = f"/approvals/{waits['approvalId']}"
    assert asking.call("POST", f"{path}/approve").json()["error"]["code"] == "approval_by_requester"
    assert [one["approvalId"] for one in deciding.data("GET", "/approvals?status=pending")] == [waits["approvalId"]]
    assert deciding.data("GET", path)["parameters"] == {"text": "hello"}
    assert deciding.data("POST", f"{path}/approve", {"reason": "Checked"})["status"] == "approved"

    again = {"parameters": {"text": "hello"}, "approvalId": waits["approvalId"]}
    first, second = (asking.call("POST", act, again) for _ in range(2))

    assert first.status_code == second.status_code == 200
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len([one for one in receiver.received if one.path == "/act"]) == 1
    [entry] = asking.data("GET", f"/integrations/{integration}/logs")
    assert entry["approval"]["approvalId"] == waits["approvalId"]
    denied = asking.data("POST", act, {"parameters": {"text": "other"}})["approvalId"]
    assert deciding.data("POST", f"/approvals/{denied}/deny")["status"] == "denied"
    refused = asking.call("POST", act, {"parameters": {"text": "other"}, "approvalId": denied})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "approval_denied")
