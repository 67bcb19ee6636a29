"""POST /events: publish one event, or a batch of up to 25."""

from typing import Annotated

from jobsprint.api.app import Endpoint
from jobsprint.api.parameters import Body
from jobsprint.api.schemas import events
from jobsprint.api.schemas.events import PublishAnswer, PublishBatch, PublishEvent

app = Endpoint(scope="events:publish")


@app.post("/events", status_code=202, summary="Publish events", tags=["Events"])
def publish_events(body: Annotated[PublishEvent | PublishBatch, Body(checked=False)]) -> tuple[PublishAnswer, int]:
    """Answers when every delivery is queued. The same `id` and body give the same answer, another body a 409."""
    return events.answer(app.caller.tenant, body, app.current_event.request_context.request_id or "")


handler = app.resolve
