"""What publishing and delivering an event bills: the real handlers on moto, metered at their AWS clients."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any

import boto3
from moto import mock_aws

from tests.support.call import call
from tests.support.deliveries import dispatch, record, subscribe
from tests.support.receiver import Receiver, receiving
from tests.support.resources import create_resources, one_request_at_a_time
from tests.support.template import environment
from tools.bench.figures import Figure
from tools.bench.meter import Bill, Meter
from tools.bench.payloads import BATCH, FILL, drafts

_PARAMETERS = {"AllowPrivateTargets": "true", "AllowLoopbackTargets": "true", "TenantRate": "100000"}


@dataclass(frozen=True)
class Counts:
    """What a publish request of `events` events bills, and batches of FILL and of one; bytes of a delivered request."""

    events: int
    publish: Bill
    dispatch: Bill
    dispatch_one: Bill
    egress: float

    @property
    def writes(self) -> float:
        """Write units of one more delivered event, without the batch's counters."""
        return self.publish.writes / self.events + (self.dispatch.writes - self.dispatch_one.writes) / (FILL - 1)

    @property
    def batch_writes(self) -> float:
        """Write units that a batch of deliveries takes however many it holds: its counters."""
        return self.dispatch_one.writes - (self.dispatch.writes - self.dispatch_one.writes) / (FILL - 1)


def counted() -> dict[str, Counts]:
    """Publish and deliver in each way, warm: one webhook, first attempt, a batch of FILL."""
    with on_moto() as receiver:
        from jobsprint.core import aws

        meter = Meter(aws.dynamodb(), aws.sqs(), boto3.client("dynamodb"))
        # Warm up with a webhook of its own: the first delivery may take long enough to be taken as slow.
        subscribe(receiver.url, "warm.up")
        _counts(receiver, meter, 1, "warm.up")
        subscribe(receiver.url, "bench.happened")
        ways = {f"in batches of {BATCH}": (BATCH, False), "one by one": (1, False)}
        ways |= {f"{name}, with ids": (events, True) for name, (events, _) in ways.items()}
        return {name: _counts(receiver, meter, events, ids=ids) for name, (events, ids) in ways.items()}


def figures(counts: dict[str, Counts]) -> list[Figure]:
    """Write units of a delivered event, and those of a batch's counters."""
    targets = {f"in batches of {BATCH}": 2.2, "one by one": 3.1}
    found = [Figure(f"writes of an event {name}", it.writes, "units", targets.get(name)) for name, it in counts.items()]
    return [*found, Figure("writes of a batch's counters", max(it.batch_writes for it in counts.values()), "units", 1)]


@contextmanager
def on_moto() -> Iterator[Receiver]:
    """The service in this process, with AWS on moto and its output dropped; gives a receiver for webhooks."""
    credentials = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "testing")
    os.environ.update(credentials, AWS_DEFAULT_REGION="us-east-1", POWERTOOLS_LOG_LEVEL="CRITICAL")
    with mock_aws(), one_request_at_a_time(), receiving() as receiver, redirect_stdout(StringIO()):
        os.environ.update(environment(create_resources(boto3.client) | _PARAMETERS))
        yield receiver


def _counts(
    receiver: Receiver, meter: Meter, events: int, event: str = "bench.happened", *, ids: bool = False
) -> Counts:
    """Publish until more than FILL deliveries wait, and dispatch FILL of them and then one; drop the rest."""
    for _ in range(FILL // events + 1):
        meter.take()
        listed = [{**draft, "id": str(uuid.uuid4())} if ids else draft for draft in drafts(event, events)]
        assert call("POST", "/events", body=listed[0] if events == 1 else {"events": listed}).status == 202
    publish, bodies = meter.take(), take(boto3.client("sqs"), os.environ["DELIVERY_QUEUE_URL"])
    receiver.received.clear()
    bills = []
    for batch in (bodies[:FILL], bodies[FILL : FILL + 1]):
        assert not dispatch(*map(record, batch))
        bills.append(meter.take())
    assert len(receiver.received) == FILL + 1
    sent = sum(len(str(request.headers)) + len(request.body) for request in receiver.received)
    return Counts(events, publish, *bills, sent / (FILL + 1))


def take(sqs: Any, queue: str) -> list[str]:
    """The messages that wait in a queue; they are deleted."""
    bodies: list[str] = []
    while found := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
        for message in found:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            bodies.append(message["Body"])
    return bodies
