"""POST /integrations/{integrationId}/disconnect: end a connection, keep its history."""

from jobsprint.api.endpoint import Endpoint
from jobsprint.api.envelope import Data, success
from jobsprint.api.integration_views import DisconnectView, disconnect_view
from jobsprint.api.shared_parameters import IntegrationId
from jobsprint.integrations import lifecycle

app = Endpoint(scope="integrations:write")


@app.post("/integrations/<integrationId>/disconnect", summary="Disconnect integration", tags=["Integrations"])
def disconnect_integration(integrationId: IntegrationId) -> Data[DisconnectView]:
    """Wipes the credentials; a second call gives the same answer. A webhook is paused."""
    return success(disconnect_view(lifecycle.disconnect(app.caller.tenant, integrationId)))


handler = app.resolve
