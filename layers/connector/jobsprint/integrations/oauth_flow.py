"""OAuth 2.1 in two invocations: `begin` finds everything and gives the URL for the person, `finish` is its callback.

What has to survive in between is stored encrypted under the hash of `state`, for ten minutes and for one use.
Everything is checked before anything is sent: the state, then the issuer (by the redirect URI, and by RFC 9207 where it
sends `iss`, on error answers too), then the code.
"""

import os
from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from jobsprint.connectors.base import Connection
from jobsprint.connectors.mcp.models import OAuthConnect
from jobsprint.connectors.registry import connector_for
from jobsprint.core.clock import now_ms
from jobsprint.core.errors import BadRequest, Conflict, JobsprintError, NotFound, ScopeMissing, UpstreamFailed
from jobsprint.core.observability import logger
from jobsprint.domain import oauth
from jobsprint.domain.integrations import Health, Integration
from jobsprint.domain.oauth import (
    Client,
    Refused,
    TokenEndpoint,
    check_issuer,
    error_code,
    joined_scope,
    redirect_back,
)
from jobsprint.integrations import oauth_grants, oauth_tokens
from jobsprint.integrations.state import announce_connected, apply_connection
from jobsprint.outbound import address_policy
from jobsprint.repositories import oauth as store
from jobsprint.repositories.integrations import IntegrationStore
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
            return through_grant(integration, given)
        except ScopeMissing as error:
            integration = replace(integration, missing_scope=error.scope)
        except Conflict as error:
            if error.code != "reauth_required":
                raise
    budget = oauth_discovery.Budget(oauth_discovery.DISCOVERY_SECONDS)
    resource = oauth_discovery.find_resource(server_url, budget)
    side = _authorization_side(integration, resource, grant, api_url, budget)
    state, verifier = _random(), _random()
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


def through_grant(integration: Integration, given: OAuthConnect) -> tuple[Integration, Connection]:
    """The integration connected through the tenant's grant for that server, after its connector's real test of it.

    Raises what the connector raises, and as `oauth_tokens.credentials_for_call`.
    """
    joined = replace(integration, grant=oauth_grants.grant_id(given.server_url))
    access = oauth_tokens.Access(joined, Credentials(url=given.server_url))
    connection = access.call(lambda current: connector_for(joined.type).connect(joined, given, current=current))
    kept = replace(oauth_tokens.without_token(connection.credentials), url=given.server_url)
    connection = replace(connection, credentials=kept)
    return apply_connection(joined, connection), connection


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
        integration = _finished(tenant, flow, at=at, code=code, error=error, iss=iss)
    except JobsprintError as failure:
        outcome = failure.code
    except Exception:  # noqa: BLE001 - logged; a person with a browser is better off back in the application
        logger.exception("authorization_not_finished", extra={"integrationId": flow.integration_id})
        outcome = "internal_error"
    else:
        outcome = "" if integration.status == "connected" else integration.status_reason or "connect_failed"
    if outcome:
        _fail_pending(tenant, flow.integration_id, outcome)
    answer = {"status": "error", "error": outcome} if outcome else {"status": "connected"}
    return redirect_back(flow.redirect_url, {"integrationId": flow.integration_id, **answer})


def _finished(tenant: str, flow: Flow, *, at: str, code: str | None, error: str | None, iss: str | None) -> Integration:
    """The integration after the exchange: connected, or in error with its reason. Raises where nothing was gained."""
    from jobsprint.integrations import oauth_client

    check_issuer(iss, issuer=flow.issuer, at=at, required=flow.iss_required)
    if error or not code:
        refused = Refused(error_code(error or "invalid_request"))
        _forget_client(tenant, flow, refused)
        raise refused
    waiting = _waiting(tenant, flow.integration_id)
    try:
        tokens = oauth_client.exchange(flow.endpoint, code=code, verifier=flow.verifier, redirect_uri=flow.redirect_uri)
    except Refused as refused:
        _forget_client(tenant, flow, refused)
        raise
    tokens = replace(tokens, scope=tokens.scope or flow.scope)
    secrets = oauth_grants.GrantSecrets(
        server_url=flow.server_url,
        issuer=flow.issuer,
        redirect_uri=flow.redirect_uri,
        endpoint=flow.endpoint,
        revoke_url=flow.revoke_url,
        tokens=tokens,
        requested_scope=flow.scope,
    )
    id_ = oauth_grants.save(tenant, secrets)
    oauth_grants.join(replace(waiting, grant=id_))
    try:
        connected = _connected(waiting, flow)
    except (NotFound, Conflict):  # it was deleted or disconnected meanwhile
        oauth_grants.leave(tenant, id_, flow.integration_id)
        raise
    if waiting.grant and waiting.grant != id_:
        oauth_grants.leave(tenant, waiting.grant, flow.integration_id)
    oauth_grants.reactivate(tenant, id_)
    return connected


def _forget_client(tenant: str, flow: Flow, refused: Refused) -> None:
    """Delete a registration that its server no longer takes."""
    if refused.error in ("invalid_client", "unauthorized_client"):
        store.ClientStore(tenant).delete(oauth_grants.client_key(flow.issuer, flow.redirect_uri))


def _connected(waiting: Integration, flow: Flow) -> Integration:
    # Not validated again: it was, when the flow began.
    given = OAuthConnect.model_construct(auth_type="oauth", server_url=flow.server_url, redirect_url=flow.redirect_url)
    try:
        _, connection = through_grant(waiting, given)
    except JobsprintError as failure:
        if isinstance(failure, ScopeMissing):
            waiting = replace(waiting, missing_scope=failure.scope)
        # The grant is saved: a test or another connect may still succeed with it.
        connection = Connection(
            Credentials(url=flow.server_url),
            waiting.capabilities,
            failure.message,
            status="error",
            reason=failure.code,
            connector_state=waiting.connector_state,
        )
    integrations = IntegrationStore(waiting.tenant)
    for attempt in range(3):
        try:
            ready = apply_connection(replace(waiting, grant=oauth_grants.grant_id(flow.server_url)), connection)
            connected = integrations.update(ready)
            break
        except Conflict:
            if attempt == 2:
                raise
            waiting = replace(_waiting(waiting.tenant, waiting.id), missing_scope=waiting.missing_scope)
    integrations.keep_health(connected.id, Health())
    announce_connected(connected)
    return connected


def _waiting(tenant: str, integration_id: str) -> Integration:
    """The integration, if it still waits for its authorization. Raises NotFound and Conflict."""
    integration = IntegrationStore(tenant).get(integration_id)
    if integration.status not in ("pending", "error"):
        raise Conflict(f"{integration_id} is {integration.status} and waits for no consent", code="not_pending")
    return integration


def _fail_pending(tenant: str, integration_id: str, reason: str) -> None:
    integrations = IntegrationStore(tenant)
    try:
        integration = integrations.get(integration_id)
        if integration.status == "pending":
            # A scope that its authorization server does not know is not asked for again.
            missing = "" if reason == "invalid_scope" else integration.missing_scope
            integrations.update(replace(integration, status="error", status_reason=reason, missing_scope=missing))
    except (NotFound, Conflict):
        return  # it is gone, or another request just changed it


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


def _random() -> str:
    """43 unguessable characters: a state, or a verifier (RFC 7636, 4.1)."""
    return urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode()


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
