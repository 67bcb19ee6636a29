"""GET /events/{eventId}: one published event with its data and deliveries."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Path

from jobsprint.api.app import Endpoint
from jobsprint.api.schemas.common import Data, success
from jobsprint.api.schemas.events import EventDetail
from jobsprint.delivery import event_history

app = Endpoint(scope="events:read", portal="view")


@app.get("/events/<eventId>", summary="Get event", tags=["Events"])
def get_event(eventId: Annotated[str, Path(description="Event ID: `evt_…`")]) -> Data[EventDetail]:
    """Its data as webhooks get it, and its deliveries: all that were queued when it was published, by their states."""
    delivered = event_history.find(app.caller.tenant, eventId, app.caller.limits)
    return success(EventDetail.of(delivered, with_webhooks=app.caller.may("webhooks:read")))


handler = app.resolve
