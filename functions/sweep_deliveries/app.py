"""Scheduled, every minute: enqueues the delivery attempts that are due soon."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from jobsprint.delivery.sweeper import sweep


def handler(_event: dict[str, Any], _: LambdaContext) -> dict[str, int]:
    """Sweep every shard of the due index and return what was done."""
    swept = sweep()
    return {"enqueued": swept.enqueued, "held": swept.held}
