"""OAuth 2.1 in two invocations: `begin` finds everything and gives the URL for the person, `finish` is its callback.

What has to survive in between is stored encrypted under the hash of `state`, for ten minutes and for one use.
Everything is checked before anything is sent: the state, then the issuer (by the redirect URI, and by RFC 9207 where it
sends `iss`, on error answers too), then the code.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from jobsprint.connectors.base import Connection
from jobsprint.connectors.mcp.models import OAuthConnect
from jobsprint.core.clock import now_ms
from jobsprint.core.errors import BadRequest, Conflict, JobsprintError, ScopeMissing, UpstreamFailed
from jobsprint.core.observability import logger
from jobsprint.domain import oauth
from jobsprint.domain.integrations import Integration
from jobsprint.domain.oauth import (
    Client,
    Refused,
    TokenEndpoint,
    check_issuer,
    error_code,
    joined_scope,
    redirect_back,
    unguessable,
)
from jobsprint.integrations import oauth_acceptance, oauth_confirmation, oauth_grants
from jobsprint.integrations.state import apply_connection
from jobsprint.outbound import address_policy
from jobsprint.repositories import oauth as store
from jobsprint.security.credentials import Credentials
from jobsprint.security.encryption import DecryptionFailed, EncryptionContext, decrypt, encrypt

if TYPE_CHECKING:
    from jobsprint.domain.oauth import AuthorizationServer, ProtectedResource
    from jobsprint.integrations.oauth_discovery import Budget  # brings libcurl, which only the network steps need

MESSAGE = "Complete the authorization flow"
_NO_FLOW = "This authorization is unknown, used up or older than ten minutes; connect again"


@dataclass(frozen=True)
class Flow:
    """What has to survive between the two halves of an authorization flow.

    `client_version` is that of our registration, 0 where there is none.
    """

    integration_id: str
    redirect_url: str
    server_url: str
    redirect_uri: str
    verifier: str
    issuer: str
    iss_required: bool
    endpoint: TokenEndpoint
    revoke_url: str
    scope: str
    client_version: int = 0
    confirm: bool = False


_FLOW = TypeAdapter(Flow)
_CLIENT = TypeAdapter(Client)


def begin(integration: Integration, given: OAuthConnect, *, api_url: str) -> tuple[Integration, Connection]:
    """Start an authorization flow, or use the tenant's grant for that server; nothing of the integration is written.

    `given` comes from the connector's `read`; `api_url` is our own base URL, ending in `/v1`. Raises UpstreamFailed
    with a code for whatever the server or its authorization server does not offer.
    """
    from jobsprint.integrations import oauth_client, oauth_discovery

    # One spelling, one grant.
    server_url = address_policy.check_url(given.server_url, address_policy.deployment_policy()).url
    given = given.model_copy(update={"server_url": server_url})
    grant = oauth_grants.grant_id(server_url)
    if integration.grant != grant:  # what another server demanded
        integration = replace(integration, missing_scope="")
    if oauth_grants.is_usable(integration.tenant, grant):
        try:
            return oauth_acceptance.through_grant(integration, given)
        except ScopeMissing as error:
            integration = replace(integration, missing_scope=error.scope)
        except Conflict as error:
            if error.code != "reauth_required":
                raise
    budget = oauth_discovery.Budget(oauth_discovery.DISCOVERY_SECONDS)
    resource = oauth_discovery.find_resource(server_url, budget)
    side = _authorization_side(integration, resource, grant, api_url, budget)
    state, verifier = unguessable(), unguessable()
    flow = Flow(
        integration_id=integration.id,
        redirect_url=given.redirect_url,
        server_url=server_url,
        redirect_uri=side.redirect_uri,
        verifier=verifier,
        issuer=side.server.issuer,
        iss_required=side.server.sends_iss,
        endpoint=TokenEndpoint(side.server.token_url, side.client, resource.resource),
        revoke_url=side.server.revoke_url,
        scope=side.scope,
        client_version=side.client_version,
        confirm=given.confirm,
    )
    _save(integration.tenant, state, flow)
    auth_url = oauth_client.authorization_url(
        side.server,
        side.client,
        redirect_uri=side.redirect_uri,
        state=state,
        verifier=verifier,
        resource=resource.resource,
        scope=side.scope,
    )
    connection = Connection(
        credentials=Credentials(url=server_url),
        capabilities=integration.capabilities,
        message=MESSAGE,
        status="pending",
        auth_url=auth_url,
        connector_state=integration.connector_state,
    )
    return apply_connection(integration, connection), connection


def finish(state: str, *, at: str, code: str | None, error: str | None, iss: str | None) -> str:
    """End a flow with what the authorization server sent along, and give the URL to send the browser to.

    `at` is the end of the redirect URI that the browser came to: it belongs to one issuer.

    Raises BadRequest `invalid_state` where the state is not one of ours, expired or was used before: then there is
    no URL to go to.
    """
    tenant, flow = _take(state)
    if flow.client_version:
        key = oauth_grants.client_key(flow.issuer, flow.redirect_uri)
        store.ClientStore(tenant).close_flow(key, flow.client_version)
    try:
        check_issuer(iss, issuer=flow.issuer, at=at, required=flow.iss_required)
        told = _finished(tenant, flow, code=code, error=error)
    except JobsprintError as failure:
        told = {"status": "error", "error": failure.code}
    except Exception:  # noqa: BLE001 - logged; a person with a browser is better off back in the application
        logger.exception("authorization_not_finished", extra={"integrationId": flow.integration_id})
        told = {"status": "error", "error": "internal_error"}
    if told["status"] == "error":
        oauth_acceptance.fail_pending(tenant, flow.integration_id, told["error"])
    return redirect_back(flow.redirect_url, {"integrationId": flow.integration_id, **told})


def _finished(tenant: str, flow: Flow, *, code: str | None, error: str | None) -> dict[str, str]:
    """What the application is told of the integration. Raises JobsprintError where nothing was gained."""
    waiting = oauth_acceptance.waiting_integration(tenant, flow.integration_id)
    secrets = _authorized(tenant, flow, code=code, error=error)
    if flow.confirm:
        return {"status": "pending", "confirmation": oauth_confirmation.hold(waiting, secrets)}
    integration, _ = oauth_acceptance.accept(waiting, secrets)
    if integration.status == "connected":
        return {"status": "connected"}
    return {"status": "error", "error": integration.status_reason or "connect_failed"}


def _authorized(tenant: str, flow: Flow, *, code: str | None, error: str | None) -> oauth_grants.GrantSecrets:
    """The tokens for a code, with all that renewing them takes. Raises Refused, and UpstreamFailed."""
    from jobsprint.integrations import oauth_client

    try:
        if error or not code:
            raise Refused(error_code(error or "invalid_request"))
        tokens = oauth_client.exchange(flow.endpoint, code=code, verifier=flow.verifier, redirect_uri=flow.redirect_uri)
    except Refused as refused:
        _forget_client(tenant, flow, refused)
        raise
    return oauth_grants.GrantSecrets(
        server_url=flow.server_url,
        issuer=flow.issuer,
        redirect_uri=flow.redirect_uri,
        endpoint=flow.endpoint,
        revoke_url=flow.revoke_url,
        tokens=replace(tokens, scope=tokens.scope or flow.scope),
        requested_scope=flow.scope,
    )


def _forget_client(tenant: str, flow: Flow, refused: Refused) -> None:
    """Delete a registration that its server no longer takes."""
    if refused.error in ("invalid_client", "unauthorized_client"):
        store.ClientStore(tenant).delete(oauth_grants.client_key(flow.issuer, flow.redirect_uri))


# --- who we are -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _AuthorizationSide:
    """An authorization server, who we are there, and what is asked for."""

    server: "AuthorizationServer"
    client: Client
    client_version: int
    redirect_uri: str
    scope: str


def _authorization_side(
    integration: Integration, resource: "ProtectedResource", grant: str, api_url: str, budget: "Budget"
) -> _AuthorizationSide:
    """The first authorization server of a resource that takes us; raises the error of the first where none does."""
    from jobsprint.integrations import oauth_discovery

    errors: list[UpstreamFailed] = []
    for place, issuer in enumerate(resource.issuers):
        share = budget.share(len(resource.issuers) - place)
        try:
            server = oauth_discovery.find_server(resource, issuer, share)
            scope = oauth_discovery.wanted_scope(resource, server)
            if integration.missing_scope:  # first, because the number of names is bounded
                before = oauth_grants.requested_scope(integration.tenant, grant)
                scope = joined_scope(integration.missing_scope, scope, before)
            redirect_uri = oauth.redirect_uri(api_url, server.issuer)
            client, version = _client(integration, server, redirect_uri, scope, api_url, share)
        except UpstreamFailed as error:
            errors.append(error)
        else:
            return _AuthorizationSide(server, client, version, redirect_uri, scope)
    raise errors[0]


def _client(
    integration: Integration,
    server: "AuthorizationServer",
    redirect_uri: str,
    scope: str,
    api_url: str,
    budget: "Budget",
) -> tuple[Client, int]:
    """Us at that server: our metadata document where it takes one and can read it, else a registration and its version.

    A registration is kept, and made again where it is no longer good for this flow.
    """
    from jobsprint.integrations import oauth_discovery

    if server.takes_metadata_documents and api_url.startswith("https://"):
        return Client(id=oauth.client_id(api_url, server.issuer)), 0
    tenant, now = integration.tenant, now_ms()
    key, clients = oauth_grants.client_key(server.issuer, redirect_uri), store.ClientStore(tenant)
    kept = clients.find(key)
    client = _kept_client(tenant, key, kept) if kept and not _was_lost(kept, integration.app, now) else None
    version = kept.version if kept else 0
    if client is None or not client.is_good_for(scope, now):
        client, version = oauth_discovery.register(server, redirect_uri, scope, budget), now
        context = EncryptionContext(tenant, key, "client", version)
        clients.save(key, encrypt(context, _CLIENT.dump_json(client).decode()), version)
    clients.open_flow(key, version, integration.app, now)
    return client, version


def _kept_client(tenant: str, key: str, kept: store.StoredClient) -> Client:
    return _CLIENT.validate_json(decrypt(EncryptionContext(tenant, key, "client", kept.version), kept.encrypted))


def _was_lost(kept: store.StoredClient, app: str, now: int) -> bool:
    """Whether the last flow through a registration never came back: a server that lost it shows the person an error.

    One of another application may still be under way, for as long as a flow lasts.
    """
    if not kept.opened_at:
        return False
    return kept.open_app == app or now - kept.opened_at > store.FLOW_SECONDS * 1000


# --- between the halves -----------------------------------------------------------------------------------------------


def _save(tenant: str, state: str, flow: Flow) -> None:
    id_ = store.flow_id(state)
    encrypted = encrypt(EncryptionContext(tenant, id_, "flow", 1), _FLOW.dump_json(flow).decode())
    store.save_flow(store.StoredFlow(id_, tenant, encrypted), now_ms())


def _take(state: str) -> tuple[str, Flow]:
    stored = store.take_flow(store.flow_id(state), now_ms())
    if stored is None:
        raise BadRequest(_NO_FLOW, code="invalid_state")
    try:
        opened = decrypt(EncryptionContext(stored.tenant, stored.id, "flow", 1), stored.encrypted)
    except DecryptionFailed as error:
        raise BadRequest(_NO_FLOW, code="invalid_state") from error
    return stored.tenant, _FLOW.validate_json(opened)
