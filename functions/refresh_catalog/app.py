"""On a schedule, and behind `make catalog`: publish the catalogue that the configuration asks for."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from jobsprint.catalog import refresh
from jobsprint.connectors import signed_post


def handler(_event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    """Refresh the catalogue; gives the source of the list, its length, and whether a new one was published."""
    return refresh.refresh(signed_post.client)
