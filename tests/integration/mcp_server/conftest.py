"""A worker for executions beside the tests: in AWS it is a function of its own that SQS calls."""

import threading
from collections.abc import Iterator

import pytest

from jobsprint.core import aws as clients
from jobsprint.core.config import settings
from tests.support.deliveries import record, work


@pytest.fixture(autouse=True)
def worker(aws: dict[str, str]) -> Iterator[None]:
    """Runs what is put into the execution queue, as soon as it is there."""
    over = threading.Event()
    queue, sqs = settings().execution_queue_url, clients.sqs()

    def run() -> None:
        while not over.wait(0.01):
            for message in sqs.receive_message(QueueUrl=queue).get("Messages", []):
                assert work("run_executions", record(message["Body"])) == []
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])

    thread = threading.Thread(target=run)
    thread.start()
    yield
    over.set()
    thread.join()
