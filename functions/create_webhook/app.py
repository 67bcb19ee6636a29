"""POST /integrations/webhooks: subscribe an address to events."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from jobsprint.api.endpoint import Endpoint
from jobsprint.api.envelope import Data
from jobsprint.api.schemas import WebhookCreate, WebhookView
from jobsprint.integrations import webhooks

app = Endpoint(scope="webhooks:write")


@app.post("/integrations/webhooks", status_code=201, summary="Create webhook", tags=["Webhooks"])
def create_webhook(body: Annotated[WebhookCreate, Body()]) -> Data[WebhookView]:
    """The answer shows the signing secret, this once; a missing one is made."""
    target = body.model_dump(include={"url", "events", "headers", "secret"}, exclude_none=True)
    created = webhooks.create(app.caller.tenant, body.name, target, body.policy())
    return Data(data=WebhookView.of(created.webhook, secret=created.secret))


handler = app.resolve
