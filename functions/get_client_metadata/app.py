"""GET /oauth/clients/{document}: who we are towards an authorization server."""

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path

from jobsprint.api.app import Endpoint
from jobsprint.domain.oauth import client_metadata

app = Endpoint(scope=None)


@app.get("/oauth/clients/<document>", include_in_schema=False)
def get_client_metadata(document: Annotated[str, Path()]) -> Response[dict[str, object]]:
    """The OAuth Client ID Metadata Document for one issuer; its own URL is our client id there."""
    return Response(
        status_code=200,
        content_type="application/json",
        body=client_metadata(app.api_url, document),
        headers={"Cache-Control": "public, max-age=3600"},
    )


handler = app.resolve
