"""POST /events: publish one event, or a batch of up to 25."""

from typing import Annotated

from jobsprint.api import event_publishing
from jobsprint.api.endpoint import Endpoint
from jobsprint.api.event_publishing import PublishAnswer
from jobsprint.api.event_requests import PublishBatch, PublishEvent
from jobsprint.api.parameters import Body

app = Endpoint(scope="events:publish")


@app.post("/events", status_code=202, summary="Publish events", tags=["Events"])
def publish_events(body: Annotated[PublishEvent | PublishBatch, Body(checked=False)]) -> tuple[PublishAnswer, int]:
    """Answers when every delivery is queued. The same `id` and body give the same answer, another body a 409."""
    return event_publishing.answer(app.caller.tenant, body, app.current_event.request_context.request_id or "")


handler = app.resolve
