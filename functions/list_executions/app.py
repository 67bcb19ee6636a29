"""GET /integrations/{integrationId}/executions: the actions in the background of an integration, newest first."""

from dataclasses import asdict
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from jobsprint.actions import executions
from jobsprint.api import pagination
from jobsprint.api.app import Endpoint
from jobsprint.api.pagination import Cursor, Limit
from jobsprint.api.schemas.actions import ExecutionSummary
from jobsprint.api.schemas.common import IntegrationId, Moment, Page, page, period
from jobsprint.domain.actions import ExecutionFilter, ExecutionState

app = Endpoint(scope="integrations:read", webhook_scope="webhooks:read", portal="view")


@app.get("/integrations/<integrationId>/executions", summary="List executions", tags=["Actions"])
def list_executions(
    integrationId: IntegrationId,
    action: Annotated[str | None, Query(description="Filter by action name", max_length=200)] = None,
    status: Annotated[ExecutionState | None, Query(description="Filter by status")] = None,
    fromDate: Annotated[Moment | None, Query(description="Accepted at or after this date (ISO 8601)")] = None,
    toDate: Annotated[Moment | None, Query(description="Accepted at or before this date (ISO 8601)")] = None,
    limit: Limit = pagination.DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[ExecutionSummary]:
    """Newest first, without results. Kept for seven days."""
    from_ms, to_ms = period(fromDate, toDate)
    wanted = ExecutionFilter(action=action, state=status, from_ms=from_ms, to_ms=to_ms)
    query = {"of": f"executions:{integrationId}", **asdict(wanted)}
    tenant = app.caller.tenant
    position = pagination.decode(tenant, query, cursor)
    found, position = executions.page(tenant, integrationId, wanted, limit=limit, position=position)
    return page([ExecutionSummary.of(execution) for execution in found], pagination.encode(tenant, query, position))


handler = app.resolve
