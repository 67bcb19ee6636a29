"""POST /integrations/webhooks/{webhookId}/deliveries/{deliveryId}/resend: send one delivery again."""

from jobsprint.api.app import Endpoint
from jobsprint.api.idempotency import once
from jobsprint.api.schemas.common import Data, DeliveryId, WebhookId, success
from jobsprint.api.schemas.deliveries import DeliveryView
from jobsprint.core.clock import now_ms
from jobsprint.delivery import resend

app = Endpoint(scope="webhooks:write", portal="send", once=once, audited="webhook.resend")


@app.post(
    "/integrations/webhooks/<webhookId>/deliveries/<deliveryId>/resend",
    status_code=202,
    summary="Resend delivery",
    tags=["Webhooks"],
)
def resend_delivery(webhookId: WebhookId, deliveryId: DeliveryId) -> Data[DeliveryView]:
    """Retries the delivery immediately. An ended delivery restarts its retry schedule; a waiting one keeps it."""
    row = resend.resend(app.caller.tenant, webhookId, deliveryId, now_ms())
    return success(DeliveryView.of(row))


handler = app.resolve
