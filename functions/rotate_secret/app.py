"""POST /integrations/webhooks/{webhookId}/rotate-secret: a new signing secret."""

from typing import Annotated

from jobsprint.api.endpoint import Endpoint
from jobsprint.api.envelope import Data, success
from jobsprint.api.parameters import Body
from jobsprint.api.secret_requests import SecretRotation
from jobsprint.api.shared_parameters import WebhookId
from jobsprint.api.webhook_views import RotatedSecret, rotated_secret
from jobsprint.integrations import webhooks

app = Endpoint(scope="webhooks:write")


@app.post("/integrations/webhooks/<webhookId>/rotate-secret", summary="Rotate secret", tags=["Webhooks"])
def rotate_secret(webhookId: WebhookId, body: Annotated[SecretRotation | None, Body()] = None) -> Data[RotatedSecret]:
    """The answer shows the new secret, this once. `webhook-signature` carries one signature for each valid secret,
    newest first; the signature in the body and `X-Jobsprint-Signature` use the newest."""
    asked = body or SecretRotation()
    done = webhooks.rotate_secret(app.caller.tenant, webhookId, secret=asked.secret, overlap_seconds=asked.overlap())
    return success(rotated_secret(done))


handler = app.resolve
