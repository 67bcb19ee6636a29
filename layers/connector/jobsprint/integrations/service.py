"""From connect to delete: what changes an integration, and the events that tell of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from msgspec import field

from jobsprint.catalog.builtin import App
from jobsprint.catalog.search import find_app
from jobsprint.connectors.base import Connection
from jobsprint.connectors.fields import Configuration, Description, Name
from jobsprint.connectors.registry import connector_for
from jobsprint.core.clock import now_ms
from jobsprint.core.errors import Conflict, Detail, InvalidFields, NotFound, all_wrong, wrong_fields
from jobsprint.core.ids import is_id, new_id
from jobsprint.delivery.publisher import announce
from jobsprint.domain import integrations
from jobsprint.domain.inputs import Input
from jobsprint.domain.integrations import Health, Integration
from jobsprint.domain.validation import validate
from jobsprint.integrations import oauth_flow, oauth_grants
from jobsprint.integrations.state import announce_connected, settled
from jobsprint.repositories.integrations import IntegrationStore
from jobsprint.security.credentials import Credentials, open_credentials, seal_credentials, wiped
from jobsprint.webhooks import service

_DESCRIBED = frozenset({"name", "description", "configuration"})
_Checked = TypeVar("_Checked")


class Described(Input, frozen=True, forbid_unknown_fields=False):
    """What every connection may be given beside what its connector needs; a null in `configuration` removes a name."""

    name: Name | None = None
    description: Description | None = None
    configuration: Configuration = field(default_factory=dict)


class Named(Described, frozen=True):
    """The same for what has no name of its own."""

    name: Name


@dataclass(frozen=True)
class Connected:
    """The outcome of a connect: the integration, a sentence, whether it is new, and where to consent if need be."""

    integration: Integration
    message: str
    created: bool
    auth_url: str | None = None


def connect(tenant: str, target: str, body: Mapping[str, object], *, api_url: str) -> Connected:
    """Connects an application of the catalogue, reconnects an `int_…`, or resumes a paused `wh_…`.

    `api_url` is our own base URL, where OAuth comes back to. Raises NotFound, Conflict `already_connected`,
    InvalidFields, and UpstreamFailed where the other side does not let itself be connected.
    """
    if is_id(target, "wh"):
        return _resume(tenant, target)
    if is_id(target, "int"):
        return _reconnect(tenant, target, body, api_url)
    app = find_app(target)
    if app is None:
        raise NotFound(
            f"There is no application {target[:100]!r}; GET /v1/integrations/available lists them",
            code="application_not_found",
        )
    return _connect_new(tenant, app, body, api_url)


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
    if integration.grant:
        return store.update(_changed_under_grant(integration, body))
    changed, _ = _checked(integration, body, current=open_credentials(integration))
    kept = store.update(changed)
    store.reset_circuit(integration_id)
    return kept


def disconnect(tenant: str, integration_id: str) -> Integration:
    """Wipes the credentials and keeps the history; pauses a webhook, which keeps its secret. Twice is the same.

    The last integration of a grant ends it, at its server too where that is offered.
    """
    store = IntegrationStore(tenant)
    integration = store.get(integration_id)
    changed = integrations.disconnected(integration, now_ms())
    if changed is integration:
        return integration
    if integration.type == "webhook":
        return store.update(changed)
    kept = store.update(replace(wiped(changed), grant=None))
    if integration.grant:
        oauth_grants.leave(tenant, integration.grant, integration_id)
    announce(tenant, "integration.disconnected", {"id": integration_id, "name": kept.name}, about=integration_id)
    return kept


def delete(tenant: str, integration_id: str) -> None:
    """Deletes an integration that is not connected; its logs stay until their time is up. Raises Conflict."""
    store = IntegrationStore(tenant)
    integration = store.get(integration_id)
    if integration.status == "connected":
        raise Conflict(f"{integration_id} is connected; disconnect it first", code="still_connected")
    store.delete(integration, now_ms())
    if integration.grant:
        oauth_grants.leave(tenant, integration.grant, integration_id)


def _connect_new(tenant: str, app: App, body: Mapping[str, object], api_url: str) -> Connected:
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
    ready, connection = _made(draft, body, Credentials(), api_url)
    oauth_grants.join(ready)
    return _announced(IntegrationStore(tenant).create(ready), connection, created=True)


def _reconnect(tenant: str, integration_id: str, body: Mapping[str, object], api_url: str) -> Connected:
    store = IntegrationStore(tenant)
    integration = store.get(integration_id)
    if integration.status == "connected":
        raise Conflict(f"{integration_id} is connected already; change it with PATCH", code="already_connected")
    ready, connection = _made(integration, body, open_credentials(integration), api_url)
    oauth_grants.join(ready)
    connected = store.update(ready)
    if integration.grant and integration.grant != connected.grant:
        oauth_grants.leave(tenant, integration.grant, integration_id)
    store.keep_health(integration_id, Health())
    store.reset_circuit(integration_id)
    return _announced(connected, connection, created=False)


def _resume(tenant: str, webhook_id: str) -> Connected:
    if IntegrationStore(tenant).webhook(webhook_id).status == "connected":
        raise Conflict(f"{webhook_id} is active already", code="already_connected")
    resumed = service.change(tenant, webhook_id, name=None, active=True, target={}, policy={})
    return Connected(resumed, "Resumed; events are delivered again from now on", created=False)


def _announced(integration: Integration, connection: Connection, *, created: bool) -> Connected:
    announce_connected(integration)
    return Connected(integration, connection.message, created, connection.auth_url)


def _described(integration: Integration, body: Mapping[str, object]) -> Integration:
    given = validate(Described if integration.name else Named, body)
    configuration = integrations.merged(integration.configuration, given.configuration)
    if not integrations.fits_configuration(configuration):
        raise InvalidFields.one("body.configuration", "with what is kept already, up to 50 names and 16 KB as JSON")
    if integration.type == "n8n":
        try:
            integrations.webhook_path(configuration)
        except ValueError as error:
            raise InvalidFields.one("body.configuration.webhookPath", str(error)) from error
    return replace(
        integration,
        name=given.name or integration.name,
        description=integration.description if given.description is None else given.description,
        configuration=configuration,
    )


def _made(
    integration: Integration, body: Mapping[str, object], current: Credentials, api_url: str
) -> tuple[Integration, Connection]:
    """A connection as the body wants it: through its connector, or on its way through a person's consent."""
    if not oauth_flow.is_oauth(integration, body):
        return _checked(replace(integration, grant=None), body, current=current)
    described, given = _both(
        integration, body, lambda _: oauth_flow.checked(integration, _given(body), current_url=current.url)
    )
    return oauth_flow.begin(described, given, api_url=api_url)


