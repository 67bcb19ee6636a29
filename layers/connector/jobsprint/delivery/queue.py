"""Tickets in SQS: their JSON, and sending them so that none is lost silently.

A message is {"tenant", "webhookId", "deliveryId", "eventId", "event", "timestamp", "eventKey", "attempt"} and, where
they apply, "data" (canonical JSON text), "notBefore" (Unix ms) and "base". It never holds a secret.
"""

import json
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from jobsprint import aws
from jobsprint.config import settings
from jobsprint.domain.deliveries import Ticket

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

MAX_INLINE_BYTES = 60_000
"""A longer message leaves its data in the event's row: SQS bills for every 64 KB begun."""

MAX_DELAY_SECONDS = 900
"""The longest DelaySeconds of SQS; a longer wait goes in hops."""

_BATCH = 10
_SENDERS = 8
_TRIES = 3


class NotTaken(Exception):
    """SQS did not take every message, however often it was asked."""


def to_text(ticket: Ticket) -> str:
    """The message body of a ticket; its data is left out where the whole would be too long."""
    fields: dict[str, Any] = {
        "tenant": ticket.tenant,
        "webhookId": ticket.webhook_id,
        "deliveryId": ticket.delivery_id,
        "eventId": ticket.event_id,
        "event": ticket.event,
        "timestamp": ticket.timestamp,
        "eventKey": ticket.event_key,
        "attempt": ticket.attempt,
    }
    if ticket.not_before:
        fields["notBefore"] = ticket.not_before
    if ticket.base:
        fields["base"] = ticket.base
    if ticket.data is not None:
        # ASCII, because SQS refuses U+FFFE and U+FFFF, which JSON may hold.
        text = json.dumps({**fields, "data": ticket.data})
        if len(text) < MAX_INLINE_BYTES:
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
        event_key=fields["eventKey"],
        attempt=fields["attempt"],
        data=fields.get("data"),
        not_before=fields.get("notBefore", 0),
        base=fields.get("base", 0),
    )


def put_all(tickets: Sequence[Ticket], now: int | None = None) -> None:
    """Puts tickets into the queue, ten to a call: to come at once, or with `now` (ms) as in `put_later`.

    Raises NotTaken unless SQS took every one.
    """
    batches = [tickets[start : start + _BATCH] for start in range(0, len(tickets), _BATCH)]
    if len(batches) <= 1:
        for batch in batches:
            _put_batch(batch, now)
        return
    aws.sqs()  # made here, because making a client in several threads at once is not safe
    with ThreadPoolExecutor(min(_SENDERS, len(batches))) as senders:
        list(senders.map(partial(_put_batch, now=now), batches))


def put_later(ticket: Ticket, now: int) -> None:
    """Puts a ticket into the queue to come at its `not_before`, or at the end of the first hop towards it."""
    aws.sqs().send_message(
        QueueUrl=settings().delivery_queue_url,
        MessageBody=to_text(ticket),
        MessageGroupId=ticket.webhook_id,
        DelaySeconds=_delay(ticket, now),
    )


def next_ticket(ticket: Ticket, not_before: int) -> Ticket:
    """The ticket of the attempt after this one."""
    return replace(ticket, attempt=ticket.attempt + 1, not_before=not_before)


def _delay(ticket: Ticket, now: int) -> int:
    return min(math.ceil(max(0, ticket.not_before - now) / 1000), MAX_DELAY_SECONDS)


def _put_batch(batch: Sequence[Ticket], now: int | None) -> None:
    # The group makes the queue fair: a webhook with a backlog waits behind the others (SQS fair queues).
    waiting: list[SendMessageBatchRequestEntryTypeDef] = [
        {
            "Id": str(place),
            "MessageBody": to_text(ticket),
            "MessageGroupId": ticket.webhook_id,
            "DelaySeconds": 0 if now is None else _delay(ticket, now),
        }
        for place, ticket in enumerate(batch)
    ]
    for _ in range(_TRIES):
        answer = aws.sqs().send_message_batch(QueueUrl=settings().delivery_queue_url, Entries=waiting)
        failed = {entry["Id"] for entry in answer.get("Failed", [])}
        waiting = [entry for entry in waiting if entry["Id"] in failed]
        if not waiting:
            return
    raise NotTaken(f"{len(waiting)} messages were not taken by the queue")
