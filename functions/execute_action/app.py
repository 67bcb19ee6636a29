"""POST /integrations/{integrationId}/actions/{actionName}: run an action."""

from typing import Annotated

from jobsprint.api.action_requests import ActionRequest
from jobsprint.api.action_views import ActionView, ExecutionRef
from jobsprint.api.endpoint import Endpoint
from jobsprint.api.envelope import Data, success
from jobsprint.api.idempotency import REPLAYED
from jobsprint.api.parameters import Body, Path
from jobsprint.api.preferences import RESPOND_ASYNC, prefers_async
from jobsprint.api.shared_parameters import IntegrationId
from jobsprint.domain.trace import valid_traceparent
from jobsprint.integrations import action_answers
from jobsprint.integrations.action_answers import Accepted
from jobsprint.integrations.actions import Asked

app = Endpoint(scope="actions:execute", keeps_answers=False)


@app.post("/integrations/<integrationId>/actions/<actionName>", summary="Execute integration action", tags=["Actions"])
def execute_action(
    integrationId: IntegrationId,
    actionName: Annotated[str, Path("Action name")],
    body: Annotated[ActionRequest, Body()],
) -> tuple[Data[ActionView] | Data[ExecutionRef], int]:
    """Checks the parameters, calls the other side, and logs what came of it; with `Prefer: respond-async` later (202).

    With an `Idempotency-Key` the outcome itself is kept, also a failed or an unknown one, and nothing is sent twice.
    """
    trace = valid_traceparent(app.request_header("traceparent"))
    asked = Asked(app.caller.tenant, integrationId, actionName, body.parameters, trace)
    in_background = prefers_async(app.request_header("prefer"))
    answer, replayed = action_answers.answer(asked, key=app.idempotency_key, in_background=in_background)
    app.answer_headers.update(REPLAYED if replayed else {})
    if isinstance(answer, Accepted):
        app.answer_headers["Preference-Applied"] = RESPOND_ASYNC
        return success(ExecutionRef(executionId=answer.execution_id)), 202
    if answer.error:
        raise answer.error
    view = ActionView(action=actionName, result=answer.result or {}, executionTime=answer.execution_ms)
    return success(view), 200


handler = app.resolve
