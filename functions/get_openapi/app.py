"""GET /openapi.json: this API as OpenAPI 3.1."""

from aws_lambda_powertools.event_handler import Response

from jobsprint.api.app import Endpoint
from jobsprint.api.docs import openapi_response

app = Endpoint(scope=None)


@app.get("/openapi.json", include_in_schema=False)
def get_openapi() -> Response[str]:
    """Answers without a token."""
    return openapi_response()


handler = app.resolve
