"""Delivers queued events to webhooks, signed, a batch at a time."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from jobsprint.delivery import dispatcher


def handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    """Works every message; only what failed on our side comes back, never what a receiver refused."""
    failed = dispatcher.dispatch(event["Records"])
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
