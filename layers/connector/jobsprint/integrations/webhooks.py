"""Webhook subscriptions: create and change. They are integrations of type `webhook`; see `integrations.lifecycle`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from jobsprint.config import settings
from jobsprint.connectors.base import Connection
from jobsprint.connectors.registry import connector_for
from jobsprint.domain.errors import Conflict, NotFound
from jobsprint.domain.ids import is_id, new_id
from jobsprint.domain.models import DeliveryPolicy, Integration
from jobsprint.domain.rules import disconnected
from jobsprint.domain.times import now_ms
from jobsprint.security.credentials import Credentials, open_credentials, seal_credentials
from jobsprint.store.integrations import IntegrationStore


@dataclass(frozen=True, slots=True)
class Created:
    """A new webhook and its signing secret, which is shown this once."""

    webhook: Integration
    secret: str


def create(tenant: str, name: str, target: Mapping[str, object], policy: DeliveryPolicy) -> Created:
    """Subscribes an address to events; makes a secret when none is given.

    `target` holds url, events and maybe headers and secret. Raises InvalidFields, and Conflict at the tenant's limit.
    """
    store = IntegrationStore(tenant)
    if len(store.webhooks()) >= settings().max_webhooks:
        raise Conflict(
            f"A tenant may have {settings().max_webhooks} webhooks; delete one first", code="too_many_webhooks"
        )
    now = now_ms()
    draft = Integration(
        tenant=tenant,
        id=new_id("wh", now),
        type="webhook",
        name=name,
        status="connected",
        created_at=now,
        connected_at=now,
        app="webhook",
        icon=f"{settings().icon_base_url}/webhook.png",
        policy=policy,
    )
    connection = connector_for("webhook").connect(draft, target, current=Credentials())
    webhook = store.create(_settled(draft, connection))
    return Created(webhook, connection.credentials.secrets[0])


def find(tenant: str, webhook_id: str) -> Integration:
    """The webhook of that id. Raises NotFound, also for the id of another kind of integration."""
    if not is_id(webhook_id, "wh"):
        raise NotFound(f"There is no webhook {webhook_id[:100]!r}", code="webhook_not_found")
    return IntegrationStore(tenant).get(webhook_id)


def change(
    tenant: str,
    webhook_id: str,
    *,
    name: str | None,
    active: bool | None,
    target: Mapping[str, object],
    policy: Mapping[str, Any],
) -> Integration:
    """Changes what is given; `active` pauses or resumes, and `policy` holds fields of a DeliveryPolicy.

    Raises NotFound and InvalidFields.
    """
    store = IntegrationStore(tenant)
    webhook = find(tenant, webhook_id)
    changed = replace(webhook, name=name or webhook.name, policy=replace(webhook.policy, **policy))
    if target:
        connection = connector_for("webhook").connect(webhook, target, current=open_credentials(webhook))
        changed = _settled(changed, connection)
    if active is False:
        changed = disconnected(changed, now_ms())
    elif active:
        changed = replace(changed, status="connected", disconnected_at=None, status_reason=None)
    return store.update(changed)


def delete(tenant: str, webhook_id: str) -> None:
    """Deletes a webhook; what is still on its way to it ends as `discarded`."""
    IntegrationStore(tenant).delete(find(tenant, webhook_id))


def _settled(webhook: Integration, connection: Connection) -> Integration:
    return replace(
        seal_credentials(webhook, connection.credentials),
        events=tuple(capability.name for capability in connection.capabilities),
    )
