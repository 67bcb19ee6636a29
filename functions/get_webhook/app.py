"""GET /integrations/webhooks/{webhookId}: one webhook."""

from jobsprint.api.endpoint import Endpoint
from jobsprint.api.envelope import Data
from jobsprint.api.schemas import WebhookId, WebhookView
from jobsprint.integrations import webhooks

app = Endpoint(scope="webhooks:read")


@app.get("/integrations/webhooks/<webhookId>", summary="Get webhook", tags=["Webhooks"])
def get_webhook(webhookId: WebhookId) -> Data[WebhookView]:
    """A webhook without its secret."""
    return Data(data=WebhookView.of(webhooks.find(app.caller.tenant, webhookId)))


handler = app.resolve
