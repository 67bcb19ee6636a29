"""POST /integrations/webhooks/{webhookId}/recover/{jobId}/cancel: stop a recovery."""

from jobsprint.api.app import Endpoint
from jobsprint.api.idempotency import once
from jobsprint.api.schemas.common import Data, JobId, WebhookId, success
from jobsprint.api.schemas.replays import RecoveryView
from jobsprint.core.clock import now_ms
from jobsprint.delivery import replay

app = Endpoint(scope="webhooks:write", portal="send", once=once, audited="webhook.cancel_recovery")


@app.post("/integrations/webhooks/<webhookId>/recover/<jobId>/cancel", summary="Cancel recovery", tags=["Webhooks"])
def cancel_recovery(webhookId: WebhookId, jobId: JobId) -> Data[RecoveryView]:
    """Ends it; what was handed over by then, at most ten seconds' worth, is still sent."""
    return success(RecoveryView.of(replay.cancel(app.caller.tenant, webhookId, jobId, now_ms())))


handler = app.resolve
