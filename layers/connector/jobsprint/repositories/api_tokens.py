"""API tokens: id (key), tenant, SHA-256 of the token, scopes, limits, times. The token itself is never kept.

A token that another one made names it as its parent, and is read together with it: it is revoked when its parent is. So
a revocation is one write, and there is no moment at which a new token could escape it.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.domain.callers import NO_LIMITS, Limits
from jobsprint.repositories.dynamodb import Item, Query, batch_get, marshal_item, read_page, unmarshal_item, written

# A token that ended is kept this long for the listing, then removed.
_KEEP_ENDED_SECONDS = 30 * 86400
_PAGE = 100


@dataclass(frozen=True)
class TokenRow:
    """A kept token. Times are Unix milliseconds.

    `parent` is the id of the token that made it; None for one that an operator made. `revoked_at` is when it was
    revoked, or its parent.
    """

    id: str
    tenant: str
    digest: str
    scopes: tuple[str, ...]
    created_at: int
    expires_at: int | None = None
    revoked_at: int | None = None
    name: str = ""
    limits: Limits = NO_LIMITS
    parent: str | None = None

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
        "name": token.name or None,
        "actions": list(token.limits.actions) or None,
        "readOnly": token.limits.read_only or None,
        "parent": token.parent,
    }
    aws.dynamodb().put_item(
        TableName=settings().tokens_table, Item=marshal_item(item), ConditionExpression="attribute_not_exists(id)"
    )


def find(token_id: str) -> TokenRow | None:
    """The token of that id."""
    token = _get(token_id)
    return token and (_under(token, _get(token.parent)) if token.parent else token)


def descends_from(token_id: str, ancestor: str) -> bool:
    """Whether a token is `ancestor`, or was made by it, or by one that was."""
    while token_id != ancestor:
        token = _get(token_id)
        if token is None or token.parent is None:
            return False
        token_id = token.parent
    return True


def page(tenant: str, *, limit: int, position: str | None = None) -> tuple[list[TokenRow], str | None]:
    """A page of a tenant's tokens, newest first, at most 100; and the position to go on from."""
    query = Query(
        table=settings().tokens_table,
        key=("tenant", tenant),
        resume=lambda token_id: {"tenant": tenant, "id": token_id},
        sort="id",
        index="byTenant",
        consistent=False,
    )
    found = read_page(
        query, limit=limit, position=position, position_of=lambda item: str(item["id"]), keep=lambda _: True
    )
    return _with_parents([_row(item) for item in found.items]), found.position


def of_tenant(tenant: str) -> list[TokenRow]:
    """Every token of a tenant, newest first."""
    rows, position = page(tenant, limit=_PAGE)
    while position:
        more, position = page(tenant, limit=_PAGE, position=position)
        rows += more
    return rows


def revoke(token_id: str, now: int, *, tenant: str | None = None) -> bool:
    """End a token, of that tenant or of any, at `now` (ms), and with it those it made.

    False when there is none of that id. A second revocation changes nothing.
    """
    owned = "tenant = :tenant" if tenant else "attribute_exists(id)"
    values = {":now": now, ":remove": int(time.time()) + _KEEP_ENDED_SECONDS, ":tenant": tenant}
    return written(
        lambda: aws.dynamodb().update_item(
            TableName=settings().tokens_table,
            Key=marshal_item({"id": token_id}),
            UpdateExpression="SET revokedAt = if_not_exists(revokedAt, :now), removeAt = :remove",
            ConditionExpression=owned,
            ExpressionAttributeValues=marshal_item(values),
        )
    )


def _get(token_id: str) -> TokenRow | None:
    """A token as it is stored, whatever happened to its parent."""
    answer = aws.dynamodb().get_item(
        TableName=settings().tokens_table, Key=marshal_item({"id": token_id}), ConsistentRead=True
    )
    return _row(unmarshal_item(answer["Item"])) if "Item" in answer else None


def _with_parents(tokens: list[TokenRow]) -> list[TokenRow]:
    ids = {token.parent for token in tokens if token.parent}
    parents = {row.id: row for row in _find_all(ids)}
    return [_under(token, parents.get(token.parent)) if token.parent else token for token in tokens]


def _find_all(ids: Iterable[str]) -> list[TokenRow]:
    found = batch_get(settings().tokens_table, [{"id": token_id} for token_id in sorted(ids)], consistent=True)
    return [_row(item) for item in found]


def _under(token: TokenRow, parent: TokenRow | None) -> TokenRow:
    """The token as its parent leaves it. A parent that is not kept any more has ended; when, nobody knows."""
    if parent is None:
        return replace(token, revoked_at=token.revoked_at or token.created_at)
    return replace(token, revoked_at=token.revoked_at or parent.revoked_at)


def _row(item: Item) -> TokenRow:
    return TokenRow(
        id=item["id"],
        tenant=item["tenant"],
        digest=item["digest"],
        scopes=tuple(item["scopes"]),
        created_at=item["createdAt"],
        expires_at=item.get("expiresAt"),
        revoked_at=item.get("revokedAt"),
        name=item.get("name", ""),
        limits=Limits(tuple(item.get("actions", ())), item.get("readOnly", False)),
        parent=item.get("parent"),
    )
