"""GET /integrations/webhooks/{webhookId}: one webhook."""

from jobsprint.api.endpoint import Endpoint
from jobsprint.api.envelope import Data, success
from jobsprint.api.shared_parameters import WebhookId
from jobsprint.api.webhook_views import WebhookView, webhook_view
from jobsprint.store.integrations import IntegrationStore

app = Endpoint(scope="webhooks:read")


@app.get("/integrations/webhooks/<webhookId>", summary="Get webhook", tags=["Webhooks"])
def get_webhook(webhookId: WebhookId) -> Data[WebhookView]:
    """A webhook without its secret."""
    return success(webhook_view(IntegrationStore(app.caller.tenant).webhook(webhookId)))


handler = app.resolve
