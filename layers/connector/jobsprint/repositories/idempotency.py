"""What stands under an Idempotency-Key: pk <tenant>#idempotency, sk a hash of route and key.

A row is `started` by a conditional write of one holder, may say that its request is `sending` what cannot be taken
back, and is then either kept with an encrypted answer or removed. One whose holder died is free again once its lease
has passed, unless it was sending. Every write of a holder names its token, so one that was taken for dead changes
nothing.
"""

import os
from dataclasses import dataclass
from typing import Any

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.repositories import dynamodb
from jobsprint.repositories.dynamodb import Item, Value, live, marshal_item, unmarshal_item, written

KEPT_SECONDS = 24 * 3600
# Longer than any function behind the API may run (29 s), so a living holder never loses its lease.
LEASE_MS = 40_000


@dataclass(frozen=True)
class Hold:
    """The key is ours: every later write names `token`. `call_id` names what the request does, also for whoever takes
    over from a holder that died."""

    tenant: str
    name: str
    token: str
    call_id: str


@dataclass(frozen=True)
class Kept:
    """What stands under a key already: the fingerprint of its request, and its encrypted answer once there is one.

    `sending_at` (ms) says since when its holder does what cannot be taken back; `abandoned` that it died over it, so
    nobody knows what came of it.
    """

    fingerprint: str
    call_id: str
    answer: str | None = None
    sending_at: int | None = None
    abandoned: bool = False


def start(tenant: str, name: str, *, fingerprint: str, call_id: str = "", now: int) -> Hold | Kept:
    """Takes the key for one request, or says what stands there. `now` in ms.

    `call_id` is for a request that begins; one that takes over gets that of its predecessor.
    """
    hold = Hold(tenant, name, os.urandom(8).hex(), call_id)
    fields: dict[str, Value | None] = {
        "fingerprint": fingerprint,
        "callId": call_id,
        "holder": hold.token,
        "leaseUntil": now + LEASE_MS,
        "expiresAt": now // 1000 + KEPT_SECONDS,
    }
    if written(
        lambda: aws.dynamodb().put_item(
            TableName=settings().tenants_table,
            Item=_key(tenant, name) | marshal_item(fields),
            ConditionExpression="attribute_not_exists(pk) OR expiresAt <= :seconds",
            ExpressionAttributeValues=marshal_item({":seconds": now // 1000}),
        )
    ):
        return hold
    return _standing(hold, fingerprint, now) or start(tenant, name, fingerprint=fingerprint, call_id=call_id, now=now)


def _standing(hold: Hold, fingerprint: str, now: int) -> Hold | Kept | None:
    """What stands under a key that is not free: taken over where its holder died before it sent. None if it is gone."""
    answer = aws.dynamodb().get_item(
        TableName=settings().tenants_table, Key=_key(hold.tenant, hold.name), ConsistentRead=True
    )
    item = unmarshal_item(answer.get("Item", {}))
    if not item or not live(item, now):
        return None
    if item["holder"] == hold.token:  # only the answer to our own write was lost
        return hold
    lapsed = item["leaseUntil"] < now and "answer" not in item
    if lapsed and "sendingAt" not in item and item["fingerprint"] == fingerprint:
        return _taken_over(hold, item, now)
    return Kept(
        fingerprint=item["fingerprint"],
        call_id=item["callId"],
        answer=_whole_answer(hold, item) if "answer" in item else None,
        sending_at=item.get("sendingAt"),
        abandoned=lapsed and "sendingAt" in item,
    )


def _taken_over(hold: Hold, item: Item, now: int) -> Hold | Kept:
    """The key of a holder that died before it sent; another one may be faster."""
    taken = _change(
        hold,
        "SET holder = :token, leaseUntil = :lease",
        condition="holder = :before AND attribute_not_exists(sendingAt)",
        values={":lease": now + LEASE_MS, ":before": item["holder"]},
    )
    return Hold(hold.tenant, hold.name, hold.token, item["callId"]) if taken else Kept(item["fingerprint"], "")


def _whole_answer(hold: Hold, item: Item) -> str:
    return dynamodb.whole(
        settings().tenants_table, f"{hold.tenant}#idempotency", hold.name, item["answer"], item["parts"]
    )


def mark_sending(hold: Hold, now: int) -> bool:
    """Says that the holder does from now on (ms) what cannot be taken back; False when it lost the key meanwhile."""
    return _change(
        hold,
        "SET sendingAt = :now, leaseUntil = :lease",
        condition="holder = :token",
        values={":now": now, ":lease": now + LEASE_MS},
    )


def keep(hold: Hold, encrypted_answer: str, *, now: int) -> bool:
    """Keeps the answer of the holder; False when it lost the key meanwhile. `now` in ms."""
    return _keep(hold, encrypted_answer, "holder = :token", now)


def settle(tenant: str, name: str, encrypted_answer: str, *, now: int) -> None:
    """Keeps an answer for a holder that died while it was sending, unless somebody else did."""
    hold = Hold(tenant, name, os.urandom(8).hex(), "")
    _keep(hold, encrypted_answer, "attribute_exists(sendingAt) AND attribute_not_exists(answer)", now)


def release(hold: Hold) -> None:
    """Frees the key: nothing was done that would have to be remembered."""
    written(
        lambda: aws.dynamodb().delete_item(
            TableName=settings().tenants_table,
            Key=_key(hold.tenant, hold.name),
            ConditionExpression="holder = :token",
            ExpressionAttributeValues=marshal_item({":token": hold.token}),
        )
    )


def hand_over(hold: Hold) -> None:
    """Lets the next request with this key and body go on with the same `call_id` at once."""
    _change(hold, "SET leaseUntil = :none", condition="holder = :token", values={":none": 0})


def _keep(hold: Hold, encrypted_answer: str, condition: str, now: int) -> bool:
    first, parts = dynamodb.keep_rest(
        settings().tenants_table,
        f"{hold.tenant}#idempotency",
        hold.name,
        encrypted_answer,
        expires=now // 1000 + KEPT_SECONDS,
    )
    return _change(
        hold,
        "SET answer = :answer, parts = :parts, holder = :token",
        condition=condition,
        values={":answer": first, ":parts": parts},
    )


def _change(hold: Hold, expression: str, *, condition: str, values: dict[str, str | int]) -> bool:
    """Updates the row under a condition; expressions may use `:token`. False when the condition fails."""
    return written(
        lambda: aws.dynamodb().update_item(
            TableName=settings().tenants_table,
            Key=_key(hold.tenant, hold.name),
            UpdateExpression=expression,
            ConditionExpression=condition,
            ExpressionAttributeValues=marshal_item({":token": hold.token, **values}),
        )
    )


def _key(tenant: str, name: str) -> Any:
    return marshal_item({"pk": f"{tenant}#idempotency", "sk": name})
