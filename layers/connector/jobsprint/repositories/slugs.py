"""Slugs of integrations: one item for each, so that no two integrations of a tenant have the same.

    pk <tenant>#slugs   sk <slug>   integration <id>

It is written and deleted in one transaction with its integration (`repositories.integrations`).
"""

from typing import Any

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.domain.integrations import Integration
from jobsprint.repositories.dynamodb import MAX_READ, Query, marshal_item, read_page, unmarshal_item

# What a slug begins with whatever its number: six digits, and the `_` before and maybe one more, may replace its end.
_STEM = 16


def key(integration: Integration) -> dict[str, Any]:
    """The key of the item that holds an integration's slug."""
    return marshal_item({"pk": _partition(integration.tenant), "sk": integration.slug})


def item(integration: Integration) -> dict[str, Any]:
    """The item that holds an integration's slug."""
    return {**key(integration), **marshal_item({"integration": integration.id})}


def owner(tenant: str, slug: str) -> str | None:
    """The id of the integration with that slug."""
    wanted = marshal_item({"pk": _partition(tenant), "sk": slug})
    answer = aws.dynamodb().get_item(TableName=settings().tenants_table, Key=wanted, ConsistentRead=True)
    found = unmarshal_item(answer.get("Item", {})).get("integration")
    return str(found) if found else None


def taken(tenant: str, slug: str) -> set[str]:
    """The slugs of a tenant among which all numbers of this one are (`domain.slugs.numbered`)."""
    stem, partition = slug[:_STEM], _partition(tenant)
    query = Query(
        table=settings().tenants_table,
        key=("pk", partition),
        resume=lambda sk: {"pk": partition, "sk": sk},
        low=stem,
        high=f"{stem}~",
        fields=("sk",),
    )
    found: set[str] = set()
    position: str | None = None
    while True:
        page = read_page(
            query, limit=MAX_READ, position=position, position_of=lambda one: str(one["sk"]), keep=lambda _: True
        )
        found |= {str(one["sk"]) for one in page.items}
        position = page.position
        if position is None:
            return found


def _partition(tenant: str) -> str:
    return f"{tenant}#slugs"
