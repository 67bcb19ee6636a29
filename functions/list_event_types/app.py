"""GET /event-types: what the tenant says of its events, by name."""

from jobsprint.api import pagination
from jobsprint.api.app import Endpoint
from jobsprint.api.pagination import Cursor, Limit
from jobsprint.api.schemas.common import Page, page
from jobsprint.api.schemas.events import EventTypeView
from jobsprint.repositories.event_types import EventTypeStore

app = Endpoint(scope="webhooks:read", portal="view")


@app.get("/event-types", summary="List event types", tags=["Events"])
def list_event_types(limit: Limit = pagination.DEFAULT_LIMIT, cursor: Cursor = None) -> Page[EventTypeView]:
    """In the order of their names."""
    query = {"of": "event-types"}
    tenant = app.caller.tenant
    found, position = EventTypeStore(tenant).page(limit=limit, position=pagination.decode(tenant, query, cursor))
    return page([EventTypeView.of(event_type) for event_type in found], pagination.encode(tenant, query, position))


handler = app.resolve
