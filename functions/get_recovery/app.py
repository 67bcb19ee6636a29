"""GET /integrations/webhooks/{webhookId}/recover/{jobId}: how a recovery stands."""

from jobsprint.api.endpoint import Endpoint
from jobsprint.api.envelope import Data, success
from jobsprint.api.recovery_views import RecoveryView, recovery_view
from jobsprint.api.shared_parameters import JobId, WebhookId
from jobsprint.delivery import recover
from jobsprint.domain.times import now_ms

app = Endpoint(scope="webhooks:read")


@app.get("/integrations/webhooks/<webhookId>/recover/<jobId>", summary="Get recovery", tags=["Webhooks"])
def get_recovery(webhookId: WebhookId, jobId: JobId) -> Data[RecoveryView]:
    """Its state, its counts and what it was asked for. Kept for 30 days."""
    return success(recovery_view(recover.find(app.caller.tenant, webhookId, jobId, now_ms())))


handler = app.resolve
