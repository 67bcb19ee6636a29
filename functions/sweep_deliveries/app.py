"""Scheduled, every minute: puts the deliveries that are due soon into their queue."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from jobsprint.delivery.sweeper import sweep


def handler(_event: dict[str, Any], _: LambdaContext) -> dict[str, int]:
    """Sweeps every shard of the due index; what it did."""
    swept = sweep()
    return {"enqueued": swept.enqueued, "held": swept.held}
