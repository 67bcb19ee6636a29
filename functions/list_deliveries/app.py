"""GET /integrations/webhooks/{webhookId}/deliveries: what was sent to a webhook, newest first."""

from dataclasses import asdict
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from jobsprint.api import pagination
from jobsprint.api.app import Endpoint
from jobsprint.api.pagination import Cursor, Limit
from jobsprint.api.schemas.common import Moment, Page, WebhookId, page, period
from jobsprint.api.schemas.deliveries import DeliveryView
from jobsprint.domain.deliveries import CodeClass, DeliveryFilter, DeliveryState
from jobsprint.webhooks import deliveries

app = Endpoint(scope="webhooks:read", portal="view")


@app.get("/integrations/webhooks/<webhookId>/deliveries", summary="List deliveries", tags=["Webhooks"])
def list_deliveries(
    webhookId: WebhookId,
    state: Annotated[DeliveryState | None, Query(description="Filter by state")] = None,
    event: Annotated[str | None, Query(description="Filter by event name", max_length=200)] = None,
    codeClass: Annotated[
        CodeClass | None,
        Query(description="Filter by the status of an attempt's answer; `none`: an attempt without one"),
    ] = None,
    failure: Annotated[
        str | None, Query(description="Filter by the failure of an attempt, such as dns or http_5xx", max_length=100)
    ] = None,
    fromDate: Annotated[Moment | None, Query(description="Published at or after this date (ISO 8601)")] = None,
    toDate: Annotated[Moment | None, Query(description="Published at or before this date (ISO 8601)")] = None,
    limit: Limit = pagination.DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[DeliveryView]:
    """Each delivery with its state and every attempt."""
    from_ms, to_ms = period(fromDate, toDate)
    wanted = DeliveryFilter(
        state=state,
        event=event,
        code_class=codeClass,
        failure=failure,
        from_ms=from_ms,
        to_ms=to_ms,
    )
    query = {"of": "deliveries", "webhook": webhookId, **asdict(wanted)}
    tenant = app.caller.tenant
    position = pagination.decode(tenant, query, cursor)
    rows, position = deliveries.page(tenant, webhookId, wanted, limit=limit, position=position)
    return page([DeliveryView.of(row) for row in rows], pagination.encode(tenant, query, position))


handler = app.resolve
