"""GET /docs: a page to read and try this API."""

from typing import Any

from jobsprint.api.docs import page_answer


def handler(event: dict[str, Any], _: object) -> dict[str, Any]:
    """Answers without a token."""
    return page_answer(event)
