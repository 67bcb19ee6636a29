"""GET /integrations/webhooks: the tenant's webhooks, newest first."""

from jobsprint.api import pagination
from jobsprint.api.app import Endpoint
from jobsprint.api.pagination import Cursor, Limit
from jobsprint.api.schemas.common import Page, page
from jobsprint.api.schemas.webhooks import WebhookView
from jobsprint.repositories.integrations import IntegrationStore

app = Endpoint(scope="webhooks:read", portal="view")


@app.get("/integrations/webhooks", summary="List webhooks", tags=["Webhooks"])
def list_webhooks(limit: Limit = pagination.DEFAULT_LIMIT, cursor: Cursor = None) -> Page[WebhookView]:
    """Webhooks without their secrets."""
    query = {"of": "webhooks"}
    tenant = app.caller.tenant
    position = pagination.decode(tenant, query, cursor)
    store = IntegrationStore(tenant)
    found, position = store.page(limit=limit, position=position, type_="webhook", limits=app.caller.limits)
    polled = store.last_polled(found)
    views = [WebhookView.of(webhook, last_polled=polled.get(webhook.id)) for webhook in found]
    return page(views, pagination.encode(tenant, query, position))


handler = app.resolve
