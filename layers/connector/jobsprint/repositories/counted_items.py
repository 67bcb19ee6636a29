"""Items of which a tenant may have so many: pk <tenant>#counts, sk 1, with a number for each kind.

An item is made or deleted in one transaction with its count, so the count is exact whatever happens in between.
"""

import random
import time
from collections.abc import Mapping
from typing import Any, Literal

from botocore.exceptions import ClientError

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.core.errors import Conflict
from jobsprint.repositories.dynamodb import marshal_item

Kind = Literal["webhooks", "integrations", "eventTypes"]

_PARAMETERS: Mapping[Kind, tuple[str, str, str]] = {
    "webhooks": ("webhooks", "MaxWebhooks", "too_many_webhooks"),
    "integrations": ("integrations", "MaxIntegrations", "too_many_integrations"),
    "eventTypes": ("event types", "MaxEventTypes", "too_many_event_types"),
}
# Of concurrent transactions on one count DynamoDB carries out one and cancels the others.
_TRIES = 20
_WAIT_SECONDS = 0.3


def create(tenant: str, kind: Kind, *items: Mapping[str, Any]) -> bool:
    """Store a new item (attribute values), and others with it, and count it; False when there is one of their keys.

    Raises Conflict `too_many_…` where the tenant has as many as it may.
    """
    table, new = settings().tenants_table, "attribute_not_exists(pk)"
    refused = _transact(
        _counted(
            tenant, kind, 1, condition="attribute_not_exists(#kind) OR #kind < :most", values={":most": _limit(kind)}
        ),
        *({"Put": {"TableName": table, "Item": item, "ConditionExpression": new}} for item in items),
    )
    if refused == 0:
        raise _too_many(kind)
    return refused is None


def delete(
    tenant: str, kind: Kind, key: Mapping[str, Any], condition: Mapping[str, Any], *others: Mapping[str, Any]
) -> bool:
    """Delete an item, and those of the `others` keys with it, and count it no longer; False where the condition
    (DynamoDB's arguments) does not hold."""
    table = settings().tenants_table
    refused = _transact(
        _counted(tenant, kind, -1),
        {"Delete": {"TableName": table, "Key": key, **condition}},
        *({"Delete": {"TableName": table, "Key": other}} for other in others),
    )
    return refused is None


def check(tenant: str, kind: Kind) -> None:
    """Raise Conflict `too_many_…` where the tenant has as many as it may: for work that comes before `create`."""
    found = aws.dynamodb().get_item(TableName=settings().tenants_table, Key=_key(tenant))
    if int(found.get("Item", {}).get(kind, {}).get("N", 0)) >= _limit(kind):
        raise _too_many(kind)


def _too_many(kind: Kind) -> Conflict:
    what, parameter, code = _PARAMETERS[kind]
    return Conflict(f"A tenant may have {_limit(kind):,} {what} ({parameter}); delete one first", code=code)


def _limit(kind: Kind) -> int:
    limits = settings()
    return {
        "webhooks": limits.max_webhooks,
        "integrations": limits.max_integrations,
        "eventTypes": limits.max_event_types,
    }[kind]


def _key(tenant: str) -> Any:
    return marshal_item({"pk": f"{tenant}#counts", "sk": "1"})


def _counted(
    tenant: str, kind: Kind, change: int, *, condition: str = "", values: Mapping[str, int] | None = None
) -> dict[str, Any]:
    update: dict[str, Any] = {
        "TableName": settings().tenants_table,
        "Key": _key(tenant),
        "UpdateExpression": "ADD #kind :change",
        "ExpressionAttributeNames": {"#kind": kind},
        "ExpressionAttributeValues": marshal_item({":change": change, **(values or {})}),
    }
    return {"Update": update | ({"ConditionExpression": condition} if condition else {})}


def _transact(*actions: Any) -> int | None:
    """Carry out all or nothing; the index of the action whose condition does not hold. Raises Conflict where others
    change the same items all the time."""
    for attempt in range(_TRIES):
        try:
            aws.dynamodb().transact_write_items(TransactItems=actions)
        except ClientError as error:
            answer: Any = error.response
            codes = [reason.get("Code") for reason in answer.get("CancellationReasons", [])]
            if "ConditionalCheckFailed" in codes:
                return codes.index("ConditionalCheckFailed")
            if "TransactionConflict" not in codes:
                raise
            time.sleep(random.random() * min(_WAIT_SECONDS, 0.01 * 2**attempt))  # noqa: S311 - spreads repeats
        else:
            return None
    raise Conflict("Too many requests change the same resources; try again", code="changed_meanwhile")
