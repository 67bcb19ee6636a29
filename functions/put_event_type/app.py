"""PUT /event-types: make an event type, or replace the one of that name."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from jobsprint.api.app import Endpoint
from jobsprint.api.schemas.common import Data, shown, success
from jobsprint.api.schemas.events import EventTypePut, EventTypeView
from jobsprint.core.clock import now_ms
from jobsprint.repositories.event_types import EventTypeStore

app = Endpoint(scope="webhooks:write", portal="webhooks")


@app.put("/event-types", summary="Put event type", tags=["Events"], responses={200: shown(), 201: shown()})
def put_event_type(body: Annotated[EventTypePut, Body()]) -> tuple[Data[EventTypeView], int]:
    """201 for a new one, else 200. Publishing heeds it within a minute."""
    kept, is_new = EventTypeStore(app.caller.tenant).put(body.event_type(now_ms()))
    return success(EventTypeView.of(kept)), 201 if is_new else 200


handler = app.resolve
