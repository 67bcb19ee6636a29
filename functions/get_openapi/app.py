"""GET /openapi.json: this API as OpenAPI 3.1."""

from typing import Any

from jobsprint.api.docs import openapi_answer


def handler(_event: object, _context: object) -> dict[str, Any]:
    """Answers without a token."""
    return openapi_answer()
