"""Tickets in SQS: their JSON, and sending them so that none is lost silently.

A message is {"tenant", "webhookId", "deliveryId", "eventId", "event", "timestamp", "attempt"} and, where they apply,
"eventKey", "data" (canonical JSON text), "notBefore" (Unix ms), "base" and "deferred". It never holds a secret.
A notice is {"notice": true, "tenant", "webhookId", "notBefore"}.
"""

import json
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.domain.deliveries import MAX_DELAY_MS, Ticket

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

MAX_INLINE_BYTES = 60_000
"""A longer message leaves its data in the event's row: SQS bills for every 64 KB begun."""

BATCH = 10
"""The most messages that one call takes."""

_SENDERS = 8
_TRIES = 3


class NotTaken(Exception):
    """SQS did not take every message, however often it was asked."""


@dataclass(frozen=True)
class Message:
    """A message of the delivery queue; `received` counts how often it was handed out, this time included."""

    id: str
    body: str
    received: int = 1

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "Message":
        """From a record of an SQS event."""
        count = (record.get("attributes") or {}).get("ApproximateReceiveCount", "1")
        return cls(record["messageId"], record["body"], int(count))


@dataclass(frozen=True)
class Notice:
    """A word to ourselves: look after what is to be told of this webhook, not before that time (Unix ms)."""

    tenant: str
    webhook_id: str
    not_before: int


def to_text(ticket: Ticket) -> str:
    """The message body of a ticket; its data is left out where the whole would be too long and the event is kept."""
    fields: dict[str, Any] = {
        "tenant": ticket.tenant,
        "webhookId": ticket.webhook_id,
        "deliveryId": ticket.delivery_id,
        "eventId": ticket.event_id,
        "event": ticket.event,
        "timestamp": ticket.timestamp,
        "attempt": ticket.attempt,
    }
    if ticket.event_key:
        fields["eventKey"] = ticket.event_key
    if ticket.not_before:
        fields["notBefore"] = ticket.not_before
    if ticket.base:
        fields["base"] = ticket.base
    if ticket.deferred:
        fields["deferred"] = ticket.deferred
    if ticket.data is not None:
        # ASCII, because SQS refuses U+FFFE and U+FFFF, which JSON may hold.
        text = json.dumps({**fields, "data": ticket.data})
        if len(text) < MAX_INLINE_BYTES or not ticket.event_key:
            return text
    return json.dumps(fields)


def to_ticket(text: str) -> Ticket:
    """The ticket in a message body. Raises ValueError or KeyError for anything else."""
    fields = json.loads(text)
    return Ticket(
        tenant=fields["tenant"],
        webhook_id=fields["webhookId"],
        delivery_id=fields["deliveryId"],
        event_id=fields["eventId"],
        event=fields["event"],
        timestamp=fields["timestamp"],
        event_key=fields.get("eventKey", ""),
        attempt=fields["attempt"],
        data=fields.get("data"),
        not_before=fields.get("notBefore", 0),
        base=fields.get("base", 0),
        deferred=fields.get("deferred", 0),
    )


def put_all(tickets: Sequence[Ticket], now: int) -> None:
    """Puts tickets into the queue, ten to a call, each to come at its `not_before`.

    Raises NotTaken unless SQS took every one; then some may be in the queue.
    """
    batches = [_entries(tickets[start : start + BATCH], now) for start in range(0, len(tickets), BATCH)]
    if len(batches) <= 1:
        for batch in batches:
            _put_batch(batch)
        return
    aws.sqs()  # made here, because making a client in several threads at once is not safe
    with ThreadPoolExecutor(min(_SENDERS, len(batches))) as senders:
        list(senders.map(_put_batch, batches))


def put_later(ticket: Ticket, now: int) -> None:
    """Puts a ticket into the queue to come at its `not_before`, or as late as SQS allows."""
    aws.sqs().send_message(
        QueueUrl=settings().delivery_queue_url,
        MessageBody=to_text(ticket),
        MessageGroupId=ticket.webhook_id,
        DelaySeconds=_delay_seconds(ticket.not_before, now),
    )


def next_ticket(ticket: Ticket, not_before: int) -> Ticket:
    """The ticket of the attempt after this one."""
    return replace(ticket, attempt=ticket.attempt + 1, not_before=not_before, deferred=0)


def to_notice(text: str) -> Notice | None:
    """The notice in a message body; None where it is a ticket. Raises ValueError or KeyError for anything else."""
    fields = json.loads(text)
    return Notice(fields["tenant"], fields["webhookId"], fields["notBefore"]) if "notice" in fields else None


def put_notice(notice: Notice, now: int) -> None:
    """Puts a notice into the queue to come at its `not_before`, or at the end of the first hop towards it."""
    body = {
        "notice": True,
        "tenant": notice.tenant,
        "webhookId": notice.webhook_id,
        "notBefore": notice.not_before,
    }
    aws.sqs().send_message(
        QueueUrl=settings().delivery_queue_url,
        MessageBody=json.dumps(body),
        MessageGroupId=notice.webhook_id,
        DelaySeconds=_delay_seconds(notice.not_before, now),
    )


def visible() -> int:
    """About how many messages wait to be worked, those with a delay left out."""
    answer = aws.sqs().get_queue_attributes(
        QueueUrl=settings().delivery_queue_url, AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])


def _delay_seconds(not_before: int, now: int) -> int:
    # Whole seconds, rounded up: a message never comes early.
    return math.ceil(min(max(0, not_before - now), MAX_DELAY_MS) / 1000)


def _entries(batch: Sequence[Ticket], now: int) -> "list[SendMessageBatchRequestEntryTypeDef]":
    # The group makes the queue fair: a webhook with a backlog waits behind the others (SQS fair queues).
    return [
        {
            "Id": str(place),
            "MessageBody": to_text(ticket),
            "MessageGroupId": ticket.webhook_id,
            "DelaySeconds": _delay_seconds(ticket.not_before, now),
        }
        for place, ticket in enumerate(batch)
    ]


def _put_batch(waiting: "list[SendMessageBatchRequestEntryTypeDef]") -> None:
    for _ in range(_TRIES):
        answer = aws.sqs().send_message_batch(QueueUrl=settings().delivery_queue_url, Entries=waiting)
        failed = {entry["Id"] for entry in answer.get("Failed", [])}
        waiting = [entry for entry in waiting if entry["Id"] in failed]
        if not waiting:
            return
    raise NotTaken(f"{len(waiting)} messages were not taken by the queue")
