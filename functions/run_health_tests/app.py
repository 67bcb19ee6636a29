"""Scheduled: starts the test of every connection, through the health queue."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from jobsprint.integrations import health_checks


def handler(_event: dict[str, Any], _: LambdaContext) -> dict[str, int]:
    """One message per shard of the index; `check_health` spreads the pages and tests."""
    return {"shards": health_checks.start_all()}
