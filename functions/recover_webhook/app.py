"""POST /integrations/webhooks/{webhookId}/recover: send again what failed, and what was never sent."""

from typing import Annotated

from jobsprint.api.endpoint import Endpoint
from jobsprint.api.envelope import Data, success
from jobsprint.api.parameters import Body
from jobsprint.api.recovery_requests import RecoverRequest
from jobsprint.api.recovery_views import RecoveryView, recovery_view
from jobsprint.api.shared_parameters import WebhookId
from jobsprint.delivery import recover
from jobsprint.domain.times import now_ms

app = Endpoint(scope="webhooks:write")


@app.post("/integrations/webhooks/<webhookId>/recover", status_code=202, summary="Recover webhook", tags=["Webhooks"])
def recover_webhook(webhookId: WebhookId, body: Annotated[RecoverRequest, Body()]) -> Data[RecoveryView]:
    """Starts a job without upper limit. A dry run is counted at once; where that takes long it goes on as `running`."""
    return success(recovery_view(recover.start(app.caller.tenant, webhookId, body.wanted(now_ms()))))


handler = app.resolve
