"""The delivery queue: its messages as JSON, and sending them without losing any silently.

A message is a `DeliveryTask`, an `OutboxCheck` or an `ExpiryCheck`. It never holds a secret.
"""

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, with_config

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.domain.deliveries import JSON_FIELDS, MAX_DELAY_MS, DeliveryTask

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

MAX_INLINE_BYTES = 60_000
"""A longer message leaves the event's data in its item: SQS bills for every 64 KB begun."""

BATCH = 10
"""The most messages of one call."""

_SENDERS = 8
_TRIES = 3


class NotTaken(Exception):
    """SQS did not accept every message after several tries."""


@with_config(JSON_FIELDS)
@dataclass(frozen=True)
class OutboxCheck:
    """A message of the delivery queue: publish what is left in the operational-event outbox of a webhook, not before
    that time (Unix ms)."""

    tenant: str
    webhook_id: str
    not_before: int
    kind: Literal["outbox_check"] = "outbox_check"


@with_config(JSON_FIELDS)
@dataclass(frozen=True)
class ExpiryCheck:
    """A message of the delivery queue: remove a webhook that has expired, not before that time (Unix ms).

    It is about the webhook created at `created_at` (ms): a client that subscribes again gets the id that it had.
    """

    tenant: str
    webhook_id: str
    created_at: int
    not_before: int
    kind: Literal["expiry_check"] = "expiry_check"


AnyMessage = DeliveryTask | OutboxCheck | ExpiryCheck
Message = Annotated[AnyMessage, Field(discriminator="kind")]
_MESSAGE: TypeAdapter[AnyMessage] = TypeAdapter(Message, config=ConfigDict(hide_input_in_errors=True))


@dataclass(frozen=True)
class Received:
    """A received message; `count` is how often it was received, this time included."""

    message_id: str
    body: str
    count: int = 1

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "Received":
        """The message in a record of an SQS event."""
        count = (record.get("attributes") or {}).get("ApproximateReceiveCount", "1")
        return cls(record["messageId"], record["body"], int(count))


def to_text(message: AnyMessage) -> str:
    """The body of a message. A task's data is left out where the body would be too long."""
    # ASCII, because SQS refuses U+FFFE and U+FFFF, which JSON may hold.
    text = _MESSAGE.dump_json(message, exclude_none=True, ensure_ascii=True).decode()
    if len(text) >= MAX_INLINE_BYTES and isinstance(message, DeliveryTask) and message.data is not None:
        return to_text(replace(message, data=None))
    return text


def from_text(text: str) -> AnyMessage:
    """The message in a body. Raises pydantic's ValidationError for anything else."""
    return _MESSAGE.validate_json(text)


def send_all(tasks: Sequence[DeliveryTask], now: int) -> None:
    """Enqueue tasks, ten to a call, each delayed until its `not_before` or as long as SQS allows.

    Raises NotTaken unless SQS accepted every one; then some may be in the queue.
    """
    batches = [_entries(tasks[start : start + BATCH], now) for start in range(0, len(tasks), BATCH)]
    if len(batches) <= 1:
        for batch in batches:
            _send_batch(batch)
        return
    aws.sqs()  # made here, because making a client in several threads at once is not safe
    with ThreadPoolExecutor(min(_SENDERS, len(batches))) as senders:
        list(senders.map(_send_batch, batches))


def send(message: AnyMessage, now: int) -> None:
    """Enqueue a message, delayed until its `not_before` or as long as SQS allows; it is re-enqueued from there."""
    aws.sqs().send_message(
        QueueUrl=settings().delivery_queue_url,
        MessageBody=to_text(message),
        MessageGroupId=message.tenant,
        DelaySeconds=_delay_seconds(message.not_before, now),
    )


def next_task(task: DeliveryTask, not_before: int) -> DeliveryTask:
    """The task of the attempt after this one."""
    return replace(task, attempt=task.attempt + 1, not_before=not_before, deferrals=0)


def visible() -> int:
    """About how many messages wait to be received, delayed ones not included."""
    answer = aws.sqs().get_queue_attributes(
        QueueUrl=settings().delivery_queue_url, AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])


def _delay_seconds(not_before: int, now: int) -> int:
    # Whole seconds, rounded up: a message never comes early.
    return math.ceil(min(max(0, not_before - now), MAX_DELAY_MS) / 1000)


def _entries(batch: Sequence[DeliveryTask], now: int) -> "list[SendMessageBatchRequestEntryTypeDef]":
    # The group makes the queue fair: a tenant with a backlog waits behind the others (SQS fair queues), however many
    # webhooks it has. Webhooks of one tenant are kept apart by `delivery.admission`.
    return [
        {
            "Id": str(index),
            "MessageBody": to_text(task),
            "MessageGroupId": task.tenant,
            "DelaySeconds": _delay_seconds(task.not_before, now),
        }
        for index, task in enumerate(batch)
    ]


def _send_batch(entries: "list[SendMessageBatchRequestEntryTypeDef]") -> None:
    for _ in range(_TRIES):
        answer = aws.sqs().send_message_batch(QueueUrl=settings().delivery_queue_url, Entries=entries)
        failed = {entry["Id"] for entry in answer.get("Failed", [])}
        entries = [entry for entry in entries if entry["Id"] in failed]
        if not entries:
            return
    raise NotTaken(f"{len(entries)} messages were not accepted by the queue")
