"""POST /integrations/webhooks/{webhookId}/recover/{jobId}/cancel: stop a recovery."""

from jobsprint.api.endpoint import Endpoint
from jobsprint.api.envelope import Data, success
from jobsprint.api.recovery_views import RecoveryView, recovery_view
from jobsprint.api.shared_parameters import JobId, WebhookId
from jobsprint.delivery import recover
from jobsprint.domain.times import now_ms

app = Endpoint(scope="webhooks:write")


@app.post("/integrations/webhooks/<webhookId>/recover/<jobId>/cancel", summary="Cancel recovery", tags=["Webhooks"])
def cancel_recovery(webhookId: WebhookId, jobId: JobId) -> Data[RecoveryView]:
    """Ends it; what was handed over by then, at most ten seconds' worth, is still sent."""
    return success(recovery_view(recover.cancel(app.caller.tenant, webhookId, jobId, now_ms())))


handler = app.resolve
