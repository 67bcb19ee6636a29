"""DELETE /portal/sessions/{sessionId}: end a session of the portal."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Path

from jobsprint.api.app import Endpoint
from jobsprint.api.schemas.common import Data, Deleted, deleted
from jobsprint.core.clock import now_ms
from jobsprint.domain.callers import PORTAL_SESSIONS
from jobsprint.domain.portal import ANY_SESSION
from jobsprint.security import portal_sessions

app = Endpoint(scope=PORTAL_SESSIONS, portal=ANY_SESSION, audited="portal.session.end")


@app.delete("/portal/sessions/<sessionId>", summary="End portal session", tags=["Portal"])
def end_portal_session(
    sessionId: Annotated[str, Path(description="Session ID: `ses_…`")],
) -> Data[Deleted]:
    """With a token that makes sessions, any of the tenant; a session ends itself. It and the tokens that it made are
    refused within 60 seconds; a second time is the same."""
    portal_sessions.end(app.caller, sessionId, now_ms())
    return deleted(sessionId)


handler = app.resolve
