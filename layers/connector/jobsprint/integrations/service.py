"""Connect, change, disconnect and delete integrations, and publish the events about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from jobsprint.catalog.builtin import App
from jobsprint.catalog.search import find_app
from jobsprint.connectors.base import Connection
from jobsprint.connectors.fields import ConnectBody
from jobsprint.connectors.mcp.models import OAuthConnect
from jobsprint.connectors.registry import connector_for
from jobsprint.core.clock import now_ms
from jobsprint.core.errors import Conflict, Detail, InvalidFields, NotFound, wrong_fields
from jobsprint.core.ids import is_id, new_id
from jobsprint.core.models import validate
from jobsprint.core.redaction import MASK
from jobsprint.delivery.publisher import announce
from jobsprint.domain import integrations, slugs
from jobsprint.domain.integrations import Health, Integration
from jobsprint.integrations import oauth_flow, oauth_grants
from jobsprint.integrations.state import announce_connected, apply_connection
from jobsprint.repositories import counted_items
from jobsprint.repositories.integrations import IntegrationStore
from jobsprint.security.credentials import Credentials, decrypt_credentials, wiped
from jobsprint.webhooks import service

_NAMED_BY_TENANT = frozenset({"custom", "mcp"})
"""Types whose application says nothing about what is connected, so that their slug comes from the tenant's name."""

_DESCRIBED = frozenset({"name", "description", "configuration", "approval"})
_FIXED = frozenset({"authType", "redirectUrl", "serverUrl", "token"})
"""Fields that a change may not have for a connection by OAuth: its token is for that server alone."""


@dataclass(frozen=True)
class Connected:
    """The result of a connect: the integration, a sentence, whether it is new, and where to authorize it if need be."""

    integration: Integration
    message: str
    created: bool
    auth_url: str | None = None


def connect(tenant: str, target: str, body: Mapping[str, object], *, api_url: str) -> Connected:
    """Connect an application of the catalogue, reconnects an `int_…`, or resumes a paused `wh_…`.

    `api_url` is our own base URL, where OAuth comes back to. Raises NotFound, Conflict `already_connected`,
    InvalidFields, and UpstreamFailed where the upstream cannot be connected.
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
    """Change name, description, configuration and the fields that the integration was connected with.

    Raises NotFound, InvalidFields, and Conflict for changed credentials of what is not connected.
    """
    store = IntegrationStore(tenant)
    integration = store.get(integration_id)
    if integration.type == "webhook":
        raise InvalidFields.one("path.integrationId", f"change a webhook at /v1/integrations/webhooks/{integration_id}")
    if body.keys() <= _DESCRIBED:
        return store.update(_described(integration, _checked(integration, body, lambda: validate(ConnectBody, body))))
    if integration.status != "connected":
        raise Conflict(f"{integration_id} is {integration.status}; connect it with these fields", code="not_connected")
    if integration.grant:
        raise _not_under_grant(body)
    current = decrypt_credentials(integration)
    described, given = _read(integration, body, current)
    if isinstance(given, OAuthConnect):
        raise InvalidFields.one("body.authType", "disconnect, then connect with this")
    changed, _ = _connected(described, given, current)
    kept = store.update(changed)
    store.reset_circuit(integration_id)
    return kept


def disconnect(tenant: str, integration_id: str) -> Integration:
    """Wipe the credentials and keep the history; pause a webhook, which keeps its secret. Twice is the same.

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
    """Delete an integration that is not connected; its logs stay until their time is up. Raises Conflict."""
    store = IntegrationStore(tenant)
    integration = store.get(integration_id)
    if integration.status == "connected":
        raise Conflict(f"{integration_id} is connected; disconnect it first", code="still_connected")
    store.delete(integration, now_ms())
    if integration.grant:
        oauth_grants.leave(tenant, integration.grant, integration_id)


def _connect_new(tenant: str, app: App, body: Mapping[str, object], api_url: str) -> Connected:
    counted_items.check(tenant, "integrations")
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
    slug = slugs.slug_of(ready.name if app.type in _NAMED_BY_TENANT else app.name)
    try:
        created = IntegrationStore(tenant).create(replace(ready, slug=slug))
    except Conflict:
        if ready.grant:
            oauth_grants.leave(tenant, ready.grant, ready.id)
        raise
    return _announced(created, connection, created=True)


