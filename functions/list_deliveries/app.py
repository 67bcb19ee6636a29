"""GET /integrations/webhooks/{webhookId}/deliveries: what was sent to a webhook, newest first."""

from jobsprint.api import pages
from jobsprint.api.endpoint import Endpoint
from jobsprint.api.envelope import Page, page
from jobsprint.api.event_schemas import DeliveryView, StateFilter
from jobsprint.api.pages import Cursor, Limit
from jobsprint.api.schemas import WebhookId
from jobsprint.domain.times import now_ms
from jobsprint.integrations import webhooks
from jobsprint.store.deliveries import DeliveryStore

app = Endpoint(scope="webhooks:read")


@app.get("/integrations/webhooks/<webhookId>/deliveries", summary="List deliveries", tags=["Webhooks"])
def list_deliveries(
    webhookId: WebhookId, state: StateFilter = None, limit: Limit = pages.DEFAULT_LIMIT, cursor: Cursor = None
) -> Page[DeliveryView]:
    """Each delivery with its state and every attempt."""
    tenant = app.caller.tenant
    webhooks.find(tenant, webhookId)
    query = {"of": "deliveries", "webhook": webhookId, "state": state}
    position = pages.decode(tenant, query, cursor)
    rows, position = DeliveryStore(tenant).page(webhookId, limit=limit, position=position, state=state, now=now_ms())
    return page([DeliveryView.of(row) for row in rows], pages.encode(tenant, query, position))


handler = app.resolve
