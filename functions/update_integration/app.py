"""PATCH /integrations/{integrationId}: change an integration."""

from typing import Annotated, cast

from aws_lambda_powertools.event_handler.openapi.params import Body
from pydantic import SkipValidation

from jobsprint.api.endpoint import Endpoint
from jobsprint.api.envelope import Data
from jobsprint.api.schemas import IntegrationChange, IntegrationDetail, IntegrationId
from jobsprint.integrations import lifecycle
from jobsprint.store.integrations import IntegrationStore

app = Endpoint(scope="integrations:write")


@app.patch("/integrations/<integrationId>", summary="Change integration", tags=["Integrations"])
def update_integration(
    integrationId: IntegrationId,
    body: Annotated[
        SkipValidation[IntegrationChange],  # `lifecycle` checks it together with the fields of its connector
        Body(description="What to change; also the fields that its type connects with"),
    ],
) -> Data[IntegrationDetail]:
    """Changes name, description, configuration, and what its connector was given: url, headers, secret, actions."""
    tenant = app.caller.tenant
    integration = lifecycle.change(tenant, integrationId, cast(dict[str, object], body))
    activity = IntegrationStore(tenant).activity([integrationId])
    return Data(data=IntegrationDetail.of(integration, activity[integrationId]))


handler = app.resolve
