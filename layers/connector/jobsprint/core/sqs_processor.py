"""The batch processor of the SQS consumers: Powertools' own, which also logs why a message failed."""

from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, ExceptionInfo, FailureResponse

from jobsprint.core.observability import logger


class SqsProcessor(BatchProcessor):
    """Returns the messages that failed to their queue, also where all of a batch failed.

    `expected` exceptions return a message too, and are no errors.
    """

    def __init__(self, *expected: type[Exception]) -> None:
        super().__init__(EventType.SQS, raise_on_entire_batch_failure=False)
        self._expected = expected

    def failure_handler(self, record: Any, exception: ExceptionInfo) -> FailureResponse:
        """Log the exception with the id of its message, unless it was expected."""
        if not isinstance(exception[1], self._expected):
            logger.error("message_failed", exc_info=exception[1], extra={"messageId": record.message_id})
        return super().failure_handler(record, exception)
