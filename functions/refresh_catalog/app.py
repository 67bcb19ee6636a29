"""Scheduled, and behind `make catalog`: makes the published catalogue what the configuration asks for."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from jobsprint.catalog import refresh
from jobsprint.connectors import signed_post


def handler(_event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    """Where the list came from, how long it is, and whether it was published anew."""
    return refresh.refresh(signed_post.client)
