"""GET /tokens: the tenant's tokens, newest first."""

from jobsprint.api import pagination
from jobsprint.api.app import Endpoint
from jobsprint.api.pagination import Cursor, Limit
from jobsprint.api.schemas.common import Page, page
from jobsprint.api.schemas.tokens import TokenView
from jobsprint.core.clock import now_ms
from jobsprint.domain.callers import MANAGE_TOKENS
from jobsprint.repositories import api_tokens

app = Endpoint(scope=MANAGE_TOKENS, portal="agents")


@app.get("/tokens", summary="List tokens", tags=["Tokens"])
def list_tokens(limit: Limit = pagination.DEFAULT_LIMIT, cursor: Cursor = None) -> Page[TokenView]:
    """Those that operators made, and those that tokens made; without the tokens themselves. What has ended is listed
    for 30 days more. A session of the portal gets those that it made itself."""
    query = {"of": "tokens"}
    tenant = app.caller.tenant
    position = pagination.decode(tenant, query, cursor)
    found, position = api_tokens.page(tenant, limit=limit, position=position, parent=app.caller.session_id)
    now = now_ms()
    return page([TokenView.of(row, now) for row in found], pagination.encode(tenant, query, position))


handler = app.resolve
