"""GET /integrations/{integrationId}/logs: what was called through an integration, or delivered to a webhook."""

from dataclasses import asdict
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from jobsprint.actions import logs
from jobsprint.api import pagination
from jobsprint.api.app import Endpoint
from jobsprint.api.pagination import Cursor, Limit
from jobsprint.api.schemas.actions import LogView
from jobsprint.api.schemas.common import IntegrationId, Moment, Page, page, period
from jobsprint.domain.actions import LogFilter, LogStatus

app = Endpoint(scope="integrations:read", webhook_scope="webhooks:read", portal="view")


@app.get("/integrations/<integrationId>/logs", summary="Integration logs", tags=["Integrations"])
def list_logs(
    integrationId: IntegrationId,
    action: Annotated[str | None, Query(description="Filter by action name", max_length=200)] = None,
    status: Annotated[LogStatus | None, Query(description="Filter by outcome")] = None,
    fromDate: Annotated[Moment | None, Query(description="Filter after date (ISO 8601)")] = None,
    toDate: Annotated[Moment | None, Query(description="Filter before date (ISO 8601)")] = None,
    limit: Limit = pagination.DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[LogView]:
    """Newest first. For a webhook the entries are delivery attempts, and the action is the event's name."""
    from_ms, to_ms = period(fromDate, toDate)
    wanted = LogFilter(
        action=action,
        status=status,
        from_ms=from_ms,
        to_ms=to_ms,
    )
    query = {"of": f"logs:{integrationId}", **asdict(wanted)}
    tenant = app.caller.tenant
    position = pagination.decode(tenant, query, cursor)
    found, position = logs.page(tenant, integrationId, wanted, limit=limit, position=position)
    return page([LogView.of(entry) for entry in found], pagination.encode(tenant, query, position))


handler = app.resolve
