"""Kept answers by Idempotency-Key: pk <tenant>#idempotency, sk a hash of route and key.

A row is `started` by a conditional write, and either `kept` with a sealed answer or removed. One whose holder died is
free again once its lease has passed.
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


@dataclass(frozen=True, slots=True)
class Kept:
    """What stands under a key already: the fingerprint of its request, and its sealed answer once there is one."""

    fingerprint: str
    answer: str | None


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
                " OR (attribute_not_exists(answer) AND leaseUntil < :now)"
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
    return Kept(item["fingerprint"], item.get("answer"))


def keep(tenant: str, name: str, sealed_answer: str) -> None:
    """Keeps the answer of the request that holds the key."""
    aws.dynamodb().update_item(
        TableName=settings().tenants_table,
        Key=_key(tenant, name),
        UpdateExpression="SET answer = :answer",
        ExpressionAttributeValues=marshal_item({":answer": sealed_answer}),
    )


def release(tenant: str, name: str) -> None:
    """Frees the key after an answer that is not kept."""
    aws.dynamodb().delete_item(TableName=settings().tenants_table, Key=_key(tenant, name))
