"""GET /integrations/webhooks/{webhookId}/deliveries/{deliveryId}: one delivery, whole."""

from jobsprint.api.delivery_views import DeliveryDetail, delivery_detail
from jobsprint.api.endpoint import Endpoint
from jobsprint.api.envelope import Data, success
from jobsprint.api.shared_parameters import DeliveryId, WebhookId
from jobsprint.integrations import deliveries

app = Endpoint(scope="webhooks:read")


@app.get("/integrations/webhooks/<webhookId>/deliveries/<deliveryId>", summary="Get delivery", tags=["Webhooks"])
def get_delivery(webhookId: WebhookId, deliveryId: DeliveryId) -> Data[DeliveryDetail]:
    """What was sent at each attempt, what came back, how long each phase took, and what a failure means."""
    row, data = deliveries.find(app.caller.tenant, webhookId, deliveryId)
    return success(delivery_detail(row, data))


handler = app.resolve
