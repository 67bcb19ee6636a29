"""GET /docs: a page to read and try this API."""

from typing import Any

from jobsprint.api.docs import page_answer


def handler(_event: object, _context: object) -> dict[str, Any]:
    """Answers without a token."""
    return page_answer()
