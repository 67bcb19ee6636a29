"""GET /integrations/webhooks/{webhookId}/deliveries/{deliveryId}: one delivery, whole."""

from jobsprint.api.app import Endpoint
from jobsprint.api.schemas.common import Data, DeliveryId, WebhookId, success
from jobsprint.api.schemas.deliveries import DeliveryDetail
from jobsprint.webhooks import deliveries

app = Endpoint(scope="webhooks:read", portal="view")


@app.get("/integrations/webhooks/<webhookId>/deliveries/<deliveryId>", summary="Get delivery", tags=["Webhooks"])
def get_delivery(webhookId: WebhookId, deliveryId: DeliveryId) -> Data[DeliveryDetail]:
    """What was sent at each attempt, what came back, how long each phase took, and what a failure means."""
    row, data = deliveries.find(app.caller.tenant, webhookId, deliveryId)
    return success(DeliveryDetail.of(row, data))


handler = app.resolve
