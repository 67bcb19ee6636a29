"""Publishes the events that come over the EventBridge bus, from its queue."""

from typing import Any

from aws_lambda_powertools.utilities.batch import process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from jobsprint.core.sqs_processor import SqsProcessor
from jobsprint.delivery import eventbridge


def work(record: SQSRecord) -> None:
    """Publish one event; an exception returns its message to the queue, and publishing repeats safely."""
    eventbridge.receive(record.body)


def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Work every message; those that failed on our side are returned."""
    return process_partial_response(event, work, SqsProcessor(), context)
