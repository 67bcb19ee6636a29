"""POST /integrations/webhooks/{webhookId}/rotate-secret: a new signing secret."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from jobsprint.api.app import Endpoint
from jobsprint.api.idempotency import once
from jobsprint.api.schemas.common import Data, WebhookId, success
from jobsprint.api.schemas.webhooks import RotatedSecret, SecretRotation
from jobsprint.webhooks import service

app = Endpoint(scope="webhooks:write", portal="secrets", once=once, audited="webhook.rotate_secret")


@app.post("/integrations/webhooks/<webhookId>/rotate-secret", summary="Rotate secret", tags=["Webhooks"])
def rotate_secret(webhookId: WebhookId, body: Annotated[SecretRotation | None, Body()] = None) -> Data[RotatedSecret]:
    """The answer shows the new secret, this once. `webhook-signature` carries one signature for each valid secret,
    newest first; the signature in the body and `X-Jobsprint-Signature` use the newest."""
    asked = body or SecretRotation()
    done = service.rotate_secret(app.caller.tenant, webhookId, secret=asked.secret, overlap_seconds=asked.overlap())
    return success(RotatedSecret.of(done))


handler = app.resolve
