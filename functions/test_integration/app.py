"""POST /integrations/{integrationId}/test: test a connection now."""

from jobsprint.api.endpoint import Endpoint
from jobsprint.api.envelope import Data, success
from jobsprint.api.shared_parameters import IntegrationId
from jobsprint.api.tested_views import TestView, test_view
from jobsprint.integrations import health

app = Endpoint(scope="integrations:write")


@app.post("/integrations/<integrationId>/test", summary="Test integration", tags=["Integrations"])
def test_integration(integrationId: IntegrationId) -> Data[TestView]:
    """A real call without side effects. A failed test is a 200 with `passed: false`, reason and next step."""
    result, at = health.test(app.caller.tenant, integrationId)
    return success(test_view(integrationId, result, at))


handler = app.resolve
