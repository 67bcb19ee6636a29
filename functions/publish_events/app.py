"""POST /events: publish one event, or a batch of up to 25."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Body

from jobsprint.api import event_publishing
from jobsprint.api.app import Endpoint
from jobsprint.api.event_publishing import PublishAnswer
from jobsprint.api.idempotency import once
from jobsprint.api.schemas.common import Error, shown
from jobsprint.api.schemas.events import (
    BatchAnswer,
    BatchRefusal,
    EventAnswer,
    PublishBatch,
    PublishEvent,
)
from jobsprint.core.models import DescribedAs

# A batch is validated event by event: one that is wrong must not stop the others.
PublishBody = Annotated[dict[str, Any], DescribedAs(lambda: PublishEvent | PublishBatch), Body()]

app = Endpoint(scope="events:publish", portal="send", once=once)


@app.post(
    "/events",
    summary="Publish events",
    tags=["Events"],
    responses={
        202: shown(EventAnswer | BatchAnswer),
        422: shown(BatchRefusal | Error, "Fields are wrong; `details` lists every one"),
    },
)
def publish_events(body: PublishBody) -> tuple[PublishAnswer, int]:
    """Answers when every delivery is queued. The same `id` and body give the same answer, another body a 409."""
    return event_publishing.answer(app.caller.tenant, body, app.current_event.request_context.request_id or "")


handler = app.resolve
