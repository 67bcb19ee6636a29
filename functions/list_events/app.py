"""GET /events: the events that were published, newest first, each with its deliveries by state."""

from dataclasses import asdict
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from jobsprint.api import pagination
from jobsprint.api.app import Endpoint
from jobsprint.api.pagination import Cursor, Limit
from jobsprint.api.schemas.common import Moment, Page, page, period
from jobsprint.api.schemas.events import EventView
from jobsprint.delivery import event_history
from jobsprint.domain.events import EventFilter

app = Endpoint(scope="events:read", portal="view")


@app.get("/events", summary="List events", tags=["Events"])
def list_events(
    event: Annotated[str | None, Query(description="Filter by event name", max_length=200)] = None,
    fromDate: Annotated[Moment | None, Query(description="Published at or after this date (ISO 8601)")] = None,
    toDate: Annotated[Moment | None, Query(description="Published at or before this date (ISO 8601)")] = None,
    limit: Limit = pagination.DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[EventView]:
    """Newest first, without data; the events that the service publishes among them."""
    from_ms, to_ms = period(fromDate, toDate)
    wanted = EventFilter(event=event, from_ms=from_ms, to_ms=to_ms)
    query = {"of": "events", **asdict(wanted)}
    tenant = app.caller.tenant
    position = pagination.decode(tenant, query, cursor)
    found, position = event_history.page(tenant, wanted, limit=limit, position=position, limits=app.caller.limits)
    return page([EventView.of(delivered) for delivered in found], pagination.encode(tenant, query, position))


handler = app.resolve
