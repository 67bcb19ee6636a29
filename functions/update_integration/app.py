"""PATCH /integrations/{integrationId}: change an integration."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Body

from jobsprint.api.app import Endpoint
from jobsprint.api.schemas.common import Data, IntegrationId, success
from jobsprint.api.schemas.integrations import IntegrationDetail
from jobsprint.connectors.fields import Reconnect
from jobsprint.core.models import DescribedAs
from jobsprint.integrations import service
from jobsprint.repositories.integrations import IntegrationStore

app = Endpoint(
    scope="integrations:write",
    webhook_scope="webhooks:write",
    portal="connect",
    webhook_portal="webhooks",
    audited="integration.update",
)


@app.patch("/integrations/<integrationId>", summary="Change integration", tags=["Integrations"])
def update_integration(
    integrationId: IntegrationId,
    body: Annotated[
        dict[str, Any],
        DescribedAs(lambda: Reconnect),  # the service validates it, together with the fields of its connector
        Body(description="What to change; also the fields that its type connects with"),
    ],
) -> Data[IntegrationDetail]:
    """Changes name, description, configuration, and what its connector was given: url, headers, secret, actions."""
    tenant = app.caller.tenant
    integration = service.change(tenant, integrationId, body)
    activity = IntegrationStore(tenant).activity([integrationId])
    return success(IntegrationDetail.of(integration, activity[integrationId]))


handler = app.resolve
