"""API tokens: id (key), tenant, SHA-256 of the token, scopes, limits, times. The token itself is never kept.

A token that another one made names it as its parent, and is read together with it: it is revoked when its parent is. So
a revocation is one write, and there is no moment at which a new token could escape it.

Sessions of the portal (`repositories.portal_sessions`) are tokens too, listed under a tenant of their own.
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
    revoked, or its parent. `capabilities` are those of the session of the portal that it is, or that made it. `group`
    is the item that ends all sessions of a name, and `generation` what that said when this one was made.
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
    capabilities: tuple[str, ...] | None = None
    group: str | None = None
    generation: str | None = None

    def valid_at(self, now: int) -> bool:
        """Whether it may be used at `now` (ms)."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def add(token: TokenRow) -> None:
    """Store a new token."""
    put(to_item(token))


def put(item: dict[str, Any]) -> None:
    """Store the item of a new token."""
    aws.dynamodb().put_item(
        TableName=settings().tokens_table, Item=marshal_item(item), ConditionExpression="attribute_not_exists(id)"
    )


def to_item(token: TokenRow) -> dict[str, Any]:
    """The item of a token."""
    webhooks, integrations = token.limits.webhooks, token.limits.integrations
    return {
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
        "webhooks": None if webhooks is None else list(webhooks),
        "integrations": None if integrations is None else list(integrations),
        "capabilities": None if token.capabilities is None else list(token.capabilities),
        "parent": token.parent,
        "group": token.group,
        "generation": token.generation,
    }


def find(token_id: str) -> TokenRow | None:
    """The token of that id."""
    token = _get(token_id)
    if token is None:
        return None
    if token.parent:
        token = _under(token, find(token.parent))
    return _in_group(token, _read(token.group)) if token.group else token


def descends_from(token_id: str, ancestor: str) -> bool:
    """Whether a token is `ancestor`, or was made by it, or by one that was."""
    while token_id != ancestor:
        token = _get(token_id)
        if token is None or token.parent is None:
            return False
        token_id = token.parent
    return True


def page(
    tenant: str, *, limit: int, position: str | None = None, parent: str | None = None
) -> tuple[list[TokenRow], str | None]:
    """A page of a tenant's tokens, newest first, at most 100; and the position to go on from.

    With a `parent`, of those alone that it made.
    """
    query = Query(
        table=settings().tokens_table,
        key=("tenant", tenant),
        resume=lambda token_id: {"tenant": tenant, "id": token_id},
        sort="id",
        index="byTenant",
        consistent=False,
    )
    found = read_page(
        query,
        limit=limit,
        position=position,
        position_of=lambda item: str(item["id"]),
        keep=lambda item: parent in (None, item.get("parent")),
    )
    return _with_parents([row_of(item) for item in found.items]), found.position


def of_tenant(tenant: str) -> list[TokenRow]:
    """Every token of a tenant, newest first."""
    rows, position = page(tenant, limit=_PAGE)
    while position:
        more, position = page(tenant, limit=_PAGE, position=position)
        rows += more
    return rows


def revoke(token_id: str, now: int, *, tenant: str | None = None, parent: str | None = None) -> bool:
    """End a token, of that tenant or of any, at `now` (ms), and with it those it made.

    False when there is none of that id, or with a `parent` none that it made. A second revocation changes nothing.
    """
    owned = "tenant = :tenant" if tenant else "attribute_exists(id)"
    owned += " AND parent = :parent" if parent else ""
    values = {":now": now, ":remove": int(time.time()) + _KEEP_ENDED_SECONDS, ":tenant": tenant, ":parent": parent}
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
    item = _read(token_id)
    return row_of(item) if item else None


def _read(an_id: str) -> Item:
    """The item of that id; an empty one where there is none."""
    answer = aws.dynamodb().get_item(
        TableName=settings().tokens_table, Key=marshal_item({"id": an_id}), ConsistentRead=True
    )
    return unmarshal_item(answer.get("Item", {}))


def _with_parents(tokens: list[TokenRow]) -> list[TokenRow]:
    """The tokens as their parents leave them, and those as theirs."""
    ids = {token.parent for token in tokens if token.parent}
    if not ids:
        return tokens
    parents = {row.id: row for row in _with_parents([row_of(item) for item in _read_all(ids)])}
    groups = {item["id"]: item for item in _read_all({row.group for row in parents.values() if row.group})}
    parents = {row.id: _in_group(row, groups.get(row.group or "", {})) for row in parents.values()}
    return [_under(token, parents.get(token.parent)) if token.parent else token for token in tokens]


def _read_all(ids: Iterable[str]) -> list[Item]:
    return batch_get(settings().tokens_table, [{"id": an_id} for an_id in sorted(ids)], consistent=True)


def _in_group(token: TokenRow, group: Item) -> TokenRow:
    """A session as the item that ends all of its name leaves it.

    Where there is none, nothing was ended for longer than any session lives.
    """
    if not group or group["generation"] == token.generation:
        return token
    return replace(token, revoked_at=token.revoked_at or group["endedAt"])


def _under(token: TokenRow, parent: TokenRow | None) -> TokenRow:
    """The token as its parent leaves it. A parent that is not kept any more has ended; when, nobody knows."""
    if parent is None:
        return replace(token, revoked_at=token.revoked_at or token.created_at)
    return replace(token, revoked_at=token.revoked_at or parent.revoked_at)


def row_of(item: Item) -> TokenRow:
    """The token of an item."""
    return TokenRow(
        id=item["id"],
        tenant=item["tenant"].partition("#")[0],
        digest=item.get("digest", ""),
        scopes=tuple(item["scopes"]),
        created_at=item["createdAt"],
        expires_at=item.get("expiresAt"),
        revoked_at=item.get("revokedAt"),
        name=item.get("name", ""),
        limits=Limits(
            tuple(item.get("actions", ())),
            item.get("readOnly", False),
            _tuple(item.get("webhooks")),
            _tuple(item.get("integrations")),
        ),
        parent=item.get("parent"),
        capabilities=_tuple(item.get("capabilities")),
        group=item.get("group"),
        generation=item.get("generation"),
    )


def _tuple(values: list[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)
