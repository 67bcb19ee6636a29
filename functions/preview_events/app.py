"""POST /events/preview: which webhooks an event would reach, and why not the others."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from jobsprint.api.app import Endpoint
from jobsprint.api.event_publishing import draft
from jobsprint.api.schemas.common import Data, success
from jobsprint.api.schemas.events import PreviewEvent, Reach
from jobsprint.delivery.publisher import preview

app = Endpoint(scope="webhooks:read", portal="view", reads=True)


@app.post("/events/preview", summary="Preview an event", tags=["Events"])
def preview_events(body: Annotated[PreviewEvent, Body()]) -> Data[Reach]:
    """Takes an event as publishing does; nothing is published or kept."""
    return success(Reach.of(*preview(app.caller.tenant, draft(body), app.caller.limits)))


handler = app.resolve
