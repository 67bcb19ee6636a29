"""POST /integrations/{integrationId}/disconnect: end a connection, keep its history."""

from jobsprint.api.app import Endpoint
from jobsprint.api.idempotency import once
from jobsprint.api.schemas.common import Data, IntegrationId, success
from jobsprint.api.schemas.integrations import DisconnectView
from jobsprint.integrations import service

app = Endpoint(
    scope="integrations:write",
    webhook_scope="webhooks:write",
    portal="connect",
    webhook_portal="webhooks",
    once=once,
    audited="integration.disconnect",
)


@app.post("/integrations/<integrationId>/disconnect", summary="Disconnect integration", tags=["Integrations"])
def disconnect_integration(integrationId: IntegrationId) -> Data[DisconnectView]:
    """Wipes the credentials; a second call gives the same answer. A webhook is paused."""
    return success(DisconnectView.of(service.disconnect(app.caller.tenant, integrationId)))


handler = app.resolve
