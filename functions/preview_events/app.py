"""POST /events/preview: which webhooks an event would reach, and why not the others."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from jobsprint.api.endpoint import Endpoint
from jobsprint.api.envelope import Data
from jobsprint.api.event_schemas import PublishEvent, Reach
from jobsprint.delivery.publish import preview

app = Endpoint(scope="webhooks:read", keeps_answers=False)


@app.post("/events/preview", summary="Preview an event", tags=["Events"])
def preview_events(body: Annotated[PublishEvent, Body()]) -> Data[Reach]:
    """Takes an event as publishing does; nothing is published or kept."""
    return Data(data=Reach.of(*preview(app.caller.tenant, body.draft())))


handler = app.resolve
