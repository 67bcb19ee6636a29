"""API tokens: id (key), tenant, SHA-256 of the token, scopes, times. The token itself is never kept."""

import time
from dataclasses import dataclass
from typing import Any

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.repositories.dynamodb import Item, marshal_item, unmarshal_item, written

# A token that ended is kept this long for the listing, then removed.
_KEEP_ENDED_SECONDS = 30 * 86400


@dataclass(frozen=True)
class TokenRow:
    """A kept token. Times are Unix milliseconds."""

    id: str
    tenant: str
    digest: str
    scopes: tuple[str, ...]
    created_at: int
    expires_at: int | None = None
    revoked_at: int | None = None

    def valid_at(self, now: int) -> bool:
        """Whether it may be used at `now` (ms)."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def add(token: TokenRow) -> None:
    """Store a new token."""
    item: dict[str, Any] = {
        "id": token.id,
        "tenant": token.tenant,
        "digest": token.digest,
        "scopes": list(token.scopes),
        "createdAt": token.created_at,
        "expiresAt": token.expires_at,
        "removeAt": token.expires_at and token.expires_at // 1000 + _KEEP_ENDED_SECONDS,
    }
    aws.dynamodb().put_item(
        TableName=settings().tokens_table, Item=marshal_item(item), ConditionExpression="attribute_not_exists(id)"
    )


def find(token_id: str) -> TokenRow | None:
    """The token of that id."""
    answer = aws.dynamodb().get_item(
        TableName=settings().tokens_table, Key=marshal_item({"id": token_id}), ConsistentRead=True
    )
    return _row(unmarshal_item(answer["Item"])) if "Item" in answer else None


def of_tenant(tenant: str) -> list[TokenRow]:
    """Every token of a tenant, newest first."""
    request: dict[str, Any] = {
        "TableName": settings().tokens_table,
        "IndexName": "byTenant",
        "KeyConditionExpression": "tenant = :tenant",
        "ExpressionAttributeValues": marshal_item({":tenant": tenant}),
        "ScanIndexForward": False,
    }
    rows: list[TokenRow] = []
    while True:
        answer = aws.dynamodb().query(**request)
        rows += [_row(unmarshal_item(item)) for item in answer["Items"]]
        if "LastEvaluatedKey" not in answer:
            return rows
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def revoke(token_id: str, now: int) -> bool:
    """End a token at `now` (ms); False when there is none of that id. A second revocation changes nothing."""
    return written(
        lambda: aws.dynamodb().update_item(
            TableName=settings().tokens_table,
            Key=marshal_item({"id": token_id}),
            UpdateExpression="SET revokedAt = if_not_exists(revokedAt, :now), removeAt = :remove",
            ConditionExpression="attribute_exists(id)",
            ExpressionAttributeValues=marshal_item({":now": now, ":remove": int(time.time()) + _KEEP_ENDED_SECONDS}),
        )
    )


def _row(item: Item) -> TokenRow:
    return TokenRow(
        id=item["id"],
        tenant=item["tenant"],
        digest=item["digest"],
        scopes=tuple(item["scopes"]),
        created_at=item["createdAt"],
        expires_at=item.get("expiresAt"),
        revoked_at=item.get("revokedAt"),
    )
