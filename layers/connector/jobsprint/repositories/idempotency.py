"""Idempotency-Keys: pk <tenant>#idempotency, sk a hash of route and key.

A row is made by the conditional write of one request, which leases the key. It may say that its request is sending what
cannot be taken back, and is then either kept with an encrypted answer or removed. One whose lease has lapsed is free
again, unless it was sending. Every write names its lease token, so a request whose lease was taken over changes
nothing. `actions.service` has the table of the states.
"""

import os
from dataclasses import dataclass, replace
from typing import Any

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.repositories import dynamodb
from jobsprint.repositories.dynamodb import Item, Value, live, marshal_item, unmarshal_item, written

KEPT_SECONDS = 24 * 3600
# Longer than any function behind the API may run (29 s), so a request that still runs never loses its lease.
LEASE_MS = 40_000


@dataclass(frozen=True)
class Lease:
    """A key that this request holds: every later write names `token`.

    `call_id` names what the request does, also for a request that takes the key over.
    """

    tenant: str
    name: str
    token: str
    call_id: str


@dataclass(frozen=True)
class StoredRequest:
    """A key that another request has or had: that request's fingerprint, and its encrypted answer if there is one.

    `sending_at` (ms) says since when it does what cannot be taken back; `abandoned` that it never said how that ended,
    and its lease has lapsed.
    """

    fingerprint: str
    call_id: str
    answer: str | None = None
    sending_at: int | None = None
    abandoned: bool = False


def start(tenant: str, name: str, *, fingerprint: str, call_id: str = "", now: int) -> Lease | StoredRequest:
    """Lease the key to one request, or give the request that has it. `now` in ms.

    `call_id` is for a request that begins; one that takes over gets that of its predecessor.
    """
    lease = Lease(tenant, name, os.urandom(8).hex(), call_id)
    fields: dict[str, Value | None] = {
        "fingerprint": fingerprint,
        "callId": call_id,
        "leaseToken": lease.token,
        "leaseUntil": now + LEASE_MS,
        "expiresAt": now // 1000 + KEPT_SECONDS,
    }
    if written(
        lambda: aws.dynamodb().put_item(
            TableName=settings().requests_table,
            Item=_key(tenant, name) | marshal_item(fields),
            ConditionExpression="attribute_not_exists(pk) OR expiresAt <= :seconds",
            ExpressionAttributeValues=marshal_item({":seconds": now // 1000}),
        )
    ):
        return lease
    found = _resolve_conflict(lease, fingerprint, now)
    return found or start(tenant, name, fingerprint=fingerprint, call_id=call_id, now=now)


def _resolve_conflict(lease: Lease, fingerprint: str, now: int) -> Lease | StoredRequest | None:
    """The request of a key that is not free, or its lease where that lapsed before it sent. None if it is free."""
    answer = aws.dynamodb().get_item(
        TableName=settings().requests_table, Key=_key(lease.tenant, lease.name), ConsistentRead=True
    )
    item = unmarshal_item(answer.get("Item", {}))
    if not item or not live(item, now):
        return None
    if item["leaseToken"] == lease.token:  # only the answer to our own write was lost
        return lease
    lapsed = item["leaseUntil"] < now and "answer" not in item
    if lapsed and "sendingAt" not in item and item["fingerprint"] == fingerprint:
        return _take_over(lease, item, now)
    return StoredRequest(
        fingerprint=item["fingerprint"],
        call_id=item["callId"],
        answer=_whole_answer(lease, item) if "answer" in item else None,
        sending_at=item.get("sendingAt"),
        abandoned=lapsed and "sendingAt" in item,
    )


def _take_over(lease: Lease, item: Item, now: int) -> Lease | StoredRequest:
    """The lease of a request that died before it sent; another request may be faster."""
    taken = _change(
        lease,
        "SET leaseToken = :token, leaseUntil = :lease",
        condition="leaseToken = :before AND attribute_not_exists(sendingAt)",
        values={":lease": now + LEASE_MS, ":before": item["leaseToken"]},
    )
    return replace(lease, call_id=item["callId"]) if taken else StoredRequest(item["fingerprint"], "")


def _whole_answer(lease: Lease, item: Item) -> str:
    return dynamodb.whole(
        settings().requests_table, f"{lease.tenant}#idempotency", lease.name, item["answer"], item["parts"]
    )


def mark_sending(lease: Lease, now: int) -> bool:
    """Say that from now on (ms) the request does what cannot be taken back; False when it lost its lease."""
    return _change(
        lease,
        "SET sendingAt = :now, leaseUntil = :lease",
        condition="leaseToken = :token",
        values={":now": now, ":lease": now + LEASE_MS},
    )


def keep(lease: Lease, encrypted_answer: str, *, now: int) -> bool:
    """Store the answer of the request that holds the lease; False when it lost it. `now` in ms."""
    return _keep(lease, encrypted_answer, "leaseToken = :token", now)


def keep_for_abandoned(tenant: str, name: str, encrypted_answer: str, *, now: int) -> None:
    """Store an answer for a request that died while it was sending, unless another request did."""
    lease = Lease(tenant, name, os.urandom(8).hex(), "")
    _keep(lease, encrypted_answer, "attribute_exists(sendingAt) AND attribute_not_exists(answer)", now)


def release(lease: Lease) -> None:
    """Free the key: nothing was done that would have to be remembered."""
    written(
        lambda: aws.dynamodb().delete_item(
            TableName=settings().requests_table,
            Key=_key(lease.tenant, lease.name),
            ConditionExpression="leaseToken = :token",
            ExpressionAttributeValues=marshal_item({":token": lease.token}),
        )
    )


def hand_over(lease: Lease) -> None:
    """Let the next request with this key and body go on with the same `call_id` at once."""
    _change(lease, "SET leaseUntil = :none", condition="leaseToken = :token", values={":none": 0})


def _keep(lease: Lease, encrypted_answer: str, condition: str, now: int) -> bool:
    first, parts = dynamodb.keep_rest(
        settings().requests_table,
        f"{lease.tenant}#idempotency",
        lease.name,
        encrypted_answer,
        expires=now // 1000 + KEPT_SECONDS,
    )
    return _change(
        lease,
        "SET answer = :answer, parts = :parts, leaseToken = :token",
        condition=condition,
        values={":answer": first, ":parts": parts},
    )


def _change(lease: Lease, expression: str, *, condition: str, values: dict[str, str | int]) -> bool:
    """Update the row under a condition; expressions may use `:token`. False when the condition fails."""
    return written(
        lambda: aws.dynamodb().update_item(
            TableName=settings().requests_table,
            Key=_key(lease.tenant, lease.name),
            UpdateExpression=expression,
            ConditionExpression=condition,
            ExpressionAttributeValues=marshal_item({":token": lease.token, **values}),
        )
    )


def _key(tenant: str, name: str) -> Any:
    return marshal_item({"pk": f"{tenant}#idempotency", "sk": name})
