"""GET /integrations/{integrationId}/logs: what was called through an integration, or delivered to a webhook."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from jobsprint.api import pages
from jobsprint.api.endpoint import Endpoint
from jobsprint.api.envelope import Page, page
from jobsprint.api.pages import Cursor, Limit
from jobsprint.api.schemas import IntegrationId, LogView, Moment
from jobsprint.domain.models import Outcome
from jobsprint.integrations import history

app = Endpoint(scope="integrations:read")


@app.get("/integrations/<integrationId>/logs", summary="Integration logs", tags=["Integrations"])
def list_logs(
    integrationId: IntegrationId,
    action: Annotated[str | None, Query(max_length=200, description="Filter by action name")] = None,
    status: Annotated[Outcome | None, Query(description="Filter by outcome")] = None,
    fromDate: Annotated[Moment | None, Query(description="Filter after date (ISO 8601)")] = None,
    toDate: Annotated[Moment | None, Query(description="Filter before date (ISO 8601)")] = None,
    limit: Limit = pages.DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[LogView]:
    """Newest first. For a webhook the entries are delivery attempts, and the action is the event's name."""
    asked = history.Asked(action=action, status=status, from_date=fromDate, to_date=toDate)
    query = {"of": f"logs:{integrationId}", **asked.bound()}
    tenant = app.caller.tenant
    position = pages.decode(tenant, query, cursor)
    found, position = history.page(tenant, integrationId, asked, limit=limit, position=position)
    return page([LogView.of(entry) for entry in found], pages.encode(tenant, query, position))


handler = app.resolve