def _reconnect(tenant: str, integration_id: str, body: Mapping[str, object], api_url: str) -> Connected:
    store = IntegrationStore(tenant)
    integration = store.get(integration_id)
    if integration.status == "connected":
        raise Conflict(f"{integration_id} is connected already; change it with PATCH", code="already_connected")
    ready, connection = _made(integration, body, _stored(integration), api_url)
    oauth_grants.join(ready)
    connected = store.update(ready)
    if integration.grant and integration.grant != connected.grant:
        oauth_grants.leave(tenant, integration.grant, integration_id)
    store.keep_health(integration_id, Health())
    store.reset_circuit(integration_id)
    return _announced(connected, connection, created=False)


def _stored(integration: Integration) -> Credentials:
    """What is stored of a connection: all, or after a disconnect the URL alone, if nothing in it is a secret."""
    if integration.encrypted:
        return decrypt_credentials(integration)
    return Credentials("" if MASK in integration.shown_url else integration.shown_url)


def _resume(tenant: str, webhook_id: str) -> Connected:
    if IntegrationStore(tenant).webhook(webhook_id).status == "connected":
        raise Conflict(f"{webhook_id} is active already", code="already_connected")
    resumed = service.change(tenant, webhook_id, name=None, active=True, target={}, policy={})
    return Connected(resumed, "Resumed; events are delivered again from now on", created=False)


def _announced(integration: Integration, connection: Connection, *, created: bool) -> Connected:
    announce_connected(integration)
    return Connected(integration, connection.message, created, connection.auth_url)


def _made(
    integration: Integration, body: Mapping[str, object], current: Credentials, api_url: str
) -> tuple[Integration, Connection]:
    """A connection as the body wants it: through its connector, or on its way through an authorization flow."""
    described, given = _read(integration, body, current)
    if isinstance(given, OAuthConnect):
        return oauth_flow.begin(described, given, api_url=api_url)
    return _connected(replace(described, grant=None), given, current)


def _connected(integration: Integration, given: ConnectBody, current: Credentials) -> tuple[Integration, Connection]:
    connection = connector_for(integration.type).connect(integration, given, current=current)
    return apply_connection(integration, connection), connection


def _read(
    integration: Integration, body: Mapping[str, object], current: Credentials
) -> tuple[Integration, ConnectBody]:
    """The integration as the body describes it, and the body as its connector reads it. Raises InvalidFields."""
    connector = connector_for(integration.type)
    given: ConnectBody = _checked(integration, body, lambda: connector.read(integration, body, current=current))
    return _described(integration, given), given


def _checked(integration: Integration, body: Mapping[str, object], read: Callable[[], ConnectBody]) -> ConnectBody:
    """What `read` gives. Raises InvalidFields with its wrong fields and those of the configuration as it would be."""
    wrong = _configuration_details(integration, body.get("configuration"))
    try:
        given = read()
    except InvalidFields as error:
        known = {detail.field for detail in error.details}
        more = [detail for detail in wrong if detail.field not in known]
        raise (wrong_fields([*error.details, *more]) if more else error) from error
    if wrong:
        raise wrong_fields(wrong)
    return given


def _configuration_details(integration: Integration, change: object) -> list[Detail]:
    """What is wrong with the configuration once `change` (None for none) is merged into it."""
    if not isinstance(change, dict):
        return []
    wrong = []
    configuration = integrations.merged(integration.configuration, change)
    if not integrations.fits_configuration(configuration):
        wrong.append(Detail("body.configuration", "with what is kept already, up to 50 names and 16 KB as JSON"))
    if integration.type == "n8n":
        try:
            integrations.webhook_path(configuration)
        except ValueError as error:
            wrong.append(Detail("body.configuration.webhookPath", str(error)))
    return wrong


def _described(integration: Integration, given: ConnectBody) -> Integration:
    return replace(
        integration,
        name=given.name or integration.name,
        description=integration.description if given.description is None else given.description,
        configuration=integrations.merged(integration.configuration, given.configuration),
        approval=given.approval.rule() if given.approval else integration.approval,
    )


def _not_under_grant(body: Mapping[str, object]) -> InvalidFields:
    """The error for a change of a connection by OAuth, of which only the description may change."""
    fixed = [Detail(f"body.{name}", "disconnect, then connect with this") for name in body if name in _FIXED]
    try:
        validate(ConnectBody, {name: value for name, value in body.items() if name not in _FIXED})
    except InvalidFields as error:
        return wrong_fields([*fixed, *error.details])
    return wrong_fields(fixed)
