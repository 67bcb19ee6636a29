"""DELETE /integrations/{integrationId}: delete what is disconnected."""

from jobsprint.api.endpoint import Endpoint
from jobsprint.api.envelope import Data, Deleted, deleted
from jobsprint.api.shared_parameters import IntegrationId
from jobsprint.integrations import lifecycle

app = Endpoint(scope="integrations:write")


@app.delete("/integrations/<integrationId>", summary="Delete integration", tags=["Integrations"])
def delete_integration(integrationId: IntegrationId) -> Data[Deleted]:
    """Deletes an integration that is not connected; its logs stay until their time is up."""
    lifecycle.delete(app.caller.tenant, integrationId)
    return deleted(integrationId)


handler = app.resolve
