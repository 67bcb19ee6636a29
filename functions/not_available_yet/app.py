"""Operations of the contract that are still to come: each answers a typed 501."""

from jobsprint.api.caller import ANY_TOKEN
from jobsprint.api.endpoint import Endpoint
from jobsprint.domain.errors import NotAvailableYet

app = Endpoint(scope=ANY_TOKEN, keeps_answers=False)


@app.post("/integrations/webhooks/<webhookId>/rotate-secret", include_in_schema=False)
@app.post("/integrations/webhooks/<webhookId>/test", include_in_schema=False)
@app.get("/integrations/webhooks/<webhookId>/deliveries/<deliveryId>", include_in_schema=False)
def not_available_yet() -> None:
    """Raises NotAvailableYet."""
    raise NotAvailableYet("This operation is not available yet")


handler = app.resolve
