"""GET /integrations/{integrationId}/executions/{executionId}: how an action in the background stands."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Path

from jobsprint.actions import executions
from jobsprint.api.app import Endpoint
from jobsprint.api.schemas.actions import ExecutionView
from jobsprint.api.schemas.common import Data, IntegrationId, success

app = Endpoint(scope="integrations:read", webhook_scope="webhooks:read", portal="view")


@app.get("/integrations/<integrationId>/executions/<executionId>", summary="Get execution", tags=["Actions"])
def get_execution(
    integrationId: IntegrationId,
    executionId: Annotated[str, Path(description="Execution ID: `exe_…`")],
) -> Data[ExecutionView]:
    """Its state, and once it has ended its result or error. Kept for seven days."""
    execution, outcome = executions.find(app.caller.tenant, integrationId, executionId)
    return success(ExecutionView.of(execution, outcome))


handler = app.resolve
