"""POST /approvals/{approvalId}/approve: allow a call."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from jobsprint.actions import approvals
from jobsprint.api.app import Endpoint
from jobsprint.api.schemas.approvals import ApprovalDecision, ApprovalId, ApprovalView
from jobsprint.api.schemas.common import Data, success
from jobsprint.core.clock import now_ms

app = Endpoint(scope="actions:approve", portal="approve", audited="approval.approve")


@app.post("/approvals/<approvalId>/approve", summary="Approve action", tags=["Approvals"])
def approve_action(
    approvalId: ApprovalId, body: Annotated[ApprovalDecision | None, Body()] = None
) -> Data[ApprovalView]:
    """Allows this one call: its caller repeats it with `approvalId`. The token that asked, and those it made,
    cannot approve it."""
    reason = body.reason if body else ""
    return success(ApprovalView.whole(*approvals.decide(app.caller, approvalId, "approved", reason), now_ms()))


handler = app.resolve
