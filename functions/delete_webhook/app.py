"""DELETE /integrations/webhooks/{webhookId}: delete a webhook."""

from jobsprint.api.endpoint import Endpoint
from jobsprint.api.envelope import Data, Deleted, deleted
from jobsprint.api.shared_parameters import WebhookId
from jobsprint.domain.times import now_ms
from jobsprint.store.integrations import IntegrationStore

app = Endpoint(scope="webhooks:write")


@app.delete("/integrations/webhooks/<webhookId>", summary="Delete webhook", tags=["Webhooks"])
def delete_webhook(webhookId: WebhookId) -> Data[Deleted]:
    """What is still on its way to it ends as `discarded`."""
    store = IntegrationStore(app.caller.tenant)
    store.delete(store.webhook(webhookId), now_ms())
    return deleted(webhookId)


handler = app.resolve
