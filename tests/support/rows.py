"""What stands in the tables, for showing that a refused request changed nothing, and a way to make integrations."""

import json
from typing import Any

from jobsprint.core import aws
from jobsprint.core.canonical_json import JsonObject
from jobsprint.core.ids import new_id
from jobsprint.domain.integrations import Capability, Integration, IntegrationStatus, IntegrationType
from jobsprint.domain.slugs import slug_of
from jobsprint.repositories.integrations import IntegrationStore
from tests.support.call import call
from tests.support.template import resources


def rows(table: str | None = None) -> list[str]:
    """Every item of every table (or of one), as sorted JSON text.

    Without the request rates of tenants, which also a refused request changes, and without the audit trail, which has
    operations that were refused.
    """
    left_out = {"LimitsTable", "AuditTable"}
    names = [table] if table else [name for name in resources("AWS::DynamoDB::Table") if name not in left_out]
    items = [
        f"{name} {json.dumps(item, sort_keys=True, default=str)}"
        for name in names
        for page in aws.dynamodb().get_paginator("scan").paginate(TableName=name)
        for item in page["Items"]
    ]
    return sorted(items)


def stored(
    *,
    tenant: str = "acme",
    kind: IntegrationType = "zapier",
    name: str = "Slack",
    status: IntegrationStatus = "connected",
    made_at: int = 1_735_689_600_000,
    **more: Any,
) -> Integration:
    """An integration put straight into the store: for types that cannot be connected yet."""
    integration = Integration(
        tenant=tenant,
        id=new_id("int", made_at),
        type=kind,
        name=name,
        description=more.pop("description", f"All about {name}"),
        status=status,
        created_at=made_at,
        connected_at=made_at,
        slug=slug_of(name),
        app=f"{kind}_{name.lower()}",
        icon=f"https://cdn.jobsprint.io/icons/{name.lower()}.png",
        **more,
    )
    return IntegrationStore(tenant).create(integration)


def capability(name: str, description: str | None = None, schema: JsonObject | None = None) -> Capability:
    """A capability whose parameters are `schema`."""
    return Capability(name, description, schema or {"type": "object"})


def connected(url: str, tenant: str = "acme", **body: Any) -> str:
    """The id of a custom integration connected through the API."""
    answer = call(
        "POST",
        "/integrations/custom_webhook/connect",
        tenant=tenant,
        body={"name": "My endpoint", "url": url, **body},
    )
    assert answer.status == 201, answer.body
    return str(answer.data["id"])


def subscribed(tenant: str = "acme", **body: Any) -> dict[str, Any]:
    """A webhook created through the API, as the answer shows it."""
    given = {"name": "My webhook", "url": "https://hooks.example.com/in", "events": ["workflow.executed"], **body}
    answer = call("POST", "/integrations/webhooks", tenant=tenant, body=given)
    assert answer.status == 201, answer.body
    return dict(answer.data)
