"""POST /events: publish one event, or a batch of up to 25."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Body

from jobsprint.api.app import Endpoint
from jobsprint.api.schemas import events
from jobsprint.api.schemas.events import PublishAnswer, PublishBatch, PublishEvent
from jobsprint.core.models import DescribedAs

# A batch is validated event by event: one that is wrong must not stop the others.
PublishBody = Annotated[dict[str, Any], DescribedAs(PublishEvent | PublishBatch), Body()]

app = Endpoint(scope="events:publish")


@app.post("/events", status_code=202, summary="Publish events", tags=["Events"])
def publish_events(body: PublishBody) -> tuple[PublishAnswer, int]:
    """Answers when every delivery is queued. The same `id` and body give the same answer, another body a 409."""
    return events.answer(app.caller.tenant, body, app.current_event.request_context.request_id or "")


handler = app.resolve
