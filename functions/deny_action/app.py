"""POST /approvals/{approvalId}/deny: refuse a call."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from jobsprint.actions import approvals
from jobsprint.api.app import Endpoint
from jobsprint.api.schemas.approvals import ApprovalDecision, ApprovalId, ApprovalView
from jobsprint.api.schemas.common import Data, success
from jobsprint.core.clock import now_ms

app = Endpoint(scope="actions:approve", portal="approve", audited="approval.deny")


@app.post("/approvals/<approvalId>/deny", summary="Deny action", tags=["Approvals"])
def deny_action(approvalId: ApprovalId, body: Annotated[ApprovalDecision | None, Body()] = None) -> Data[ApprovalView]:
    """Refuses this one call; a repeat of it is answered with 403 and the reason."""
    reason = body.reason if body else ""
    return success(ApprovalView.whole(*approvals.decide(app.caller, approvalId, "denied", reason), now_ms()))


handler = app.resolve
