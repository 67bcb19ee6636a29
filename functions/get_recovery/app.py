"""GET /integrations/webhooks/{webhookId}/recover/{jobId}: how a recovery stands."""

from jobsprint.api.endpoint import Endpoint
from jobsprint.api.envelope import Data
from jobsprint.api.recovery_schemas import JobId, RecoveryView
from jobsprint.api.schemas import WebhookId
from jobsprint.delivery import recover
from jobsprint.domain.times import now_ms

app = Endpoint(scope="webhooks:read")


@app.get("/integrations/webhooks/<webhookId>/recover/<jobId>", summary="Get recovery", tags=["Webhooks"])
def get_recovery(webhookId: WebhookId, jobId: JobId) -> Data[RecoveryView]:
    """Its state, its counts and what it was asked for. Kept for 30 days."""
    return Data(data=RecoveryView.of(recover.find(app.caller.tenant, webhookId, jobId, now_ms())))


handler = app.resolve
