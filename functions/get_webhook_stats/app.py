"""GET /integrations/webhooks/{webhookId}/stats: how a webhook does."""

from jobsprint.api.app import Endpoint
from jobsprint.api.schemas.common import Data, WebhookId, success
from jobsprint.api.schemas.webhooks import WebhookStats
from jobsprint.webhooks import stats

app = Endpoint(scope="webhooks:read", portal="view")


@app.get("/integrations/webhooks/<webhookId>/stats", summary="Webhook stats", tags=["Webhooks"])
def get_webhook_stats(webhookId: WebhookId) -> Data[WebhookStats]:
    """Attempts over the last 24 hours and 7 days, in whole hours (UTC) with the one under way, and what waits.
    Durations are within 9.1 % of the exact quantile."""
    return success(WebhookStats.of(webhookId, stats.of(app.caller.tenant, webhookId)))


handler = app.resolve
