"""POST /integrations/webhooks: subscribe an address to events."""

from typing import Annotated

from jobsprint.api.endpoint import Endpoint
from jobsprint.api.envelope import Data, success
from jobsprint.api.parameters import Body
from jobsprint.api.webhook_requests import WebhookCreate
from jobsprint.api.webhook_views import WebhookView, webhook_view
from jobsprint.integrations import webhooks

app = Endpoint(scope="webhooks:write")


@app.post("/integrations/webhooks", status_code=201, summary="Create webhook", tags=["Webhooks"])
def create_webhook(body: Annotated[WebhookCreate, Body()]) -> Data[WebhookView]:
    """The answer shows the signing secret, this once; a missing one is made."""
    created = webhooks.create(app.caller.tenant, body.name, body.target(), body.policy())
    return success(webhook_view(created.webhook, secret=created.secret))


handler = app.resolve
