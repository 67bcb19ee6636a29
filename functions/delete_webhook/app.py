"""DELETE /integrations/webhooks/{webhookId}: delete a webhook."""

from jobsprint.api.app import Endpoint
from jobsprint.api.schemas.common import Data, Deleted, WebhookId, deleted
from jobsprint.core.clock import now_ms
from jobsprint.repositories.integrations import IntegrationStore

app = Endpoint(scope="webhooks:write", portal="webhooks", audited="webhook.delete")


@app.delete("/integrations/webhooks/<webhookId>", summary="Delete webhook", tags=["Webhooks"])
def delete_webhook(webhookId: WebhookId) -> Data[Deleted]:
    """What is still on its way to it ends as `discarded`."""
    store = IntegrationStore(app.caller.tenant)
    store.delete(store.webhook(webhookId), now_ms())
    return deleted(webhookId)


handler = app.resolve
