"""GET /integrations/{integrationId}: one integration or webhook, whole."""

from jobsprint.api.app import Endpoint
from jobsprint.api.schemas.common import Data, IntegrationId, success
from jobsprint.api.schemas.integrations import IntegrationDetail
from jobsprint.repositories.integrations import IntegrationStore

app = Endpoint(scope="integrations:read", webhook_scope="webhooks:read", portal="view")


@app.get("/integrations/<integrationId>", summary="Get integration", tags=["Integrations"])
def get_integration(integrationId: IntegrationId) -> Data[IntegrationDetail]:
    """Capabilities, configuration with secrets masked, usage and health."""
    store = IntegrationStore(app.caller.tenant)
    integration = store.get(integrationId)
    return success(IntegrationDetail.of(integration, store.activity([integrationId])[integrationId]))


handler = app.resolve
