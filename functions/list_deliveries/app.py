"""GET /integrations/webhooks/{webhookId}/deliveries: what was sent to a webhook, newest first."""

from dataclasses import asdict
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from jobsprint.api import pages
from jobsprint.api.endpoint import Endpoint
from jobsprint.api.envelope import Page, page
from jobsprint.api.event_schemas import CodeClassFilter, DeliveryView, EventFilter, FailureFilter, StateFilter
from jobsprint.api.pages import Cursor, Limit
from jobsprint.api.schemas import Moment, WebhookId
from jobsprint.domain.deliveries import Wanted
from jobsprint.domain.times import parse_iso, parse_until
from jobsprint.integrations import deliveries

app = Endpoint(scope="webhooks:read")


@app.get("/integrations/webhooks/<webhookId>/deliveries", summary="List deliveries", tags=["Webhooks"])
def list_deliveries(
    webhookId: WebhookId,
    state: StateFilter = None,
    event: EventFilter = None,
    codeClass: CodeClassFilter = None,
    failure: FailureFilter = None,
    fromDate: Annotated[Moment | None, Query(description="Published at or after this date (ISO 8601)")] = None,
    toDate: Annotated[Moment | None, Query(description="Published at or before this date (ISO 8601)")] = None,
    limit: Limit = pages.DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[DeliveryView]:
    """Each delivery with its state and every attempt."""
    wanted = Wanted(
        state=state,
        event=event,
        code_class=codeClass,
        failure=failure,
        from_ms=None if fromDate is None else parse_iso(fromDate),
        to_ms=None if toDate is None else parse_until(toDate),
    )
    query = {"of": "deliveries", "webhook": webhookId, **asdict(wanted)}
    tenant = app.caller.tenant
    position = pages.decode(tenant, query, cursor)
    rows, position = deliveries.page(tenant, webhookId, wanted, limit=limit, position=position)
    return page([DeliveryView.of(row) for row in rows], pages.encode(tenant, query, position))


handler = app.resolve
