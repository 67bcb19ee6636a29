"""POST /events/preview: which webhooks an event would reach, and why not the others."""

from typing import Annotated

from jobsprint.api.endpoint import Endpoint
from jobsprint.api.envelope import Data, success
from jobsprint.api.event_requests import PublishEvent
from jobsprint.api.event_views import Reach, reach_view
from jobsprint.api.parameters import Body
from jobsprint.delivery.publish import preview

app = Endpoint(scope="webhooks:read", keeps_answers=False)


@app.post("/events/preview", summary="Preview an event", tags=["Events"])
def preview_events(body: Annotated[PublishEvent, Body()]) -> Data[Reach]:
    """Takes an event as publishing does; nothing is published or kept."""
    return success(reach_view(*preview(app.caller.tenant, body.draft())))


handler = app.resolve
