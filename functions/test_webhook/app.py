"""POST /integrations/webhooks/{webhookId}/test: send a sample event now."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from jobsprint.api.app import Endpoint
from jobsprint.api.idempotency import once
from jobsprint.api.schemas.common import Data, WebhookId, success
from jobsprint.api.schemas.integrations import TestView
from jobsprint.api.schemas.webhooks import SampleRequest
from jobsprint.webhooks import sample

app = Endpoint(scope="webhooks:write", portal="send", once=once, audited="webhook.test")


@app.post("/integrations/webhooks/<webhookId>/test", summary="Test webhook", tags=["Webhooks"])
def test_webhook(
    webhookId: WebhookId,
    body: Annotated[SampleRequest | None, Body()] = None,  # noqa: PT028 - an operation, no test
) -> Data[TestView]:
    """Sends one signed sample event, a `ping` unless `event` names another. It is no delivery: it is not retried, and
    changes neither the webhook's figures nor its state. A failed test is a 200 with `passed: false`."""
    result, at = sample.test(app.caller.tenant, webhookId, body.event if body else sample.PING)
    return success(TestView.of(webhookId, result, at))


handler = app.resolve
