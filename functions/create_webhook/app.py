"""POST /integrations/webhooks: subscribe an address to events."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from jobsprint.api.app import Endpoint
from jobsprint.api.idempotency import once
from jobsprint.api.schemas.common import Data, success
from jobsprint.api.schemas.webhooks import WebhookCreate, WebhookView, target_flaws
from jobsprint.webhooks import service

app = Endpoint(scope="webhooks:write", once=once, also_check=target_flaws)


@app.post("/integrations/webhooks", status_code=201, summary="Create webhook", tags=["Webhooks"])
def create_webhook(body: Annotated[WebhookCreate, Body()]) -> Data[WebhookView]:
    """The answer shows the signing secret, this once; a missing one is made."""
    created = service.create(app.caller.tenant, body.name, body.target(), body.policy())
    return success(WebhookView.of(created.webhook, secret=created.secret))


handler = app.resolve
