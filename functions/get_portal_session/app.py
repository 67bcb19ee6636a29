"""GET /portal/session: what the session of this request may do and show."""

from jobsprint.api.app import Endpoint
from jobsprint.api.schemas.common import Data, success
from jobsprint.api.schemas.portal import PortalSessionView
from jobsprint.domain.callers import ANY_TOKEN
from jobsprint.domain.portal import ANY_SESSION
from jobsprint.security import portal_sessions

app = Endpoint(scope=ANY_TOKEN, portal=ANY_SESSION)


@app.get("/portal/session", summary="Get portal session", tags=["Portal"])
def get_portal_session() -> Data[PortalSessionView]:
    """For the page of the portal, when it was loaded again. Any other token is refused."""
    return success(PortalSessionView.of(portal_sessions.current(app.caller)))


handler = app.resolve
