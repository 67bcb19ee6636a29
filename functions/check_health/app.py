"""Works the health queue: tests connections page by page, and revokes authorizations that nobody confirmed."""

import json
from typing import Any

from aws_lambda_powertools.utilities.batch import process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from jobsprint.core.sqs_processor import SqsProcessor
from jobsprint.integrations import health_checks, oauth_confirmation


def work(record: SQSRecord) -> None:
    """Work one message; an exception returns it to the queue, which finally keeps it as a dead letter."""
    message = json.loads(record.body)
    if "unconfirmed" in message:
        oauth_confirmation.expire(message["tenant"], message["unconfirmed"])
    else:
        health_checks.work(message)


def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Work every message; those that failed on our side are returned."""
    return process_partial_response(event, work, SqsProcessor(), context)
