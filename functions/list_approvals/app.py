"""GET /approvals: the calls that people have to approve, newest first."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from jobsprint.actions import approvals
from jobsprint.api import pagination
from jobsprint.api.app import Endpoint
from jobsprint.api.pagination import Cursor, Limit
from jobsprint.api.schemas.approvals import ApprovalSummary
from jobsprint.api.schemas.common import Page, page
from jobsprint.core.clock import now_ms
from jobsprint.domain.approvals import ApprovalState

app = Endpoint(scope="actions:approve", portal="approve")


@app.get("/approvals", summary="List approvals", tags=["Approvals"])
def list_approvals(
    status: Annotated[ApprovalState | None, Query(description="Filter by status")] = None,
    limit: Limit = pagination.DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[ApprovalSummary]:
    """Newest first, without parameters. Kept for 30 days."""
    query = {"of": "approvals", "status": status}
    tenant = app.caller.tenant
    position = pagination.decode(tenant, query, cursor)
    found, position = approvals.page(app.caller, status, limit=limit, position=position)
    now = now_ms()
    return page([ApprovalSummary.of(one, now) for one in found], pagination.encode(tenant, query, position))


handler = app.resolve
