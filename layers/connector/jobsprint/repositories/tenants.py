"""Which tenants exist: pk <tenant>#tenant, sk 1. A tenant begins with its first token and ends when it is erased."""

from typing import Any

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.core.errors import NotFound
from jobsprint.repositories.dynamodb import marshal_item


def add(tenant: str) -> None:
    """Note that a tenant exists; a second time changes nothing."""
    aws.dynamodb().put_item(TableName=settings().tenants_table, Item=_key(tenant))


def check(tenant: str) -> None:
    """Raise NotFound `tenant_not_found` for a tenant that does not exist."""
    answer = aws.dynamodb().get_item(TableName=settings().tenants_table, Key=_key(tenant), ConsistentRead=True)
    if "Item" not in answer:
        raise NotFound(f"There is no tenant {tenant!r}; its first token makes it", code="tenant_not_found")


def _key(tenant: str) -> Any:
    return marshal_item({"pk": f"{tenant}#tenant", "sk": "1"})
