"""Works the steps of replay jobs (recoveries) from their queue."""

from typing import Any

from aws_lambda_powertools.utilities.batch import process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from jobsprint.core.sqs_processor import SqsProcessor
from jobsprint.delivery import replay
from jobsprint.delivery.replay import ReplayStep


def work(record: SQSRecord) -> None:
    """Work one step; an exception returns its message to the queue, which finally keeps it as a dead letter."""
    replay.work(ReplayStep.model_validate_json(record.body), int(record.attributes.approximate_receive_count))


def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Work every message; those that failed on our side are returned."""
    return process_partial_response(event, work, SqsProcessor(), context)
