"""PATCH /integrations/webhooks/{webhookId}: change, pause or resume a webhook."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from jobsprint.api.app import Endpoint
from jobsprint.api.schemas.common import Data, WebhookId, success
from jobsprint.api.schemas.webhooks import WebhookChange, WebhookView, target_flaws
from jobsprint.repositories.integrations import IntegrationStore
from jobsprint.webhooks import service

app = Endpoint(scope="webhooks:write", portal="webhooks", also_check=target_flaws, audited="webhook.update")


@app.patch("/integrations/webhooks/<webhookId>", summary="Change webhook", tags=["Webhooks"])
def update_webhook(
    webhookId: WebhookId,
    body: Annotated[WebhookChange, Body()],
) -> Data[WebhookView]:
    """Changes what is given; `active: false` pauses it."""
    tenant = app.caller.tenant
    changed = service.change(
        tenant, webhookId, name=body.name, active=body.active, target=body.target(), policy=body.policy()
    )
    polled = IntegrationStore(tenant).last_polled([changed])
    return success(WebhookView.of(changed, last_polled=polled.get(webhookId)))


handler = app.resolve
