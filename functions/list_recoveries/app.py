"""GET /integrations/webhooks/{webhookId}/recover: the recoveries of a webhook."""

from jobsprint.api import pagination
from jobsprint.api.app import Endpoint
from jobsprint.api.pagination import Cursor, Limit
from jobsprint.api.schemas.common import Page, WebhookId, page
from jobsprint.api.schemas.replays import RecoveryView
from jobsprint.core.clock import now_ms
from jobsprint.delivery import replay

app = Endpoint(scope="webhooks:read", portal="view")


@app.get("/integrations/webhooks/<webhookId>/recover", summary="List recoveries", tags=["Webhooks"])
def list_recoveries(
    webhookId: WebhookId, limit: Limit = pagination.DEFAULT_LIMIT, cursor: Cursor = None
) -> Page[RecoveryView]:
    """Newest first. Kept for 30 days."""
    query = {"of": f"recoveries:{webhookId}"}
    tenant = app.caller.tenant
    position = pagination.decode(tenant, query, cursor)
    found, position = replay.page(tenant, webhookId, now_ms(), limit=limit, position=position)
    return page([RecoveryView.of(job) for job in found], pagination.encode(tenant, query, position))


handler = app.resolve
