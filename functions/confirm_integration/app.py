"""POST /integrations/{integrationId}/confirm: confirm that the browser that returned is the one that was sent."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from jobsprint.api.app import Endpoint
from jobsprint.api.idempotency import once
from jobsprint.api.schemas.common import Data, IntegrationId, success
from jobsprint.api.schemas.integrations import Confirmation, ConnectView
from jobsprint.integrations import oauth_confirmation

app = Endpoint(
    scope="integrations:write",
    webhook_scope="webhooks:write",
    portal="connect",
    webhook_portal="webhooks",
    once=once,
    audited="integration.confirm",
)


@app.post("/integrations/<integrationId>/confirm", summary="Confirm authorization", tags=["Integrations"])
def confirm_integration(integrationId: IntegrationId, body: Annotated[Confirmation, Body()]) -> Data[ConnectView]:
    """Connects an integration whose authorization was begun with `confirm`, within ten minutes of the callback."""
    confirmed, message = oauth_confirmation.confirm(app.caller.tenant, integrationId, body.confirmation)
    return success(ConnectView.of(confirmed, message, None))


handler = app.resolve
