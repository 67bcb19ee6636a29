"""GET /integrations/webhooks/{webhookId}/recover/{jobId}: how a recovery stands."""

from jobsprint.api.app import Endpoint
from jobsprint.api.schemas.common import Data, JobId, WebhookId, success
from jobsprint.api.schemas.replays import RecoveryView
from jobsprint.core.clock import now_ms
from jobsprint.delivery import replay

app = Endpoint(scope="webhooks:read", portal="view")


@app.get("/integrations/webhooks/<webhookId>/recover/<jobId>", summary="Get recovery", tags=["Webhooks"])
def get_recovery(webhookId: WebhookId, jobId: JobId) -> Data[RecoveryView]:
    """Its state, its counts and what it was asked for. Kept for 30 days."""
    return success(RecoveryView.of(replay.find(app.caller.tenant, webhookId, jobId, now_ms())))


handler = app.resolve
