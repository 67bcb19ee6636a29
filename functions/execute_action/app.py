"""POST /integrations/{integrationId}/actions/{actionName}: run an action."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body, Path

from jobsprint.actions import service
from jobsprint.actions.service import Accepted
from jobsprint.api.app import Endpoint
from jobsprint.api.idempotency import REPLAYED
from jobsprint.api.request_headers import RESPOND_ASYNC, prefers_async
from jobsprint.api.schemas.actions import ActionRequest, ActionView, ExecutionRef, PendingApproval
from jobsprint.api.schemas.common import Data, IntegrationId, shown, success
from jobsprint.api.tracing import traceparent
from jobsprint.domain.actions import RequestedAction
from jobsprint.domain.approvals import Approval

_LATER = "Accepted; it runs in the background, or a person has to approve it first"

# For a read-only token there are actions that only read, and others that it is refused.
app = Endpoint(scope="actions:execute", webhook_scope="webhooks:read", portal="act", reads=True)


@app.post(
    "/integrations/<integrationId>/actions/<actionName>",
    summary="Execute integration action",
    tags=["Actions"],
    responses={200: shown(Data[ActionView]), 202: shown(Data[ExecutionRef] | Data[PendingApproval], _LATER)},
)
def execute_action(
    integrationId: IntegrationId,
    actionName: Annotated[str, Path(description="Action name")],
    body: Annotated[ActionRequest, Body()],
) -> tuple[Data[ActionView] | Data[ExecutionRef] | Data[PendingApproval], int]:
    """Checks the parameters, calls the upstream, and logs what came of it; with `Prefer: respond-async` later (202).

    With an `Idempotency-Key` the outcome itself is kept, also a failed or an unknown one, and nothing is sent twice.
    An action that needs approval is answered with `pending_approval` (202); once it is approved, the same request with
    its `approvalId` makes the call.
    """
    trace = traceparent(app.request_header("traceparent"))
    requested = RequestedAction(
        app.caller.tenant, integrationId, actionName, body.parameters, traceparent=trace, request_id=app.request_id
    )
    in_background, key = prefers_async(app.request_header("prefer")), app.idempotency_key
    reply = service.execute(requested, app.caller, key=key, in_background=in_background, approval_id=body.approval_id)
    app.answer_headers.update(REPLAYED if reply.replayed else {})
    outcome = reply.outcome
    if isinstance(outcome, Approval):
        return success(PendingApproval.of(outcome)), 202
    if isinstance(outcome, Accepted):
        app.answer_headers["Preference-Applied"] = RESPOND_ASYNC
        return success(ExecutionRef(execution_id=outcome.execution_id)), 202
    if outcome.error:
        raise outcome.error
    view = ActionView(action=actionName, result=outcome.result or {}, execution_time=outcome.execution_ms)
    return success(view), 200


handler = app.resolve
