"""GET /oauth/client-metadata.json: who we are towards authorization servers."""

from aws_lambda_powertools.event_handler import Response

from jobsprint.api.app import Endpoint
from jobsprint.domain.oauth import CALLBACK_PATH, CLIENT_METADATA_PATH, client_metadata

app = Endpoint(scope=None)


@app.get("/oauth/client-metadata.json", include_in_schema=False)
def get_client_metadata() -> Response[dict[str, object]]:
    """The OAuth Client ID Metadata Document; its own URL is our client id."""
    document = client_metadata(f"{app.api_url}{CLIENT_METADATA_PATH}", f"{app.api_url}{CALLBACK_PATH}")
    return Response(
        status_code=200,
        content_type="application/json",
        body=document,
        headers={"Cache-Control": "public, max-age=3600"},
    )


handler = app.resolve
