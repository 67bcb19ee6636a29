"""POST /portal/sessions: make a session of the portal for a person."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from jobsprint.api.app import Endpoint
from jobsprint.api.schemas.common import Data, success
from jobsprint.api.schemas.portal import PortalSessionCreate, PortalSessionLink
from jobsprint.core.clock import now_ms
from jobsprint.domain.callers import PORTAL_SESSIONS
from jobsprint.security import portal_sessions

# Its answer is not kept for a repeat: of a code nothing is kept but its hash.
app = Endpoint(scope=PORTAL_SESSIONS, audited="portal.session.create")


@app.post("/portal/sessions", status_code=201, summary="Create portal session", tags=["Portal"])
def create_portal_session(body: Annotated[PortalSessionCreate, Body()]) -> Data[PortalSessionLink]:
    """For your server, never for a browser. `url` works once, and for two minutes: send the person there, or load it
    in a frame. The session is no wider than the token that makes it, and ends with it."""
    row, code = portal_sessions.create(app.caller, body.wanted(), now=now_ms())
    return success(PortalSessionLink.of(row, app.api_url, code))


handler = app.resolve
