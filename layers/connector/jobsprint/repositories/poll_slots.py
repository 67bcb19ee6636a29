"""Slots: how many polls of a tenant, and in all, may be under way at once. An item each of the table of limits.

tenant: `<tenant>#polls`, or `#polls` for all tenants   `0`, `1`, …: until when (Unix ms) that slot is taken   expiresAt

A slot ends by itself, so that a poll whose container died does not hold it. A first write tries one slot by chance; if
it is taken, the item that refused the write shows which one is free.
"""

import random
from dataclasses import dataclass

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.repositories.dynamodb import Lost, marshal_item, try_write

ALL_TENANTS = "#polls"
_KEPT_SECONDS = 86_400
_TRIES = 5


@dataclass(frozen=True)
class Slot:
    """A slot that is taken until then (Unix ms)."""

    key: str
    number: int
    until: int


@dataclass(frozen=True)
class Full:
    """Every slot is taken; the first ends then (Unix ms), or earlier by being given back."""

    until: int


def of_tenant(tenant: str) -> str:
    """The key of a tenant's slots."""
    return f"{tenant}#polls"


def take(key: str, slots: int, until: int, now: int) -> Slot | Full:
    """Take one of so many slots until then, in one write unless it is taken by another poll. Raises DynamoDB's
    errors."""
    number = random.randrange(slots)  # noqa: S311 - spreads the first tries
    ends: dict[int, int] = {}
    for _ in range(_TRIES):
        slot = Slot(key, number, until)
        answer = _take(slot, now)
        if not isinstance(answer, Lost):
            return slot
        ends = {number: int(answer.item.get(str(number), 0)) for number in range(slots)}
        free = [number for number, end in ends.items() if end <= now]
        if not free:
            break
        number = random.choice(free)  # noqa: S311 - so that two polls do not try the same one
    return Full(min(ends.values()))


def give_back(slot: Slot) -> None:
    """End a slot, unless it has ended by itself and another poll has it. Raises DynamoDB's errors."""
    try_write(
        lambda: aws.limits_dynamodb().update_item(
            TableName=settings().limits_table,
            Key=marshal_item({"tenant": slot.key}),
            UpdateExpression="REMOVE #slot",
            ConditionExpression="#slot = :until",
            ExpressionAttributeNames={"#slot": str(slot.number)},
            ExpressionAttributeValues=marshal_item({":until": slot.until}),
        )
    )


def _take(slot: Slot, now: int) -> object | Lost:
    return try_write(
        lambda: aws.limits_dynamodb().update_item(
            TableName=settings().limits_table,
            Key=marshal_item({"tenant": slot.key}),
            UpdateExpression="SET #slot = :until, expiresAt = :expires",
            ConditionExpression="attribute_not_exists(#slot) OR #slot <= :now",
            ExpressionAttributeNames={"#slot": str(slot.number)},
            ExpressionAttributeValues=marshal_item(
                {":until": slot.until, ":now": now, ":expires": now // 1000 + _KEPT_SECONDS}
            ),
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    )
