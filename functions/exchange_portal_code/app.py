"""POST /portal/sessions/exchange: a session's token for the code of its URL."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from jobsprint.api import request_limit
from jobsprint.api.app import Endpoint
from jobsprint.api.schemas.common import Data, success
from jobsprint.api.schemas.portal import ExchangedPortalSession, PortalCode
from jobsprint.core.clock import now_ms
from jobsprint.core.errors import Unauthenticated
from jobsprint.security import portal_sessions

app = Endpoint(scope=None)


@app.post("/portal/sessions/exchange", summary="Exchange portal code", tags=["Portal"])
def exchange_portal_code(body: Annotated[PortalCode, Body()]) -> Data[ExchangedPortalSession]:
    """The page of the portal calls it. The code is the credential, so it needs no token. It works once, and for two
    minutes."""
    app.answer_headers["Cache-Control"] = "no-store"
    try:
        session, token = portal_sessions.exchange(body.code, now=now_ms())
    except Unauthenticated:
        request_limit.take_from_address(app.current_event.raw_event)
        raise
    return success(ExchangedPortalSession.made(session, token))


handler = app.resolve
