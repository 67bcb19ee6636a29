"""GET /docs: a page to read and try this API."""

from aws_lambda_powertools.event_handler import Response

from jobsprint.api.app import Endpoint
from jobsprint.api.docs import page_response

app = Endpoint(scope=None)


@app.get("/docs", include_in_schema=False)
def get_docs() -> Response[str]:
    """Answers without a token."""
    return page_response()


handler = app.resolve
