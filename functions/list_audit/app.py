"""GET /audit: the audit trail of the tenant, newest first."""

from dataclasses import asdict
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from jobsprint.api import pagination
from jobsprint.api.app import Endpoint
from jobsprint.api.limits import audit_actor
from jobsprint.api.pagination import Cursor, Limit
from jobsprint.api.schemas.audit import AuditEntryView
from jobsprint.api.schemas.common import Moment, Page, page, period
from jobsprint.core.clock import now_ms
from jobsprint.domain.audit import AuditFilter, ResultFilter
from jobsprint.repositories.audit import AuditStore

app = Endpoint(scope="audit:read", portal="view")


@app.get("/audit", summary="Audit trail", tags=["Audit"])
def list_audit(
    kind: Annotated[str | None, Query(description="Filter by kind, such as `webhook.create`", max_length=100)] = None,
    actor: Annotated[str | None, Query(description="Filter by token id", max_length=100)] = None,
    subject: Annotated[str | None, Query(description="Filter by the id of what it was done to", max_length=200)] = None,
    outcome: Annotated[ResultFilter | None, Query(description="Filter by outcome; `none`: it is not known")] = None,
    fromDate: Annotated[Moment | None, Query(description="Filter after date (ISO 8601)")] = None,
    toDate: Annotated[Moment | None, Query(description="Filter before date (ISO 8601)")] = None,
    limit: Limit = pagination.DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[AuditEntryView]:
    """Newest first: which token changed what, with what outcome. An entry is written before its operation begins."""
    from_ms, to_ms = period(fromDate, toDate)
    shown = audit_actor(app.caller, actor)
    wanted = AuditFilter(kind=kind, actor=shown, subject=subject, result=outcome, from_ms=from_ms, to_ms=to_ms)
    query = {"of": "audit", **asdict(wanted)}
    tenant = app.caller.tenant
    position = pagination.decode(tenant, query, cursor)
    found, position = AuditStore(tenant).page(wanted, limit=limit, position=position, now=now_ms())
    return page([AuditEntryView.of(entry) for entry in found], pagination.encode(tenant, query, position))


handler = app.resolve
