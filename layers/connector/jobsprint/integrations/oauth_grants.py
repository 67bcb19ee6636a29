"""OAuth grants: the tokens of a tenant for one server, shared by its integrations there.

A grant is saved by an authorization flow, renewed by `integrations.oauth_tokens`, and deleted when the last integration
leaves it. One that its server no longer accepts is invalidated: its integrations then need a new authorization.
"""

import hashlib
from dataclasses import dataclass, replace

from pydantic import TypeAdapter

from jobsprint.connectors.base import TestResult
from jobsprint.core.clock import now_ms
from jobsprint.core.errors import Conflict, NotFound, ScopeMissing
from jobsprint.core.observability import logger
from jobsprint.domain.integrations import Integration
from jobsprint.domain.oauth import TokenEndpoint, Tokens, joined_scope, plain_issuer, scope_beyond
from jobsprint.integrations import state
from jobsprint.repositories.integrations import IntegrationStore
from jobsprint.repositories.oauth import Grant, GrantStore
from jobsprint.security.encryption import EncryptionContext, decrypt, encrypt

_NEXT_STEP = "Connect it again with authType oauth, and give consent"


@dataclass(frozen=True)
class GrantSecrets:
    """The encrypted part of a grant: its tokens, and all that renewing and revoking them takes.

    `requested_scope` is what the authorization flow asked for.
    """

    server_url: str
    issuer: str
    redirect_uri: str
    endpoint: TokenEndpoint
    revoke_url: str
    tokens: Tokens
    requested_scope: str = ""


_SECRETS = TypeAdapter(GrantSecrets)


def grant_id(server_url: str) -> str:
    """The id of a tenant's grant for a server: the hash of its URL, because that may hold a secret."""
    return hashlib.sha256(server_url.encode()).hexdigest()


def client_key(issuer: str, redirect_uri: str) -> str:
    """The key of a client registration: it is never used at another issuer or for another redirect URI."""
    return hashlib.sha256(f"{plain_issuer(issuer)}\0{redirect_uri}".encode()).hexdigest()


def encrypted_secrets(context: EncryptionContext, secrets: GrantSecrets) -> str:
    """The secrets as they are stored."""
    return encrypt(context, _SECRETS.dump_json(secrets).decode())


def decrypted_secrets(context: EncryptionContext, encrypted: str) -> GrantSecrets:
    """Stored secrets."""
    return _SECRETS.validate_json(decrypt(context, encrypted))


def encrypted_grant(tenant: str, secrets: GrantSecrets, *, version: int) -> Grant:
    """The grant as it is stored, under its server's id."""
    id_ = grant_id(secrets.server_url)
    context = EncryptionContext(tenant, id_, "grant", version)
    return Grant(
        id=id_,
        encrypted=encrypted_secrets(context, secrets),
        version=version,
        expires_at=secrets.tokens.expires_at,
        refresh_at=secrets.tokens.refresh_at if secrets.tokens.refresh else None,
    )


def grant_secrets(tenant: str, grant: Grant) -> GrantSecrets:
    """The decrypted secrets of a stored grant."""
    context = EncryptionContext(tenant, grant.id, "grant", grant.version)
    return decrypted_secrets(context, grant.encrypted)


def is_usable(tenant: str, id_: str) -> bool:
    """Whether the tenant has this grant and it is valid."""
    grant = GrantStore(tenant).find(id_)
    return grant is not None and not grant.invalid


def save(tenant: str, secrets: GrantSecrets) -> str:
    """Save what an authorization gave, over an older grant for the same server, and give the grant's id."""
    store, id_ = GrantStore(tenant), grant_id(secrets.server_url)
    for _ in range(5):
        before = store.find(id_)
        if store.write(encrypted_grant(tenant, secrets, version=before.version + 1 if before else 1)):
            return id_
    raise Conflict("The grant is being changed by others; try again", code="changed_meanwhile")


