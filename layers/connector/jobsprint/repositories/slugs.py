"""Slugs of integrations: one item for each, so that no two integrations of a tenant have the same.

    pk <tenant>#slugs   sk <slug>   integration <id>

It is written and deleted in one transaction with its integration (`repositories.integrations`).
"""

from typing import Any

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.domain.integrations import Integration
from jobsprint.repositories.dynamodb import marshal_item

# What a slug begins with whatever its number: six digits, and the `_` before and maybe one more, may replace its end.
_STEM = 16


def key(integration: Integration) -> dict[str, Any]:
    """The key of the item that holds an integration's slug."""
    return marshal_item({"pk": _partition(integration.tenant), "sk": integration.slug})


def item(integration: Integration) -> dict[str, Any]:
    """The item that holds an integration's slug."""
    return {**key(integration), **marshal_item({"integration": integration.id})}


def taken(tenant: str, slug: str) -> set[str]:
    """The slugs of a tenant among which all numbers of this one are (`domain.slugs.numbered`)."""
    pages = (
        aws.dynamodb()
        .get_paginator("query")
        .paginate(
            TableName=settings().tenants_table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :stem)",
            ExpressionAttributeValues=marshal_item({":pk": _partition(tenant), ":stem": slug[:_STEM]}),
            ProjectionExpression="sk",
            ConsistentRead=True,
        )
    )
    return {found["sk"]["S"] for page in pages for found in page["Items"]}


def _partition(tenant: str) -> str:
    return f"{tenant}#slugs"
