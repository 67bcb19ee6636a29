"""POST /integrations/webhooks/{webhookId}/ack: report how messages that a poll got were handled."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from jobsprint.api.app import Endpoint
from jobsprint.api.schemas.common import Data, WebhookId, success
from jobsprint.api.schemas.polling import Acknowledge, AcknowledgedMessages
from jobsprint.core.clock import now_ms
from jobsprint.delivery import polling

app = Endpoint(scope="webhooks:write")


@app.post("/integrations/webhooks/<webhookId>/ack", summary="Acknowledge messages", tags=["Webhooks"])
def acknowledge_messages(webhookId: WebhookId, body: Annotated[Acknowledge, Body()]) -> Data[AcknowledgedMessages]:
    """Records an attempt for each message. Each is judged alone, and a repeat changes nothing. After `error` a message
    is handed out again by the webhook's retry schedule."""
    outcomes = polling.acknowledge(app.caller.tenant, webhookId, body.acknowledgements(), now_ms())
    return success(AcknowledgedMessages.of(body, outcomes))


handler = app.resolve