def join(integration: Integration) -> None:
    """Note that the integration uses its grant."""
    if integration.grant:
        GrantStore(integration.tenant).join(integration.grant, integration.id)


def leave(tenant: str, id_: str, integration_id: str) -> None:
    """Note that an integration no longer uses a grant; the last one deletes it and revokes its token if possible."""
    store = GrantStore(tenant)
    store.leave(id_, integration_id)
    if store.members(id_):
        return
    grant = store.find(id_)
    if grant is None:
        return
    if not grant.invalid:
        revoke(grant_secrets(tenant, grant))
    store.delete(id_)


def revoke(secrets: GrantSecrets) -> None:
    """End tokens at their server, where it offers that; that it fails is logged alone."""
    from jobsprint.integrations import oauth_client

    tokens = secrets.tokens
    token, hint = (tokens.refresh, "refresh_token") if tokens.refresh else (tokens.access, "access_token")
    if secrets.revoke_url and not oauth_client.revoke(secrets.revoke_url, secrets.endpoint.client, token, hint):
        logger.warning("token_not_revoked", extra={"issuer": secrets.issuer[:200]})


def invalidate(tenant: str, grant: Grant) -> bool:
    """Mark a grant invalid and every integration that uses it unhealthy; False where its tokens changed meanwhile."""
    store = GrantStore(tenant)
    if not store.invalidate(grant):
        return False
    integrations = IntegrationStore(tenant)
    result = reauthorization_needed("The authorization has ended: its server takes the refresh token no more")
    for integration_id in store.members(grant.id):
        try:
            integration = integrations.get(integration_id)
        except NotFound:
            continue
        before = integrations.activity([integration_id])[integration_id].health
        state.apply_test_result(integration, before, result, now_ms())
    return True


def reactivate(tenant: str, id_: str) -> None:
    """Let the integrations work again that only waited for a new authorization."""
    store = IntegrationStore(tenant)
    for integration_id in GrantStore(tenant).members(id_):
        try:
            integration = store.get(integration_id)
            waits = integration.status == "error" and integration.status_reason == "reauth_required"
            if waits and not unrequested_scope(integration, integration.missing_scope):
                store.update(replace(integration, status="connected", status_reason=None, missing_scope=""))
        except (NotFound, Conflict):
            continue  # it is gone, or another request just changed it


# --- scopes -----------------------------------------------------------------------------------------------------------


def requested_scope(tenant: str, id_: str) -> str:
    """What the authorization behind a grant asked for, and what it gave; empty where there is no grant."""
    grant = GrantStore(tenant).find(id_)
    if grant is None:
        return ""
    secrets = grant_secrets(tenant, grant)
    return joined_scope(secrets.requested_scope, secrets.tokens.scope)


def unrequested_scope(integration: Integration, scope: str) -> str:
    """The names of `scope` that the authorization behind an integration did not ask for.

    A person who was asked for a scope and did not give it is not asked again: that would never end.
    """
    if not scope or integration.grant is None:
        return ""
    return scope_beyond(scope, requested_scope(integration.tenant, integration.grant))


def step_up(integration: Integration, lacking: ScopeMissing) -> None:
    """Mark an integration whose server demands more than its grant gives: it takes a new authorization."""
    before = IntegrationStore(integration.tenant).activity([integration.id])[integration.id].health
    state.apply_test_result(integration, before, more_scope_needed(lacking), now_ms())


def reauthorization_needed(message: str) -> TestResult:
    """The test result of a connection whose authorization is over."""
    return TestResult(False, message, response_ms=0, reason="reauth_required", next_step=_NEXT_STEP)


def more_scope_needed(lacking: ScopeMissing) -> TestResult:
    """The test result of a connection whose server demands more than its grant gives."""
    step = f"{_NEXT_STEP} to: {lacking.scope}"
    return TestResult(False, lacking.message, 0, "reauth_required", step, missing_scope=lacking.scope)
