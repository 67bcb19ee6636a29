"""DELETE /portal/sessions: end every session of the portal that was made under a name."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from jobsprint.api.app import Endpoint
from jobsprint.api.schemas.common import Data, success
from jobsprint.api.schemas.portal import MAX_SESSION_ID, PortalSessionsEnded
from jobsprint.core.clock import now_ms
from jobsprint.domain.callers import PORTAL_SESSIONS
from jobsprint.security import portal_sessions

app = Endpoint(scope=PORTAL_SESSIONS, audited="portal.session.end_all")


@app.delete("/portal/sessions", summary="End portal sessions", tags=["Portal"])
def end_portal_sessions(
    sessionId: Annotated[
        str, Query(min_length=1, max_length=MAX_SESSION_ID, description="The `sessionId` that they were made with")
    ],
) -> Data[PortalSessionsEnded]:
    """All that the tenant made with this `sessionId` until now, also where there are none; they are refused within 60
    seconds."""
    portal_sessions.end_all(app.caller, sessionId, now_ms())
    return success(PortalSessionsEnded(session_id=sessionId))


handler = app.resolve
