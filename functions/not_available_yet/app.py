"""Operations of the contract that are still to come: each answers a typed 501."""

from jobsprint.api.caller import ANY_TOKEN
from jobsprint.api.endpoint import Endpoint
from jobsprint.domain.errors import NotAvailableYet

app = Endpoint(scope=ANY_TOKEN, keeps_answers=False)


@app.post("/integrations/webhooks/<webhookId>/deliveries/<deliveryId>/resend", include_in_schema=False)
@app.post("/integrations/webhooks/<webhookId>/recover", include_in_schema=False)
@app.get("/integrations/webhooks/<webhookId>/recover/<jobId>", include_in_schema=False)
@app.post("/integrations/webhooks/<webhookId>/recover/<jobId>/cancel", include_in_schema=False)
@app.get("/event-types", include_in_schema=False)
@app.put("/event-types", include_in_schema=False)
def not_available_yet() -> None:
    """Raises NotAvailableYet."""
    raise NotAvailableYet("This operation is not available yet")


handler = app.resolve
