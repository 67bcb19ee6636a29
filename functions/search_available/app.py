"""GET /integrations/available: what can be connected."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from jobsprint.api import pagination
from jobsprint.api.app import Endpoint
from jobsprint.api.pagination import Cursor, Limit
from jobsprint.api.schemas.common import Page, TypeFilter, page
from jobsprint.api.schemas.integrations import AvailableIntegration
from jobsprint.connectors.connect_models import connect_options
from jobsprint.integrations.available import available

app = Endpoint(scope="integrations:read", portal="view")


@app.get("/integrations/available", summary="Search available integrations", tags=["Integrations"])
def search_available(
    query: Annotated[str | None, Query(description="Search query", max_length=200)] = None,
    category: Annotated[str | None, Query(description="Filter by category", max_length=100)] = None,
    type: TypeFilter = None,
    limit: Limit = pagination.DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[AvailableIntegration]:
    """Applications by relevance, then popularity."""
    tenant = app.caller.tenant
    bound = {"of": "available", "query": query, "category": category, "type": type}
    start = int(pagination.decode(tenant, bound, cursor) or 0)
    found, more = available(app.caller, query, category, type, start=start, limit=limit)
    items = [AvailableIntegration.of(found_app, connect_options(found_app.type)) for found_app in found]
    return page(items, pagination.encode(tenant, bound, str(start + limit) if more else None))


handler = app.resolve
