"""From connect to delete: what changes an integration, and the events that tell of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pydantic import BaseModel, ConfigDict, Field

from jobsprint.catalog.builtin import App, find_app
from jobsprint.connectors.base import Connection
from jobsprint.connectors.fields import Configuration, Description, Name
from jobsprint.connectors.registry import connector_for
from jobsprint.delivery.publish import announce
from jobsprint.domain import rules
from jobsprint.domain.errors import Conflict, InvalidFields, NotFound
from jobsprint.domain.ids import is_id, new_id
from jobsprint.domain.models import Health, Integration
from jobsprint.domain.times import now_ms
from jobsprint.domain.validation import all_wrong, validate
from jobsprint.security.credentials import Credentials, open_credentials, seal_credentials, wiped
from jobsprint.store.integrations import IntegrationStore

_DESCRIBED = frozenset({"name", "description", "configuration"})


class Described(BaseModel):
    """What every connection may be given beside what its connector needs; a null in `configuration` removes a name."""

    model_config = ConfigDict(extra="ignore", strict=True)

    name: Name | None = None
    description: Description | None = None
    configuration: Configuration = Field(default_factory=dict)


class Named(Described):
    """The same for what has no name of its own."""

    name: Name


@dataclass(frozen=True, slots=True)
class Connected:
    """The outcome of a connect: the integration, a sentence, whether it is new, and where to consent if need be."""

    integration: Integration
    message: str
    created: bool
    auth_url: str | None = None


def connect(tenant: str, target: str, body: Mapping[str, object]) -> Connected:
    """Connects an application of the catalogue, reconnects an `int_…`, or resumes a paused `wh_…`.

    Raises NotFound, Conflict `already_connected`, InvalidFields and NotAvailableYet.
    """
    if is_id(target, "wh"):
        return _resume(tenant, target)
    if is_id(target, "int"):
        return _reconnect(tenant, target, body)
    app = find_app(target)
    if app is None:
        raise NotFound(
            f"There is no application {target[:100]!r}; GET /v1/integrations/available lists them",
            code="application_not_found",
        )
    return _connect_new(tenant, app, body)


def change(tenant: str, integration_id: str, body: Mapping[str, object]) -> Integration:
    """Changes name, description, configuration and what the connector was given.

    Raises NotFound, InvalidFields, and Conflict for changed credentials of what is not connected.
    """
    store = IntegrationStore(tenant)
    integration = store.get(integration_id)
    if integration.type == "webhook":
        raise InvalidFields.one("path.integrationId", f"change a webhook at /v1/integrations/webhooks/{integration_id}")
    if not _given(body):
        return store.update(_described(integration, body))
    if integration.status != "connected":
        raise Conflict(f"{integration_id} is {integration.status}; connect it with these fields", code="not_connected")
    changed, _ = _checked(integration, body, current=open_credentials(integration))
    kept = store.update(changed)
    store.reset_circuit(integration_id)
    return kept


def disconnect(tenant: str, integration_id: str) -> Integration:
    """Wipes the credentials and keeps the history; pauses a webhook, which keeps its secret. Twice is the same."""
    store = IntegrationStore(tenant)
    integration = store.get(integration_id)
    changed = rules.disconnected(integration, now_ms())
    if changed is integration:
        return integration
    if integration.type == "webhook":
        return store.update(changed)
    kept = store.update(wiped(changed))
    announce(tenant, "integration.disconnected", {"id": integration_id, "name": kept.name}, about=integration_id)
    return kept


def delete(tenant: str, integration_id: str) -> None:
    """Deletes an integration that is not connected; its logs stay until their time is up. Raises Conflict."""
    store = IntegrationStore(tenant)
    integration = store.get(integration_id)
    if integration.status == "connected":
        raise Conflict(f"{integration_id} is connected; disconnect it first", code="still_connected")
    store.delete(integration)


def _connect_new(tenant: str, app: App, body: Mapping[str, object]) -> Connected:
    now = now_ms()
    draft = Integration(
        tenant=tenant,
        id=new_id("int", now),
        type=app.type,
        name="" if app.type == "custom" else app.name,
        description=app.description,
        status="pending",
        created_at=now,
        app=app.id,
        icon=app.icon,
    )
    ready, connection = _checked(draft, body, current=Credentials())
    return _announced(IntegrationStore(tenant).create(ready), connection, created=True)


def _reconnect(tenant: str, integration_id: str, body: Mapping[str, object]) -> Connected:
    store = IntegrationStore(tenant)
    integration = store.get(integration_id)
    if integration.status == "connected":
        raise Conflict(f"{integration_id} is connected already; change it with PATCH", code="already_connected")
    ready, connection = _checked(integration, body, current=open_credentials(integration))
    connected = store.update(ready)
    store.keep_health(integration_id, Health())
    store.reset_circuit(integration_id)
    return _announced(connected, connection, created=False)


def _resume(tenant: str, webhook_id: str) -> Connected:
    store = IntegrationStore(tenant)
    webhook = store.get(webhook_id)
    if webhook.status == "connected":
        raise Conflict(f"{webhook_id} is active already", code="already_connected")
    resumed = replace(webhook, status="connected", disconnected_at=None, status_reason=None)
    return Connected(store.update(resumed), "Resumed; events are delivered again from now on", created=False)


def _announced(integration: Integration, connection: Connection, *, created: bool) -> Connected:
    if integration.status == "connected":
        data = {"id": integration.id, "type": integration.type, "name": integration.name}
        announce(integration.tenant, "integration.connected", data, about=integration.id)
    return Connected(integration, connection.message, created, connection.auth_url)


def _described(integration: Integration, body: Mapping[str, object]) -> Integration:
    given = validate(Described if integration.name else Named, body)
    configuration = rules.merged(integration.configuration, given.configuration)
    if not rules.fits_configuration(configuration):
        raise InvalidFields.one("body.configuration", "with what is kept already, up to 50 names and 16 KB as JSON")
    return replace(
        integration,
        name=given.name or integration.name,
        description=integration.description if given.description is None else given.description,
        configuration=configuration,
    )


def _checked(
    integration: Integration, body: Mapping[str, object], *, current: Credentials
) -> tuple[Integration, Connection]:
    """The integration as the body wants it, and what its connector said. Raises InvalidFields naming all wrong ones."""
    wrong: list[InvalidFields] = []
    described = integration
    try:
        described = _described(integration, body)
    except InvalidFields as error:
        wrong.append(error)
    try:
        connection = connector_for(integration.type).connect(described, _given(body), current=current)
    except InvalidFields as error:
        raise all_wrong([*wrong, error]) from error
    if wrong:
        raise wrong[0]
    return _settled(described, connection), connection


def _given(body: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in body.items() if name not in _DESCRIBED}


def _settled(integration: Integration, connection: Connection) -> Integration:
    connected_at = integration.connected_at
    if connection.status == "connected" and integration.status != "connected":
        connected_at = now_ms()
    return replace(
        seal_credentials(integration, connection.credentials),
        capabilities=connection.capabilities,
        facts=connection.facts,
        status=connection.status,
        status_reason=connection.reason,
        connected_at=connected_at,
        disconnected_at=None,
    )
