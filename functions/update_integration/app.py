"""PATCH /integrations/{integrationId}: change an integration."""

from typing import Annotated, cast

from jobsprint.api.endpoint import Endpoint
from jobsprint.api.envelope import Data, success
from jobsprint.api.integration_requests import IntegrationChange
from jobsprint.api.integration_views import IntegrationDetail, integration_detail
from jobsprint.api.parameters import Body
from jobsprint.api.shared_parameters import IntegrationId
from jobsprint.integrations import lifecycle
from jobsprint.store.integrations import IntegrationStore

app = Endpoint(scope="integrations:write")


@app.patch("/integrations/<integrationId>", summary="Change integration", tags=["Integrations"])
def update_integration(
    integrationId: IntegrationId,
    body: Annotated[
        IntegrationChange,
        # `lifecycle` checks it together with the fields of its connector.
        Body("What to change; also the fields that its type connects with", checked=False),
    ],
) -> Data[IntegrationDetail]:
    """Changes name, description, configuration, and what its connector was given: url, headers, secret, actions."""
    tenant = app.caller.tenant
    integration = lifecycle.change(tenant, integrationId, cast(dict[str, object], body))
    activity = IntegrationStore(tenant).activity([integrationId])
    return success(integration_detail(integration, activity[integrationId]))


handler = app.resolve
