"""POST /integrations/{integrationId}/actions/{actionName}: run an action."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body, Path

from jobsprint.api.endpoint import Endpoint
from jobsprint.api.envelope import Data
from jobsprint.api.schemas import ActionRequest, ActionView, IntegrationId
from jobsprint.integrations import actions

app = Endpoint(scope="actions:execute")


@app.post("/integrations/<integrationId>/actions/<actionName>", summary="Execute integration action", tags=["Actions"])
def execute_action(
    integrationId: IntegrationId,
    actionName: Annotated[str, Path(description="Action name")],
    body: Annotated[ActionRequest, Body()],
) -> Data[ActionView]:
    """Checks the parameters, calls the other side, and logs what came of it."""
    execution = actions.execute(app.caller.tenant, integrationId, actionName, body.parameters, sending=app.sending)
    return Data(data=ActionView(action=actionName, result=execution.result, executionTime=execution.execution_ms))


handler = app.resolve
