"""GET /approvals/{approvalId}: a call that a person has to approve."""

from jobsprint.actions import approvals
from jobsprint.api.app import Endpoint
from jobsprint.api.schemas.approvals import ApprovalId, ApprovalView
from jobsprint.api.schemas.common import Data, success
from jobsprint.core.clock import now_ms

app = Endpoint(scope="actions:approve", portal="approve")


@app.get("/approvals/<approvalId>", summary="Get approval", tags=["Approvals"])
def get_approval(approvalId: ApprovalId) -> Data[ApprovalView]:
    """What is to be called, with which parameters, and how it was decided."""
    return success(ApprovalView.whole(*approvals.find(app.caller, approvalId), now_ms()))


handler = app.resolve
