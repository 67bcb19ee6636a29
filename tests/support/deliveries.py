"""What the tests of events and deliveries share: what went into SQS, and messages as Lambda gets them."""

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from jobsprint.core import aws as clients
from tests.support.call import Context, call, handler

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Sent:
    """One message as it was given to SQS."""

    queue: str
    body: str
    delay: int
    group: str | None

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def is_outbox_check(self) -> bool:
        return self.queue == "DeliveryQueue" and self.json["kind"] == "outbox_check"

    @property
    def is_expiry_check(self) -> bool:
        return self.queue == "DeliveryQueue" and self.json["kind"] == "expiry_check"


@dataclass
class Outbox:
    """Everything given to SQS, in order; `take` empties it. `refuse` makes the next sends fail with that error."""

    sent: list[Sent] = field(default_factory=list)
    refuse: list[Exception] = field(default_factory=list)

    @property
    def tasks(self) -> list[Sent]:
        """What was sent, outbox checks left out."""
        return [message for message in self.sent if not message.is_outbox_check]

    def take(self, queue: str = "DeliveryQueue") -> list[Sent]:
        """What was sent to a queue since the last call; outbox checks are left (`take_outbox_checks`)."""
        return self._take(lambda sent: sent.queue == queue and not sent.is_outbox_check)

    def take_outbox_checks(self) -> list[Sent]:
        """The outbox checks in the delivery queue (`delivery.queue.OutboxCheck`)."""
        return self._take(lambda sent: sent.is_outbox_check)

    def take_expiry_checks(self) -> list[Sent]:
        """The expiry checks in the delivery queue (`delivery.queue.ExpiryCheck`)."""
        return self._take(lambda sent: sent.is_expiry_check)

    def _take(self, wanted: Callable[[Sent], bool]) -> list[Sent]:
        taken = [message for message in self.sent if wanted(message)]
        self.sent = [message for message in self.sent if not wanted(message)]
        return taken

    def keep(self, params: dict[str, Any], **_: Any) -> None:
        if self.refuse:
            raise self.refuse.pop(0)
        queue = params["QueueUrl"].rpartition("/")[2]
        for entry in params.get("Entries", [params]):
            self.sent.append(
                Sent(queue, entry["MessageBody"], entry.get("DelaySeconds", 0), entry.get("MessageGroupId"))
            )


@contextmanager
def watching_sqs() -> Iterator[Outbox]:
    """Notes what goes into SQS, which still gets it, while the block runs."""
    outbox = Outbox()
    events = clients.sqs().meta.events
    for operation in ("SendMessage", "SendMessageBatch"):
        events.register(f"provide-client-params.sqs.{operation}", outbox.keep, unique_id=f"outbox-{operation}")
    yield outbox
    for operation in ("SendMessage", "SendMessageBatch"):
        events.unregister(f"provide-client-params.sqs.{operation}", unique_id=f"outbox-{operation}")


def record(body: str, message_id: str | None = None, received: int = 1) -> dict[str, Any]:
    """A message as Lambda hands it over."""
    return {
        "messageId": message_id or f"message-{next(_numbers)}",
        "receiptHandle": "handle",
        "body": body,
        "attributes": {"ApproximateReceiveCount": str(received)},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:DeliveryQueue",
        "awsRegion": "us-east-1",
    }


def due(sent: Sent, **changes: Any) -> str:
    """The body of a message once its wait is over."""
    body = {**sent.json, **changes}
    body.pop("notBefore", None)
    return json.dumps(body)


def work(folder: str, *records: dict[str, Any]) -> list[str]:
    """Hands records to a queue's function; the ids of the messages that come back."""
    answer = handler(folder)({"Records": list(records)}, Context())
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def dispatch(*records: dict[str, Any]) -> list[str]:
    """Hands records to the dispatcher; the ids of the messages that come back."""
    return work("dispatch_webhooks", *records)


def subscribe(url: str, *events: str, tenant: str = "acme", **fields: Any) -> dict[str, Any]:
    """A new webhook as its creation answers it."""
    body = {"name": "Test", "url": url, "events": list(events) or ["*"], **fields}
    created = call("POST", "/integrations/webhooks", tenant=tenant, body=body)
    assert created.status == 201, created.body
    webhook: dict[str, Any] = created.data
    return webhook


def publish(event: str = "workflow.executed", data: Any = None, *, tenant: str = "acme", **fields: Any) -> Any:
    """Publishes one event; the data of the answer."""
    body = {"event": event, "data": {"n": 1} if data is None else data, **fields}
    answer = call("POST", "/events", tenant=tenant, body=body)
    assert answer.status == 202, answer.body
    return answer.data


def deliveries(webhook_id: str, query: str = "", tenant: str = "acme") -> list[dict[str, Any]]:
    """A webhook's deliveries as the API lists them."""
    answer = call("GET", f"/integrations/webhooks/{webhook_id}/deliveries{query}", tenant=tenant)
    assert answer.status == 200, answer.body
    listed: list[dict[str, Any]] = answer.data
    return listed
