"""Webhook subscriptions: create and change. They are integrations of type `webhook`; see `integrations.service`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic.alias_generators import to_camel

from jobsprint.connectors.base import Connection
from jobsprint.connectors.registry import connector_for
from jobsprint.core.clock import now_ms
from jobsprint.core.config import settings
from jobsprint.core.errors import Detail, wrong_fields
from jobsprint.core.ids import new_id
from jobsprint.core.observability import logger
from jobsprint.delivery import polling_expiry
from jobsprint.domain import endpoint_health, integrations
from jobsprint.domain.endpoint_health import EndpointHealth
from jobsprint.domain.integrations import NOT_MCP, NOT_POLLING, DeliveryPolicy, Integration
from jobsprint.repositories.endpoint_health import EndpointHealthStore
from jobsprint.repositories.integrations import IntegrationStore
from jobsprint.security.credentials import Credentials, decrypt_credentials, encrypt_credentials, rotated
from jobsprint.security.signing import generate_secret


@dataclass(frozen=True)
class Created:
    """A new webhook and its signing secret, which is shown this once."""

    webhook: Integration
    secret: str


@dataclass(frozen=True)
class Rotated:
    """A webhook with a new signing secret, shown this once, and when its old ones end (Unix ms), newest first."""

    webhook: Integration
    secret: str
    ends: tuple[int, ...]


def create(tenant: str, name: str, target: Mapping[str, object], policy: DeliveryPolicy) -> Created:
    """Subscribe an address, or a polling endpoint as `policy` says, to events; generate a secret when none is given.

    `target` holds events and maybe a secret; of an address also its url and maybe headers. Raises InvalidFields, and
    Conflict at the tenant's limit.
    """
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
    connection = _connection(draft, target, Credentials())
    polling_expiry.schedule(draft)
    webhook = IntegrationStore(tenant).create(_with_connection(draft, connection))
    return Created(webhook, connection.credentials.secrets[0])


def change(
    tenant: str,
    webhook_id: str,
    *,
    name: str | None,
    active: bool | None,
    target: Mapping[str, object],
    policy: Mapping[str, Any],
) -> Integration:
    """Change the given fields; `active` pauses or resumes, and `policy` holds fields of a DeliveryPolicy.

    Raises NotFound and InvalidFields.
    """
    store = IntegrationStore(tenant)
    webhook = store.webhook(webhook_id)
    if webhook.is_polling or webhook.is_mcp:
        _refuse({*target, *policy}, NOT_POLLING if webhook.is_polling else NOT_MCP)
    changed = replace(webhook, name=name or webhook.name, policy=replace(webhook.policy, **policy))
    if target:
        connection = _connection(webhook, target, decrypt_credentials(webhook))
        changed = _with_connection(changed, connection)
    if active is False:
        changed = integrations.disconnected(changed, now_ms())
    elif active and webhook.status != "connected":
        changed = resumed(changed)
    return store.update(changed)


def resumed(webhook: Integration) -> Integration:
    """The webhook enabled again, yet to be stored, and its endpoint health with it."""
    # Health first: otherwise it could be disabled again because of failures before it was paused.
    now = now_ms()
    EndpointHealthStore(webhook.tenant).change(
        webhook.id, lambda state: (_resumed_health(webhook, state, now), None), now=now
    )
    return integrations.resumed(webhook)


def rotate_secret(tenant: str, webhook_id: str, *, secret: str | None, overlap_seconds: int) -> Rotated:
    """Give a webhook a new signing secret, generated if none is given; the old one signs too during the overlap.

    Raises NotFound, InvalidFields for the secret in use, and Conflict where too many old secrets are still valid, the
    webhook was changed meanwhile (of two concurrent rotations one wins), or an MCP client subscribed it.
    """
    webhook = IntegrationStore(tenant).webhook(webhook_id)
    integrations.require_own_secret(webhook)
    now = now_ms()
    new = secret or generate_secret()
    credentials = rotated(decrypt_credentials(webhook), new, overlap_ms=overlap_seconds * 1000, now=now)
    changed = IntegrationStore(tenant).update(encrypt_credentials(webhook, credentials))
    logger.info("secret_rotated", extra={"webhookId": webhook_id, "oldSecrets": len(credentials.retired)})
    return Rotated(changed, new, tuple(old.until for old in credentials.retired))


def _refuse(names: Collection[str], refused: Mapping[str, str]) -> None:
    """Raise InvalidFields for those names that are among the `refused` fields."""
    given = {to_camel(name) for name in names}
    if wrong := [Detail(f"body.{name}", why) for name, why in refused.items() if name in given]:
        raise wrong_fields(wrong)


def _resumed_health(webhook: Integration, health: EndpointHealth, now: int) -> EndpointHealth:
    """The health of a webhook that is enabled again; a crash may have lost that it was disabled."""
    at, reason = webhook.disconnected_at, webhook.status_reason
    if at and reason and health.disabled_at != at:
        health = endpoint_health.disabled(health, reason, at=at, totals=None, may_publish=True, now=now)
    return endpoint_health.resumed(health)


def _connection(webhook: Integration, target: Mapping[str, object], current: Credentials) -> Connection:
    connector = connector_for("webhook")
    return connector.connect(webhook, connector.read(webhook, target, current=current), current=current)


def _with_connection(webhook: Integration, connection: Connection) -> Integration:
    return replace(
        encrypt_credentials(webhook, connection.credentials),
        events=tuple(capability.name for capability in connection.capabilities),
    )
