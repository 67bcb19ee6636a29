"""POST /integrations/webhooks/{webhookId}/recover: send again what failed, and what was never sent."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from jobsprint.api.app import Endpoint
from jobsprint.api.idempotency import once
from jobsprint.api.schemas.common import Data, WebhookId, success
from jobsprint.api.schemas.replays import RecoverRequest, RecoveryView
from jobsprint.core.clock import now_ms
from jobsprint.delivery import replay

app = Endpoint(scope="webhooks:write", portal="send", once=once, audited="webhook.recover")


@app.post("/integrations/webhooks/<webhookId>/recover", status_code=202, summary="Recover webhook", tags=["Webhooks"])
def recover_webhook(webhookId: WebhookId, body: Annotated[RecoverRequest, Body()]) -> Data[RecoveryView]:
    """Starts a job without upper limit. A dry run is counted at once; where that takes long it goes on as `running`."""
    return success(RecoveryView.of(replay.start(app.caller.tenant, webhookId, body.wanted(now_ms()))))


handler = app.resolve
