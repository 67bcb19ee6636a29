"""Runs background actions from the queue of executions."""

import json
from typing import Any

from aws_lambda_powertools.utilities.batch import process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from jobsprint.actions import executions
from jobsprint.core.sqs_processor import SqsProcessor

processor = SqsProcessor(executions.StillRunning)


def work(record: SQSRecord) -> None:
    """Run one execution; an exception, also one because another worker has it, returns its message to the queue."""
    executions.work(json.loads(record.body))


def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Work every message; those that failed on our side are returned."""
    return process_partial_response(event, work, processor, context)
