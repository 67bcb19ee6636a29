"""Works the health queue: spreads pages of connections and tests them."""

import json
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from jobsprint.core.observability import logger
from jobsprint.integrations import health_checks


def handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    """Works every message; one that fails on our side comes back alone."""
    failed = [record["messageId"] for record in event["Records"] if not _worked(record)]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _worked(record: dict[str, Any]) -> bool:
    try:
        health_checks.work(json.loads(record["body"]))
    except Exception:  # noqa: BLE001 - our own fault: the queue brings it back, and then keeps it as a dead letter
        logger.exception("health_test_failed", extra={"messageId": record["messageId"]})
        return False
    return True
