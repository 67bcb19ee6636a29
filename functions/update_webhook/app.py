"""PATCH /integrations/webhooks/{webhookId}: change, pause or resume a webhook."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from jobsprint.api.endpoint import Endpoint
from jobsprint.api.envelope import Data
from jobsprint.api.schemas import WebhookChange, WebhookId, WebhookView
from jobsprint.integrations import webhooks

app = Endpoint(scope="webhooks:write")


@app.patch("/integrations/webhooks/<webhookId>", summary="Change webhook", tags=["Webhooks"])
def update_webhook(
    webhookId: WebhookId,
    body: Annotated[WebhookChange, Body()],
) -> Data[WebhookView]:
    """Changes what is given; `active: false` pauses it."""
    target = body.model_dump(include={"url", "events", "headers"}, exclude_none=True)
    changed = webhooks.change(
        app.caller.tenant, webhookId, name=body.name, active=body.active, target=target, policy=body.policy()
    )
    return Data(data=WebhookView.of(changed))


handler = app.resolve
