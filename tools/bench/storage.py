"""What publishing and delivering an event bills: the real handlers on moto, metered at their AWS clients."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from moto import mock_aws

from tests.support.call import Context, call, handler
from tests.support.receiver import Receiver, receiving
from tests.support.resources import create_resources
from tests.support.template import environment
from tools.bench.figures import Figure
from tools.bench.meter import Bill, Meter
from tools.bench.payloads import BATCH, FILL, drafts

_ENVIRONMENT = {
    **dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "testing"),
    "AWS_DEFAULT_REGION": "us-east-1",
    "POWERTOOLS_LOG_LEVEL": "CRITICAL",
}
_PARAMETERS = {"AllowPrivateTargets": "true", "AllowLoopbackTargets": "true"}


@dataclass(frozen=True)
class Counts:
    """What a publish request of `events` events bills, a batch of FILL deliveries and one of a single delivery.

    `egress` is the bytes of a delivery's request.
    """

    events: int
    publish: Bill
    dispatch: Bill
    dispatch_one: Bill
    egress: float

    @property
    def writes(self) -> float:
        """Write units of one more delivered event, without what a batch takes however many it holds."""
        return self.publish.writes / self.events + self._each

    @property
    def batch_writes(self) -> float:
        """Write units that a batch of deliveries takes however many it holds: its counters."""
        return self.dispatch_one.writes - self._each

    @property
    def _each(self) -> float:
        return (self.dispatch.writes - self.dispatch_one.writes) / (FILL - 1)


def counted() -> dict[str, Counts]:
    """Publish and deliver in each way, warm: one webhook, first attempt, a batch of FILL."""
    with on_moto() as receiver:
        from jobsprint.core import aws

        meter = Meter(aws.dynamodb(), aws.sqs(), boto3.client("dynamodb"))
        # Warm up with a webhook of its own: the first delivery may take long enough to be taken as slow.
        subscribe(receiver, "warm.up")
        _counts(receiver, meter, 1, "warm.up")
        subscribe(receiver, "bench.happened")
        ways = {f"in batches of {BATCH}": (BATCH, False), "one by one": (1, False)}
        ways |= {f"{name}, with ids": (events, True) for name, (events, _) in ways.items()}
        return {name: _counts(receiver, meter, events, ids=ids) for name, (events, ids) in ways.items()}


def figures(counts: dict[str, Counts]) -> list[Figure]:
    """Write units of a delivered event, and those of a batch's counters."""
    targets = {f"in batches of {BATCH}": 2.2, "one by one": 3.1}
    return [
        *(
            Figure(f"writes of an event {name}", each.writes, "units", targets.get(name))
            for name, each in counts.items()
        ),
        Figure("writes of a batch's counters", max(each.batch_writes for each in counts.values()), "units", 1.0),
    ]


@contextmanager
def on_moto() -> Iterator[Receiver]:
    """The service in this process, with AWS on moto and its output dropped; gives a receiver for webhooks."""
    os.environ.update(_ENVIRONMENT)
    with mock_aws(), receiving() as receiver, Path(os.devnull).open("w") as nothing, redirect_stdout(nothing):
        os.environ.update(environment(create_resources(boto3.client) | _PARAMETERS))
        yield receiver


def subscribe(receiver: Receiver, event: str) -> None:
    """Create a webhook."""
    webhook = {"name": "Bench", "url": f"{receiver.url}/webhooks/jobsprint", "events": [event]}
    assert call("POST", "/integrations/webhooks", body=webhook).status == 201


def _counts(
    receiver: Receiver, meter: Meter, events: int, event: str = "bench.happened", *, ids: bool = False
) -> Counts:
    """Publish until more than FILL deliveries wait, and dispatch FILL of them and then one; drop the rest."""
    for _ in range(FILL // events + 1):
        meter.take()
        listed = [{**draft, "id": str(uuid.uuid4())} if ids else draft for draft in drafts(event, events)]
        assert call("POST", "/events", body=listed[0] if events == 1 else {"events": listed}).status == 202
    publish, bodies = meter.take(), list(messages())
    receiver.received.clear()
    dispatch, one = (_dispatched(meter, batch) for batch in (bodies[:FILL], bodies[FILL : FILL + 1]))
    assert len(receiver.received) == FILL + 1
    sent = sum(len(str(request.headers)) + len(request.body) for request in receiver.received)
    return Counts(events, publish, dispatch, one, sent / (FILL + 1))


def _dispatched(meter: Meter, bodies: list[str]) -> Bill:
    meter.take()
    assert not handler("dispatch_webhooks")(sqs_event(bodies), Context())["batchItemFailures"]
    return meter.take()


def messages() -> Iterator[str]:
    """Take what waits in the delivery queue."""
    queue, sqs = os.environ["DELIVERY_QUEUE_URL"], boto3.client("sqs")
    while found := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
        for message in found:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            yield message["Body"]


def sqs_event(bodies: list[str]) -> dict[str, Any]:
    """Messages as Lambda gets them from SQS."""
    common = {"receiptHandle": "handle", "eventSource": "aws:sqs", "awsRegion": "us-east-1", "messageAttributes": {}}
    arn, attributes = "arn:aws:sqs:us-east-1:000000000000:DeliveryQueue", {"ApproximateReceiveCount": "1"}
    common |= {"eventSourceARN": arn, "attributes": attributes}
    return {"Records": [{**common, "messageId": str(uuid.uuid4()), "body": body} for body in bodies]}
