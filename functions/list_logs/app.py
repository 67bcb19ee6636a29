"""GET /integrations/{integrationId}/logs: what was called through an integration, or delivered to a webhook."""

from typing import Annotated

from jobsprint.api import pages
from jobsprint.api.endpoint import Endpoint
from jobsprint.api.envelope import Page, page
from jobsprint.api.log_views import LogView, log_view
from jobsprint.api.pages import Cursor, Limit
from jobsprint.api.parameters import Query
from jobsprint.api.shared_parameters import IntegrationId, moment
from jobsprint.domain.models import LogStatus
from jobsprint.integrations import history

app = Endpoint(scope="integrations:read")


@app.get("/integrations/<integrationId>/logs", summary="Integration logs", tags=["Integrations"])
def list_logs(
    integrationId: IntegrationId,
    action: Annotated[str | None, Query("Filter by action name", max_length=200)] = None,
    status: Annotated[LogStatus | None, Query("Filter by outcome")] = None,
    fromDate: Annotated[str | None, Query("Filter after date (ISO 8601)", check=moment)] = None,
    toDate: Annotated[str | None, Query("Filter before date (ISO 8601)", check=moment)] = None,
    limit: Limit = pages.DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[LogView]:
    """Newest first. For a webhook the entries are delivery attempts, and the action is the event's name."""
    asked = history.Asked(action=action, status=status, from_date=fromDate, to_date=toDate)
    query = {"of": f"logs:{integrationId}", **asked.bound()}
    tenant = app.caller.tenant
    position = pages.decode(tenant, query, cursor)
    found, position = history.page(tenant, integrationId, asked, limit=limit, position=position)
    return page([log_view(entry) for entry in found], pages.encode(tenant, query, position))


handler = app.resolve
