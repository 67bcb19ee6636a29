"""PATCH /integrations/{integrationId}: change an integration."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from jobsprint.api.endpoint import Endpoint
from jobsprint.api.schemas import Data, IntegrationChange, IntegrationDetail, IntegrationId
from jobsprint.integrations import lifecycle
from jobsprint.store.integrations import IntegrationStore

app = Endpoint(scope="integrations:write")


@app.patch("/integrations/<integrationId>", summary="Change integration", tags=["Integrations"])
def update_integration(
    integrationId: IntegrationId,
    body: Annotated[IntegrationChange, Body(description="What to change; also the fields that its type connects with")],
) -> Data[IntegrationDetail]:
    """Changes name, description, configuration, and what its connector was given: url, headers, secret, actions."""
    tenant = app.caller.tenant
    integration = lifecycle.change(tenant, integrationId, body.model_dump(exclude_unset=True))
    activity = IntegrationStore(tenant).activity([integrationId])
    return Data(data=IntegrationDetail.of(integration, activity[integrationId]))


handler = app.resolve
