"""Runs the actions that wait in the queue of executions."""

import json
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from jobsprint.actions import executions
from jobsprint.core.observability import logger


def handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    """Works every message; one that fails on our side, or that another worker is at, comes back alone."""
    failed = [record["messageId"] for record in event["Records"] if not _worked(record)]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _worked(record: dict[str, Any]) -> bool:
    try:
        executions.work(json.loads(record["body"]))
    except executions.StillRunning:
        return False
    except Exception:  # noqa: BLE001 - our own fault: the queue brings it back, and then keeps it as a dead letter
        logger.exception("execution_failed", extra={"messageId": record["messageId"]})
        return False
    return True
