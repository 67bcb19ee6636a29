"""Addresses that passed the challenge of MCP Events: pk <tenant>#callback, sk a hash of token id and URL, for a day."""

import hashlib

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.repositories.dynamodb import Item, live, marshal_item, unmarshal_item

KEPT_SECONDS = 24 * 3600


def is_verified(tenant: str, token_id: str, url: str, now: int) -> bool:
    """Whether that token's challenge to the URL was passed within a day; `now` in ms."""
    answer = aws.dynamodb().get_item(
        TableName=settings().requests_table, Key=marshal_item(_key(tenant, token_id, url)), ConsistentRead=True
    )
    item = unmarshal_item(answer.get("Item", {}))
    return bool(item) and live(item, now)


def keep(tenant: str, token_id: str, url: str, now: int) -> None:
    """Store that the challenge was passed at `now` (ms)."""
    item: Item = {**_key(tenant, token_id, url), "expiresAt": now // 1000 + KEPT_SECONDS}
    aws.dynamodb().put_item(TableName=settings().requests_table, Item=marshal_item(item))


def _key(tenant: str, token_id: str, url: str) -> dict[str, str]:
    return {"pk": f"{tenant}#callback", "sk": hashlib.sha256(f"{token_id}\0{url}".encode()).hexdigest()}
