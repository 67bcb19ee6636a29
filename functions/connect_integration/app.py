"""POST /integrations/{integrationId}/connect: connect, reconnect or resume."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from jobsprint.api.endpoint import Endpoint
from jobsprint.api.envelope import Data
from jobsprint.api.schemas import ConnectBody, ConnectView, IntegrationId
from jobsprint.integrations import lifecycle

app = Endpoint(scope="integrations:write")


@app.post(
    "/integrations/<integrationId>/connect", status_code=201, summary="Connect integration", tags=["Integrations"]
)
def connect_integration(
    integrationId: IntegrationId,
    body: Annotated[ConnectBody, Body(description="Configuration varies by integration type")],
) -> tuple[Data[ConnectView], int]:
    """Connects an application of the catalogue (201), or an integration that is not connected again (200)."""
    connected = lifecycle.connect(app.caller.tenant, integrationId, body, api_url=app.api_url)
    view = ConnectView.of(connected.integration, connected.message, connected.auth_url)
    return Data(data=view), 201 if connected.created else 200


handler = app.resolve
