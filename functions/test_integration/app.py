"""POST /integrations/{integrationId}/test: test a connection now."""

from jobsprint.api.app import Endpoint
from jobsprint.api.idempotency import once
from jobsprint.api.schemas.common import Data, IntegrationId, success
from jobsprint.api.schemas.integrations import TestView
from jobsprint.integrations import health_checks

app = Endpoint(
    scope="integrations:write",
    webhook_scope="webhooks:write",
    portal="connect",
    webhook_portal="send",
    once=once,
    audited="integration.test",
)


@app.post("/integrations/<integrationId>/test", summary="Test integration", tags=["Integrations"])
def test_integration(integrationId: IntegrationId) -> Data[TestView]:
    """A real call without side effects. A failed test is a 200 with `passed: false`, reason and next step."""
    result, at = health_checks.test(app.caller.tenant, integrationId)
    return success(TestView.of(integrationId, result, at))


handler = app.resolve
