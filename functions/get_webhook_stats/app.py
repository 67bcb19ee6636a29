"""GET /integrations/webhooks/{webhookId}/stats: how a webhook does."""

from jobsprint.api.endpoint import Endpoint
from jobsprint.api.envelope import Data, success
from jobsprint.api.shared_parameters import WebhookId
from jobsprint.api.stats_views import WebhookStats, webhook_stats_view
from jobsprint.integrations import webhook_stats

app = Endpoint(scope="webhooks:read")


@app.get("/integrations/webhooks/<webhookId>/stats", summary="Webhook stats", tags=["Webhooks"])
def get_webhook_stats(webhookId: WebhookId) -> Data[WebhookStats]:
    """Attempts over the last 24 hours and 7 days, in whole hours (UTC) with the one under way, and what waits.
    Durations are within 9.1 % of the exact quantile."""
    return success(webhook_stats_view(webhookId, webhook_stats.of(app.caller.tenant, webhookId)))


handler = app.resolve
