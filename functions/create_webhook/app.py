"""POST /integrations/webhooks: subscribe an address, or a polling endpoint, to events."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Body

from jobsprint.api.app import Endpoint
from jobsprint.api.idempotency import once
from jobsprint.api.schemas.common import Data, success
from jobsprint.api.schemas.webhooks import PollingEndpointCreate, WebhookCreate, WebhookView, creation
from jobsprint.core.models import DescribedAs, OneOf
from jobsprint.webhooks import service

# Its `type`, which may be left out, chooses the model.
CreateBody = Annotated[
    dict[str, Any], DescribedAs(lambda: Annotated[WebhookCreate | PollingEndpointCreate, OneOf()]), Body()
]

app = Endpoint(scope="webhooks:write", portal="webhooks", once=once, audited="webhook.create")


@app.post("/integrations/webhooks", status_code=201, summary="Create webhook", tags=["Webhooks"])
def create_webhook(body: CreateBody) -> Data[WebhookView]:
    """The answer shows the signing secret, this once; a missing one is made."""
    asked = creation(body)
    created = service.create(app.caller.tenant, asked.name, asked.target(), asked.policy())
    return success(WebhookView.of(created.webhook, secret=created.secret))


handler = app.resolve