def _changed_under_grant(integration: Integration, body: Mapping[str, object]) -> Integration:
    """What may be changed of a connection by OAuth: never the server, because its token is for that one alone."""
    fixed = [name for name in ("authType", "redirectUrl", "serverUrl", "token") if name in body]
    if fixed:
        raise wrong_fields(Detail(f"body.{name}", "disconnect, then connect with this") for name in fixed)
    access = oauth_grants.Access(integration)
    changed, connection = access.call(lambda current: _checked(integration, body, current=current))
    return seal_credentials(changed, oauth_grants.without_token(connection.credentials))


def _checked(
    integration: Integration, body: Mapping[str, object], *, current: Credentials
) -> tuple[Integration, Connection]:
    """The integration as the body wants it, and what its connector said. Raises InvalidFields."""
    connector = connector_for(integration.type)
    described, connection = _both(
        integration, body, lambda described: connector.connect(described, _given(body), current=current)
    )
    return settled(described, connection), connection


def _both(
    integration: Integration, body: Mapping[str, object], check: Callable[[Integration], _Checked]
) -> tuple[Integration, _Checked]:
    """The integration described anew, and what `check` makes of it. Raises InvalidFields naming all wrong fields."""
    wrong: list[InvalidFields] = []
    described = integration
    try:
        described = _described(integration, body)
    except InvalidFields as error:
        wrong.append(error)
    try:
        result = check(described)
    except InvalidFields as error:
        raise all_wrong([*wrong, error]) from error
    if wrong:
        raise wrong[0]
    return described, result


def _given(body: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in body.items() if name not in _DESCRIBED}
