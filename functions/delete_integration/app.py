"""DELETE /integrations/{integrationId}: delete what is disconnected."""

from jobsprint.api.app import Endpoint
from jobsprint.api.schemas.common import Data, Deleted, IntegrationId, deleted
from jobsprint.integrations import service

app = Endpoint(
    scope="integrations:write",
    webhook_scope="webhooks:write",
    portal="connect",
    webhook_portal="webhooks",
    audited="integration.delete",
)


@app.delete("/integrations/<integrationId>", summary="Delete integration", tags=["Integrations"])
def delete_integration(integrationId: IntegrationId) -> Data[Deleted]:
    """Deletes an integration that is not connected; its logs stay until their time is up."""
    service.delete(app.caller.tenant, integrationId)
    return deleted(integrationId)


handler = app.resolve
