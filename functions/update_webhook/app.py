"""PATCH /integrations/webhooks/{webhookId}: change, pause or resume a webhook."""

from typing import Annotated

from jobsprint.api.endpoint import Endpoint
from jobsprint.api.envelope import Data, success
from jobsprint.api.parameters import Body
from jobsprint.api.shared_parameters import WebhookId
from jobsprint.api.webhook_change_requests import WebhookChange
from jobsprint.api.webhook_views import WebhookView, webhook_view
from jobsprint.integrations import webhooks

app = Endpoint(scope="webhooks:write")


@app.patch("/integrations/webhooks/<webhookId>", summary="Change webhook", tags=["Webhooks"])
def update_webhook(
    webhookId: WebhookId,
    body: Annotated[WebhookChange, Body()],
) -> Data[WebhookView]:
    """Changes what is given; `active: false` pauses it."""
    changed = webhooks.change(
        app.caller.tenant, webhookId, name=body.name, active=body.active, target=body.target(), policy=body.policy()
    )
    return success(webhook_view(changed))


handler = app.resolve
