"""Works the steps of recoveries out of their queue."""

import json
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from jobsprint.core.observability import logger
from jobsprint.delivery import replay


def handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    """Works every message; one that fails on our side comes back alone, and then stays as a dead letter."""
    failed = [record["messageId"] for record in event["Records"] if not _worked(record)]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _worked(record: dict[str, Any]) -> bool:
    received = int(record["attributes"]["ApproximateReceiveCount"])
    try:
        replay.work(json.loads(record["body"]), received)
    except Exception:  # noqa: BLE001 - our own fault: the queue brings it back
        logger.exception("recovery_failed", extra={"messageId": record["messageId"]})
        return False
    return True
