"""GET /event-types: what the tenant says of its events, by name."""

from jobsprint.api import pages
from jobsprint.api.endpoint import Endpoint
from jobsprint.api.envelope import Page, page
from jobsprint.api.event_type_views import EventTypeView, event_type_view
from jobsprint.api.pages import Cursor, Limit
from jobsprint.store.event_types import EventTypeStore

app = Endpoint(scope="webhooks:read")


@app.get("/event-types", summary="List event types", tags=["Events"])
def list_event_types(limit: Limit = pages.DEFAULT_LIMIT, cursor: Cursor = None) -> Page[EventTypeView]:
    """In the order of their names."""
    query = {"of": "event-types"}
    tenant = app.caller.tenant
    found, position = EventTypeStore(tenant).page(limit=limit, position=pages.decode(tenant, query, cursor))
    return page([event_type_view(event_type) for event_type in found], pages.encode(tenant, query, position))


handler = app.resolve
