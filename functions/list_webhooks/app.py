"""GET /integrations/webhooks: the tenant's webhooks, newest first."""

from jobsprint.api import pages
from jobsprint.api.endpoint import Endpoint
from jobsprint.api.envelope import Page, page
from jobsprint.api.pages import Cursor, Limit
from jobsprint.api.webhook_views import WebhookView, webhook_view
from jobsprint.store.integrations import IntegrationStore

app = Endpoint(scope="webhooks:read")


@app.get("/integrations/webhooks", summary="List webhooks", tags=["Webhooks"])
def list_webhooks(limit: Limit = pages.DEFAULT_LIMIT, cursor: Cursor = None) -> Page[WebhookView]:
    """Webhooks without their secrets."""
    query = {"of": "webhooks"}
    tenant = app.caller.tenant
    position = pages.decode(tenant, query, cursor)
    found, position = IntegrationStore(tenant).page(limit=limit, position=position, type_="webhook")
    return page([webhook_view(webhook) for webhook in found], pages.encode(tenant, query, position))


handler = app.resolve
