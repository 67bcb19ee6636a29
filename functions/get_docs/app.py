"""GET /docs and /guide: a page to read and try this API, and the guide to the service."""

from pathlib import Path

from aws_lambda_powertools.event_handler import Response

from jobsprint.api.app import Endpoint
from jobsprint.api.docs import page_response
from jobsprint.api.guide import guide_redirect, guide_response

GUIDE = Path(__file__).with_name("guide")

app = Endpoint(scope=None)


@app.get("/docs", include_in_schema=False)
def get_docs() -> Response[str]:
    """Answers without a token."""
    return page_response()


@app.get("/guide", include_in_schema=False)
def get_guide() -> Response[str]:
    """Answers without a token."""
    return guide_redirect(app.api_url)


@app.get("/guide/.+", include_in_schema=False)
def get_guide_page() -> Response[str]:
    """Answers without a token."""
    return guide_response(GUIDE, app.current_event.path_parameters["proxy"])


handler = app.resolve
