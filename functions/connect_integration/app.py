"""POST /integrations/{integrationId}/connect: connect, reconnect or resume."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Body

from jobsprint.api.app import Endpoint
from jobsprint.api.schemas.common import Data, IntegrationId, success
from jobsprint.api.schemas.integrations import ConnectView
from jobsprint.connectors.registry import connect_models
from jobsprint.core.models import DescribedAs
from jobsprint.integrations import service

# The connector of the application in the path chooses the model; for an integration that exists it is the last one.
*NEW, EXISTING = connect_models()
NewConnection = Annotated[dict[str, Any], DescribedAs(*NEW)]

app = Endpoint(scope="integrations:write")


@app.post(
    "/integrations/<integrationId>/connect", status_code=201, summary="Connect integration", tags=["Integrations"]
)
def connect_integration(
    integrationId: IntegrationId,
    body: Annotated[
        dict[str, Any],
        DescribedAs(NewConnection | EXISTING),
        Body(description="Configuration varies by integration type"),
    ],
) -> tuple[Data[ConnectView], int]:
    """Connects an application of the catalogue (201), or an integration that is not connected again (200)."""
    connected = service.connect(app.caller.tenant, integrationId, body, api_url=app.api_url)
    view = ConnectView.of(connected.integration, connected.message, connected.auth_url)
    return success(view), 201 if connected.created else 200


handler = app.resolve
