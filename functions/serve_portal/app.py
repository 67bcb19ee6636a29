"""GET /portal: the pages on which people see and manage webhooks and integrations in a browser."""

from pathlib import Path

from aws_lambda_powertools.event_handler import Response

from jobsprint.api.app import Endpoint
from jobsprint.api.portal_site import portal_response

SITE = Path(__file__).with_name("site")

app = Endpoint(scope=None)


@app.get("/portal", include_in_schema=False)
def get_portal() -> Response[str]:
    """Answers without a token: the pages hold no data."""
    return portal_response(SITE, app.current_event)


@app.get("/portal/.+", include_in_schema=False)
def get_portal_page() -> Response[str]:
    """Answers without a token."""
    return portal_response(SITE, app.current_event)


handler = app.resolve
