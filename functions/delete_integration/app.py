"""DELETE /integrations/{integrationId}: delete what is disconnected."""

from jobsprint.api.endpoint import Endpoint
from jobsprint.api.envelope import Data
from jobsprint.api.schemas import Deleted, IntegrationId
from jobsprint.integrations import lifecycle

app = Endpoint(scope="integrations:write")


@app.delete("/integrations/<integrationId>", summary="Delete integration", tags=["Integrations"])
def delete_integration(integrationId: IntegrationId) -> Data[Deleted]:
    """Deletes an integration that is not connected; its logs stay until their time is up."""
    lifecycle.delete(app.caller.tenant, integrationId)
    return Data(data=Deleted(id=integrationId))


handler = app.resolve
