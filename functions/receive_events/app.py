"""Publishes the events that come over the EventBridge bus, out of its queue."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from jobsprint.delivery import eventbridge


def handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    """Works every message; only what failed on our side comes back."""
    failed = eventbridge.receive(event["Records"])
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
