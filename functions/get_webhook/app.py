"""GET /integrations/webhooks/{webhookId}: one webhook."""

from jobsprint.api.app import Endpoint
from jobsprint.api.schemas.common import Data, WebhookId, success
from jobsprint.api.schemas.webhooks import WebhookView
from jobsprint.repositories.integrations import IntegrationStore

app = Endpoint(scope="webhooks:read", portal="view")


@app.get("/integrations/webhooks/<webhookId>", summary="Get webhook", tags=["Webhooks"])
def get_webhook(webhookId: WebhookId) -> Data[WebhookView]:
    """A webhook without its secret."""
    store = IntegrationStore(app.caller.tenant)
    webhook = store.webhook(webhookId)
    return success(WebhookView.of(webhook, last_polled=store.last_polled([webhook]).get(webhookId)))


handler = app.resolve
