"""GET /integrations/oauth/callback/{issuerHash}: where an authorization server sends the browser back to."""

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from jobsprint.api.app import Endpoint
from jobsprint.integrations import oauth_flow

app = Endpoint(scope=None)


@app.get("/integrations/oauth/callback/<issuerHash>", include_in_schema=False)
def finish_oauth(
    issuerHash: Annotated[str, Path()],
    state: Annotated[str, Query()] = "",
    code: Annotated[str | None, Query()] = None,
    error: Annotated[str | None, Query()] = None,
    iss: Annotated[str | None, Query()] = None,
) -> Response[str]:
    """Ends the consent that `state` belongs to, and goes back to the application with what came of it."""
    location = oauth_flow.finish(state, at=issuerHash, code=code, error=error, iss=iss)
    headers = {"Location": location, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return Response(status_code=302, body="", headers=headers)


handler = app.resolve
