"""PATCH /integrations/webhooks/{webhookId}: change, pause or resume a webhook."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from jobsprint.api.app import Endpoint
from jobsprint.api.schemas.common import Data, WebhookId, success
from jobsprint.api.schemas.webhooks import WebhookChange, WebhookView, target_flaws
from jobsprint.webhooks import service

app = Endpoint(scope="webhooks:write", also_check=target_flaws)


@app.patch("/integrations/webhooks/<webhookId>", summary="Change webhook", tags=["Webhooks"])
def update_webhook(
    webhookId: WebhookId,
    body: Annotated[WebhookChange, Body()],
) -> Data[WebhookView]:
    """Changes what is given; `active: false` pauses it."""
    changed = service.change(
        app.caller.tenant, webhookId, name=body.name, active=body.active, target=body.target(), policy=body.policy()
    )
    return success(WebhookView.of(changed))


handler = app.resolve
