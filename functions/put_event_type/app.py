"""PUT /event-types: make an event type, or replace the one of that name."""

from typing import Annotated

from jobsprint.api.endpoint import Endpoint
from jobsprint.api.envelope import Data, success
from jobsprint.api.event_type_requests import EventTypePut
from jobsprint.api.event_type_views import EventTypeView, event_type_view
from jobsprint.api.parameters import Body
from jobsprint.domain.times import now_ms
from jobsprint.store.event_types import EventTypeStore

app = Endpoint(scope="webhooks:write")


@app.put("/event-types", summary="Put event type", tags=["Events"])
def put_event_type(body: Annotated[EventTypePut, Body()]) -> tuple[Data[EventTypeView], int]:
    """201 for a new one, else 200. Publishing heeds it within a minute."""
    kept, is_new = EventTypeStore(app.caller.tenant).put(body.event_type(now_ms()))
    return success(event_type_view(kept)), 201 if is_new else 200


handler = app.resolve
