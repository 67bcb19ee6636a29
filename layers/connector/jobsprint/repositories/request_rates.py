"""The request rate of each tenant (`domain.token_bucket`), an item each of the table of limits.

tenant   fullAt: Unix ms   countedBy: the container that added last   countedAt   expiresAt
"""

from dataclasses import dataclass
from typing import Any

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.repositories.dynamodb import Item, Lost, marshal_item, try_write, unmarshal_item

_KEPT_SECONDS = 86_400
_TRIES = 4


class Contended(Exception):
    """Others changed the item each time."""


@dataclass(frozen=True)
class Before:
    """The bucket before requests were added: when it was full, and who had added the last ones when (Unix ms)."""

    full_at: float = 0.0
    counted_by: str = ""
    counted_at: int = 0


def add(tenant: str, container: str, cost_ms: float, *, seen: float, now: int) -> Before:
    """Add requests of a tenant that cost so much, in one write where `seen` (its `fullAt`) tells whether it is full.

    Raises Contended, and DynamoDB's errors.
    """
    full = seen <= now
    for _ in range(_TRIES):
        answer = _add_to_full(tenant, container, cost_ms, now) if full else _add(tenant, container, cost_ms, now)
        if not isinstance(answer, Lost):
            return _before(answer)
        full = not answer.item or answer.item["fullAt"] <= now
    raise Contended


def _add(tenant: str, container: str, cost_ms: float, now: int) -> Item | Lost:
    return _write(tenant, container, "fullAt + :change", "fullAt > :now", round(cost_ms), now)


def _add_to_full(tenant: str, container: str, cost_ms: float, now: int) -> Item | Lost:
    condition = "attribute_not_exists(fullAt) OR fullAt <= :now"
    return _write(tenant, container, ":change", condition, now + round(cost_ms), now)


def _write(tenant: str, container: str, full_at: str, condition: str, change: int, now: int) -> Item | Lost:
    values: dict[str, Any] = {
        ":change": change,
        ":container": container,
        ":now": now,
        ":expires": now // 1000 + _KEPT_SECONDS,
    }
    answer = try_write(
        lambda: aws.limits_dynamodb().update_item(
            TableName=settings().limits_table,
            Key=marshal_item({"tenant": tenant}),
            UpdateExpression=f"SET fullAt = {full_at}, countedBy = :container, countedAt = :now, expiresAt = :expires",
            ConditionExpression=condition,
            ExpressionAttributeValues=marshal_item(values),
            ReturnValues="ALL_OLD",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    )
    return answer if isinstance(answer, Lost) else unmarshal_item(answer.get("Attributes", {}))


def _before(item: Item) -> Before:
    return Before(item["fullAt"], item["countedBy"], item["countedAt"]) if item else Before()
