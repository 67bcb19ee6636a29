"""POST /integrations/{integrationId}/disconnect: end a connection, keep its history."""

from jobsprint.api.endpoint import Endpoint
from jobsprint.api.envelope import Data
from jobsprint.api.schemas import DisconnectView, IntegrationId
from jobsprint.integrations import lifecycle

app = Endpoint(scope="integrations:write")


@app.post("/integrations/<integrationId>/disconnect", summary="Disconnect integration", tags=["Integrations"])
def disconnect_integration(integrationId: IntegrationId) -> Data[DisconnectView]:
    """Wipes the credentials; a second call gives the same answer. A webhook is paused."""
    return Data(data=DisconnectView.of(lifecycle.disconnect(app.caller.tenant, integrationId)))


handler = app.resolve
