"""The items of `repositories.integrations` and what they hold."""

import hashlib
import json
from typing import Any, TypeVar

from pydantic import TypeAdapter

from jobsprint.core.ids import unique_part
from jobsprint.domain import capabilities
from jobsprint.domain.circuit_breaker import CircuitBreaker
from jobsprint.domain.integrations import Activity, ApprovalRule, Capability, DeliveryPolicy, Health, Integration
from jobsprint.repositories.dynamodb import Item, marshal_item

HEALTH_SHARDS = 8
HEALTH = TypeAdapter(Health)
_POLICY = TypeAdapter(DeliveryPolicy)
_APPROVAL = TypeAdapter(ApprovalRule)
_Part = TypeVar("_Part", DeliveryPolicy, ApprovalRule)


def partition_key(tenant: str) -> str:
    """The partition key of a tenant's integrations."""
    return f"{tenant}#integration"


def _health_shard(integration: Integration) -> str | None:
    if integration.type == "webhook" or integration.status != "connected":
        return None
    return str(hashlib.sha256(integration.id.encode()).digest()[0] % HEALTH_SHARDS)


def to_item(integration: Integration) -> dict[str, Any]:
    """The item of an integration, as DynamoDB's attribute values."""
    sort = unique_part(integration.id)
    item = {
        "pk": partition_key(integration.tenant),
        "sk": sort,
        "typeKey": f"{integration.type}#{sort}",
        "statusKey": f"{integration.status}#{sort}",
        "healthShard": _health_shard(integration),
        "id": integration.id,
        "type": integration.type,
        "name": integration.name,
        "status": integration.status,
        "app": integration.app,
        "slug": integration.slug or None,
        "createdAt": integration.created_at,
        "description": integration.description or None,
        "icon": integration.icon or None,
        "connectedAt": integration.connected_at,
        "disconnectedAt": integration.disconnected_at,
        "capabilities": capabilities.pack(integration.capabilities) if integration.capabilities else None,
        "capabilityNames": [capability.name for capability in integration.capabilities] or None,
        "events": list(integration.events) or None,
        "configuration": json.dumps(integration.configuration) if integration.configuration else None,
        "connectorState": json.dumps(integration.connector_state) if integration.connector_state else None,
        "shownUrl": integration.shown_url or None,
        "headerNames": list(integration.header_names) or None,
        "signed": integration.signed or None,
        "encrypted": dict(integration.encrypted) or None,
        "encryptedVersion": integration.encrypted_version or None,
        "statusReason": integration.status_reason,
        "grant": integration.grant,
        "policy": _unless_default(_POLICY, integration.policy),
        "approval": _unless_default(_APPROVAL, integration.approval),
        "missingScope": integration.missing_scope or None,
        "watched": integration.watched or None,
        "version": integration.version,
    }
    return marshal_item(item)


def from_item(item: Item) -> Integration:
    """The integration of an item; one from an index has the names of its capabilities only."""
    return Integration(
        tenant=item["pk"].partition("#")[0],
        id=item["id"],
        type=item["type"],
        name=item["name"],
        status=item["status"],
        app=item["app"],
        slug=item.get("slug", ""),
        created_at=item["createdAt"],
        description=item.get("description", ""),
        icon=item.get("icon", ""),
        connected_at=item.get("connectedAt"),
        disconnected_at=item.get("disconnectedAt"),
        capabilities=_capabilities(item),
        events=tuple(item.get("events", [])),
        configuration=json.loads(item.get("configuration", "{}")),
        connector_state=json.loads(item.get("connectorState", "{}")),
        shown_url=item.get("shownUrl", ""),
        header_names=tuple(item.get("headerNames", [])),
        signed=item.get("signed", False),
        encrypted=item.get("encrypted", {}),
        encrypted_version=item.get("encryptedVersion", 0),
        status_reason=item.get("statusReason"),
        grant=item.get("grant"),
        policy=_POLICY.validate_json(item.get("policy", "{}")),
        approval=_APPROVAL.validate_json(item.get("approval", "{}")),
        missing_scope=item.get("missingScope", ""),
        watched=item.get("watched", False),
        version=item["version"],
    )


def _unless_default(adapter: TypeAdapter[_Part], part: _Part) -> str | None:
    """A part of an integration as JSON text; None where it says nothing."""
    return adapter.dump_json(part).decode() if part != type(part)() else None


def _capabilities(item: Item) -> tuple[Capability, ...]:
    """Whole ones from the table; an index holds their names only."""
    if "capabilities" in item:
        return capabilities.unpack(item["capabilities"])
    return tuple(Capability(name) for name in item.get("capabilityNames", []))


def activity_of(item: Item) -> Activity:
    """The activity in an item; a default one in an empty item."""
    return Activity(
        successful=item.get("successful", 0),
        failed=item.get("failed", 0),
        last_used=item.get("lastUsed"),
        last_polled=item.get("lastPolled"),
        health=HEALTH.validate_json(item.get("health", "{}")),
        circuit_breaker=CircuitBreaker(
            failures=item.get("failures", 0),
            failing_since=item.get("failingSince", 0),
            open_until=item.get("openUntil", 0),
            limited_until=item.get("limitedUntil", 0),
        ),
    )
