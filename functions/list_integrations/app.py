"""GET /integrations: the tenant's integrations, newest first; webhooks for a token that may read them."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from jobsprint.api import pagination
from jobsprint.api.app import Endpoint
from jobsprint.api.pagination import Cursor, Limit
from jobsprint.api.schemas.common import Page, TypeFilter, page
from jobsprint.api.schemas.integrations import IntegrationSummary
from jobsprint.domain.integrations import IntegrationStatus
from jobsprint.repositories.integrations import IntegrationStore

StatusFilter = Annotated[IntegrationStatus | None, Query(description="Filter by status")]

app = Endpoint(scope="integrations:read", portal="view")


@app.get("/integrations", summary="List integrations", tags=["Integrations"])
def list_integrations(
    type: TypeFilter = None,
    status: StatusFilter = None,
    limit: Limit = pagination.DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[IntegrationSummary]:
    """Available and configured integrations of the tenant, newest first; webhooks only with `webhooks:read`."""
    query = {"of": "integrations", "type": type, "status": status}
    tenant = app.caller.tenant
    store = IntegrationStore(tenant)
    position = pagination.decode(tenant, query, cursor)
    found, position = store.page(
        limit=limit,
        position=position,
        type_=type,
        status=status,
        webhooks=app.caller.may("webhooks:read"),
        limits=app.caller.limits,
    )
    activity = store.activity(integration.id for integration in found)
    items = [IntegrationSummary.of(integration, activity[integration.id]) for integration in found]
    return page(items, pagination.encode(tenant, query, position))


handler = app.resolve
