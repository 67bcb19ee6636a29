"""GET /integrations/webhooks/{webhookId}/poll: take messages from a polling endpoint."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from jobsprint.api.app import Endpoint
from jobsprint.api.schemas.common import Data, WebhookId, success
from jobsprint.api.schemas.polling import PolledMessages
from jobsprint.delivery import polling
from jobsprint.delivery.polling import PollRequest

# A GET that changes something: what it takes is not there for other clients.
app = Endpoint(scope="webhooks:write", reads=False)


@app.get("/integrations/webhooks/<webhookId>/poll", summary="Poll for messages", tags=["Webhooks"])
def poll_messages(
    webhookId: WebhookId,
    wait: Annotated[
        int, Query(ge=0, le=polling.MAX_WAIT_SECONDS, description="Seconds to wait for a message if there is none")
    ] = 0,
    lease: Annotated[
        int,
        Query(
            ge=polling.MIN_LEASE_SECONDS,
            le=polling.MAX_LEASE_SECONDS,
            description="Seconds in which to acknowledge the messages; after that they are handed out again",
        ),
    ] = 60,
    limit: Annotated[
        int, Query(ge=1, le=polling.MAX_MESSAGES, description="The most messages to take")
    ] = polling.MAX_MESSAGES,
) -> Data[PolledMessages]:
    """Hands out the oldest messages under a lease: at most 100 or 4 MB, and at least one if any waits. Acknowledge
    each; what is not acknowledged is handed out again after its lease."""
    asked = PollRequest(wait, lease, limit)
    return success(PolledMessages.of(polling.poll(app.caller.tenant, webhookId, asked)))


handler = app.resolve
