"""POST /integrations/{integrationId}/connect: connect, reconnect or resume."""

from jobsprint.api.app import Endpoint
from jobsprint.api.connect_body import ConnectBody
from jobsprint.api.schemas.common import Data, IntegrationId, success
from jobsprint.api.schemas.integrations import ConnectView
from jobsprint.integrations import service

app = Endpoint(scope="integrations:write")


@app.post(
    "/integrations/<integrationId>/connect", status_code=201, summary="Connect integration", tags=["Integrations"]
)
def connect_integration(
    integrationId: IntegrationId,
    body: ConnectBody,
) -> tuple[Data[ConnectView], int]:
    """Connects an application of the catalogue (201), or an integration that is not connected again (200)."""
    connected = service.connect(app.caller.tenant, integrationId, body, api_url=app.api_url)
    view = ConnectView.of(connected.integration, connected.message, connected.auth_url)
    return success(view), 201 if connected.created else 200


handler = app.resolve
