"""GET /integrations/webhooks/{webhookId}/deliveries: what was sent to a webhook, newest first."""

from dataclasses import asdict
from typing import Annotated

from jobsprint.api import pagination
from jobsprint.api.app import Endpoint
from jobsprint.api.pagination import Cursor, Limit
from jobsprint.api.parameters import Query
from jobsprint.api.schemas.common import Page, WebhookId, moment, page
from jobsprint.api.schemas.deliveries import DeliveryView, delivery_view
from jobsprint.core.clock import parse_iso, parse_until
from jobsprint.domain.deliveries import CodeClass, DeliveryFilter, DeliveryState
from jobsprint.webhooks import deliveries

app = Endpoint(scope="webhooks:read")


@app.get("/integrations/webhooks/<webhookId>/deliveries", summary="List deliveries", tags=["Webhooks"])
def list_deliveries(
    webhookId: WebhookId,
    state: Annotated[DeliveryState | None, Query("Filter by state")] = None,
    event: Annotated[str | None, Query("Filter by event name", max_length=200)] = None,
    codeClass: Annotated[
        CodeClass | None, Query("Filter by the status of an attempt's answer; `none`: an attempt without one")
    ] = None,
    failure: Annotated[
        str | None, Query("Filter by the failure of an attempt, such as dns or http_5xx", max_length=100)
    ] = None,
    fromDate: Annotated[str | None, Query("Published at or after this date (ISO 8601)", check=moment)] = None,
    toDate: Annotated[str | None, Query("Published at or before this date (ISO 8601)", check=moment)] = None,
    limit: Limit = pagination.DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[DeliveryView]:
    """Each delivery with its state and every attempt."""
    wanted = DeliveryFilter(
        state=state,
        event=event,
        code_class=codeClass,
        failure=failure,
        from_ms=None if fromDate is None else parse_iso(fromDate),
        to_ms=None if toDate is None else parse_until(toDate),
    )
    query = {"of": "deliveries", "webhook": webhookId, **asdict(wanted)}
    tenant = app.caller.tenant
    position = pagination.decode(tenant, query, cursor)
    rows, position = deliveries.page(tenant, webhookId, wanted, limit=limit, position=position)
    return page([delivery_view(row) for row in rows], pagination.encode(tenant, query, position))


handler = app.resolve
