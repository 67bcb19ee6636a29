"""Kept answers by Idempotency-Key: pk <tenant>#idempotency, sk a hash of route and key.

A row is `started` by a conditional write, may say that its request is `sending` what cannot be taken back, and is then
either `kept` with a sealed answer or removed. One whose holder died is free again once its lease has passed, unless it
was sending. An answer too long for one item goes on in further ones, `<sk>#1` and so on.
"""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from jobsprint import aws
from jobsprint.config import settings
from jobsprint.store.table import condition_failed, live, marshal_item, unmarshal_item

KEPT_SECONDS = 24 * 3600
# Longer than any function behind the API may run (29 s), so a living holder never loses its lease.
LEASE_MS = 40_000
# DynamoDB takes 400 KB an item.
_PART_CHARACTERS = 350_000


@dataclass(frozen=True, slots=True)
class Kept:
    """What stands under a key already: the fingerprint of its request, and its sealed answer once there is one.

    `abandoned` says that its holder died while it was sending, so nobody knows what came of it.
    """

    fingerprint: str
    answer: str | None
    abandoned: bool = False


def _key(tenant: str, name: str) -> Any:
    return marshal_item({"pk": f"{tenant}#idempotency", "sk": name})


def start(tenant: str, name: str, *, fingerprint: str, now: int) -> Kept | None:
    """Takes the key for one request; None when it is ours, else what stands there. `now` in ms."""
    try:
        aws.dynamodb().put_item(
            TableName=settings().tenants_table,
            Item=_key(tenant, name)
            | marshal_item(
                {
                    "fingerprint": fingerprint,
                    "leaseUntil": now + LEASE_MS,
                    "expiresAt": now // 1000 + KEPT_SECONDS,
                }
            ),
            ConditionExpression=(
                "attribute_not_exists(pk) OR expiresAt <= :seconds"
                " OR (attribute_not_exists(answer) AND attribute_not_exists(sending) AND leaseUntil < :now)"
            ),
            ExpressionAttributeValues=marshal_item({":now": now, ":seconds": now // 1000}),
        )
    except ClientError as error:
        if not condition_failed(error):
            raise
        return _find(tenant, name, now) or start(tenant, name, fingerprint=fingerprint, now=now)
    return None


def _find(tenant: str, name: str, now: int) -> Kept | None:
    answer = aws.dynamodb().get_item(TableName=settings().tenants_table, Key=_key(tenant, name), ConsistentRead=True)
    item = unmarshal_item(answer.get("Item", {}))
    if not item or not live(item, now):
        return None
    if "answer" not in item:
        return Kept(item["fingerprint"], None, abandoned="sending" in item and item["leaseUntil"] < now)
    more = [_more(tenant, name, number) for number in range(1, item["parts"])]
    return Kept(item["fingerprint"], "".join([item["answer"], *more]))


def _more(tenant: str, name: str, number: int) -> str:
    answer = aws.dynamodb().get_item(
        TableName=settings().tenants_table, Key=_key(tenant, f"{name}#{number}"), ConsistentRead=True
    )
    return str(unmarshal_item(answer["Item"])["answer"])


def mark_sending(tenant: str, name: str) -> None:
    """Says that the request which holds the key does from now on what cannot be taken back."""
    aws.dynamodb().update_item(
        TableName=settings().tenants_table,
        Key=_key(tenant, name),
        UpdateExpression="SET sending = :yes",
        ExpressionAttributeValues=marshal_item({":yes": True}),
    )


def keep(tenant: str, name: str, sealed_answer: str, *, now: int) -> None:
    """Keeps the answer of the request that holds the key; `now` in ms."""
    first, *more = (
        sealed_answer[start : start + _PART_CHARACTERS] for start in range(0, len(sealed_answer), _PART_CHARACTERS)
    )
    expires = now // 1000 + KEPT_SECONDS
    for number, part in enumerate(more, 1):
        aws.dynamodb().put_item(
            TableName=settings().tenants_table,
            Item=_key(tenant, f"{name}#{number}") | marshal_item({"answer": part, "expiresAt": expires}),
        )
    aws.dynamodb().update_item(
        TableName=settings().tenants_table,
        Key=_key(tenant, name),
        UpdateExpression="SET answer = :answer, parts = :parts",
        ExpressionAttributeValues=marshal_item({":answer": first, ":parts": len(more) + 1}),
    )


def release(tenant: str, name: str) -> None:
    """Frees the key after an answer that is not kept."""
    aws.dynamodb().delete_item(TableName=settings().tenants_table, Key=_key(tenant, name))
