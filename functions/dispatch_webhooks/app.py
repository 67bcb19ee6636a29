"""Delivers queued events to webhooks, signed, a batch at a time."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from jobsprint.delivery import dispatcher


def handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    """Work every message; only those that failed on our side are returned, never because an endpoint refused."""
    returned = dispatcher.dispatch(event["Records"])
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in returned]}
