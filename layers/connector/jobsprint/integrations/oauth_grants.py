"""Grants: the OAuth tokens of a tenant for one server, shared by its integrations there, and kept fresh.

One call at a time renews a grant, under a lock that outlives its request. Nobody waits while the old token still works;
whoever has to wait looks again until the lock is over, and then takes it. What is written is fenced by the grant's
version, so a renewer that was frozen meanwhile cannot undo a newer one.
"""

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import msgspec

from jobsprint.connectors.base import TestResult
from jobsprint.core.clock import now_ms
from jobsprint.core.errors import (
    Conflict,
    InsufficientScope,
    NotFound,
    ScopeMissing,
    UpstreamFailed,
    UpstreamUnauthorized,
)
from jobsprint.core.observability import logger
from jobsprint.domain.integrations import Integration
from jobsprint.domain.oauth import (
    TOKEN_SECONDS,
    Refused,
    TokenEndpoint,
    Tokens,
    joined_scope,
    scope_beyond,
)
from jobsprint.integrations import state
from jobsprint.repositories.integrations import IntegrationStore
from jobsprint.repositories.oauth import ClientStore, Grant, GrantStore
from jobsprint.security.credentials import Credentials, open_credentials
from jobsprint.security.encryption import EncryptionContext, decrypt, encrypt

TOKEN_KEY = "token"  # noqa: S105 - the name under which a connector finds its bearer token
LOCK_MS = 12_000
"""How long one renewal may hold a grant: longer than TOKEN_SECONDS, so nobody renews beside it."""

_PATIENCE_SECONDS = LOCK_MS / 1000 + TOKEN_SECONDS + 2
_POLL_SECONDS = 0.1
_COOL_DOWN_MS = 30_000
_EXPIRY_MARGIN_MS = 5_000
# Codes of RFC 6749 (5.2) after which no repeat can help. Everything else may pass.
_DEADLY = frozenset({"invalid_grant", "invalid_client", "unauthorized_client"})
_NEXT_STEP = "Connect it again with authType oauth, and give consent"

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Keeping:
    """What a grant encrypts: its tokens, and all that renewing and revoking them takes. `asked` is the consent's
    scope."""

    server_url: str
    issuer: str
    redirect_uri: str
    endpoint: TokenEndpoint
    revoke_url: str
    tokens: Tokens
    asked: str = ""


def grant_id(server_url: str) -> str:
    """The id of a tenant's grant for a server: the hash of its URL, because that may hold a secret."""
    return hashlib.sha256(server_url.encode()).hexdigest()


# --- for calls --------------------------------------------------------------------------------------------------------


def open_fresh(integration: Integration, *, until: float | None = None) -> Credentials:
    """The integration's credentials; for one with a grant, with a token that works, under `keys["token"]`.

    `until` (`time.monotonic`) is when that has to be done, by default after a lock and a renewal.

    Raises Conflict `reauth_required` where only a new consent helps (ScopeMissing where that is for more than before),
    and UpstreamFailed `token_refresh_failed` where the token has run out and its server does not give another one just
    now.
    """
    return with_token(integration, open_credentials(integration), until=until)


def with_token(integration: Integration, credentials: Credentials, *, until: float | None = None) -> Credentials:
    """`credentials` with a working token where the integration has a grant; raises as `open_fresh`."""
    if integration.grant is None or not credentials.url:
        return credentials
    if grant_id(credentials.url) != integration.grant:
        # A token goes to the server it was given for and to no other one.
        raise Conflict(f"{integration.id} has another server than its grant; connect it again", code="reauth_required")
    if scope := beyond(integration, integration.missing_scope):
        raise ScopeMissing(scope)
    return _with(credentials, _working_token(integration.tenant, integration.grant, refused=None, until=until))


def renewed(integration: Integration, refused: Credentials, *, until: float | None = None) -> Credentials:
    """The credentials after the server refused their token: with another one. Raises as `open_fresh`."""
    if integration.grant is None:
        return refused
    old = refused.keys.get(TOKEN_KEY)
    return _with(refused, _working_token(integration.tenant, integration.grant, refused=old, until=until))


class Access:
    """The credentials for the calls of one request; a token that the server refuses is renewed once."""

    def __init__(
        self, integration: Integration, credentials: Credentials | None = None, *, until: float | None = None
    ) -> None:
        """`credentials` stand in for those of the integration; `until` and what is raised are as in `open_fresh`."""
        self._integration = integration
        self._until = until
        opened = open_credentials(integration) if credentials is None else credentials
        self._credentials = with_token(integration, opened, until=until)
        self._secrets = self._credentials.values()

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret value that was used, for masking."""
        return self._secrets

    def call(self, work: Callable[[Credentials], _Result]) -> _Result:
        """What `work` gives; after UpstreamUnauthorized (nothing was done) once more with another token.

        Raises ScopeMissing in place of an InsufficientScope that a new consent may heal.
        """
        try:
            return self._renewing(work)
        except InsufficientScope as error:
            if scope := beyond(self._integration, error.scope):
                raise ScopeMissing(scope) from error
            raise

    def _renewing(self, work: Callable[[Credentials], _Result]) -> _Result:
        try:
            return work(self._credentials)
        except UpstreamUnauthorized:
            if self._integration.grant is None:
                raise
        self._credentials = renewed(self._integration, self._credentials, until=self._until)
        self._secrets += self._credentials.values()
        return work(self._credentials)


def without_token(credentials: Credentials) -> Credentials:
    """The credentials as an integration with a grant keeps them: the token stands in the grant alone."""
    return replace(credentials, keys={name: value for name, value in credentials.keys.items() if name != TOKEN_KEY})


def _with(credentials: Credentials, token: str) -> Credentials:
    return replace(credentials, keys={**credentials.keys, TOKEN_KEY: token})


# --- keeping and ending -----------------------------------------------------------------------------------------------


def is_usable(tenant: str, id_: str) -> bool:
    """Whether the tenant has this grant and it is alive."""
    grant = GrantStore(tenant).find(id_)
    return grant is not None and not grant.dead


def asked_scope(tenant: str, id_: str) -> str:
    """What the consent behind a grant was asked for, and what it gave; empty where there is no grant."""
    grant = GrantStore(tenant).find(id_)
    if grant is None:
        return ""
    keeping = _opened(tenant, grant)
    return joined_scope(keeping.asked, keeping.tokens.scope)


def beyond(integration: Integration, scope: str) -> str:
    """The names of `scope` that the consent behind an integration was not asked for.

    Whoever was asked for a scope and did not give it is not asked again: that would never end.
    """
    if not scope or integration.grant is None:
        return ""
    return scope_beyond(scope, asked_scope(integration.tenant, integration.grant))


def step_up(integration: Integration, lacking: ScopeMissing) -> None:
    """Tells of an integration whose server demands more than its grant gives: it takes a new consent."""
    before = IntegrationStore(integration.tenant).activity([integration.id])[integration.id].health
    state.take(integration, before, too_little(lacking), now_ms())


def keep(tenant: str, keeping: Keeping) -> str:
    """Keeps what a consent gave, over an older grant for the same server, and gives the grant's id."""
    id_ = grant_id(keeping.server_url)
    store = GrantStore(tenant)
    for _ in range(5):
        before = store.find(id_)
        if store.write(_encrypted(tenant, id_, keeping, version=before.version + 1 if before else 1)):
            return id_
    raise Conflict("The grant is being changed by others; try again", code="changed_meanwhile")


def join(integration: Integration) -> None:
    """Notes that the integration goes through its grant."""
    if integration.grant:
        GrantStore(integration.tenant).join(integration.grant, integration.id)


def leave(tenant: str, id_: str, integration_id: str) -> None:
    """Notes that an integration no longer goes through a grant; the last one ends it here and, if possible, there."""
    store = GrantStore(tenant)
    store.leave(id_, integration_id)
    if store.members(id_):
        return
    grant = store.find(id_)
    if grant is None:
        return
    if not grant.dead:
        _revoke(_opened(tenant, grant))
    store.delete(id_)


def revive(tenant: str, id_: str) -> None:
    """Lets the integrations work again that only waited for a new consent."""
    store = IntegrationStore(tenant)
    for integration_id in GrantStore(tenant).members(id_):
        try:
            integration = store.get(integration_id)
            waits = integration.status == "error" and integration.status_reason == "reauth_required"
            if waits and not beyond(integration, integration.missing_scope):
                store.update(replace(integration, status="connected", status_reason=None, missing_scope=""))
        except (NotFound, Conflict):
            continue  # it is gone, or somebody else just decided on it


def ended(message: str) -> TestResult:
    """The verdict on a connection whose authorization is over."""
    return TestResult(False, message, response_ms=0, reason="reauth_required", next_step=_NEXT_STEP)


def too_little(lacking: ScopeMissing) -> TestResult:
    """The verdict on a connection whose server demands more than its grant gives."""
    step = f"{_NEXT_STEP} to: {lacking.scope}"
    return TestResult(False, lacking.message, 0, "reauth_required", step, missing_scope=lacking.scope)


def client_key(issuer: str, redirect_uri: str) -> str:
    """What a registration is kept under: it is never used at another issuer or for another redirect URI."""
    return hashlib.sha256(f"{issuer}\0{redirect_uri}".encode()).hexdigest()


def _revoke(keeping: Keeping) -> None:
    from jobsprint.integrations import oauth_client

    tokens = keeping.tokens
    token, hint = (tokens.refresh, "refresh_token") if tokens.refresh else (tokens.access, "access_token")
    if keeping.revoke_url and not oauth_client.revoke(keeping.revoke_url, keeping.endpoint.client, token, hint):
        logger.warning("token_not_revoked", extra={"issuer": keeping.issuer[:200]})


def _encrypted(tenant: str, id_: str, keeping: Keeping, *, version: int) -> Grant:
    return Grant(
        id=id_,
        encrypted=encrypt(EncryptionContext(tenant, id_, "grant", version), msgspec.json.encode(keeping).decode()),
        version=version,
        expires_at=keeping.tokens.expires_at,
        refresh_at=keeping.tokens.refresh_at if keeping.tokens.refresh else None,
    )


def _opened(tenant: str, grant: Grant) -> Keeping:
    opened = decrypt(EncryptionContext(tenant, grant.id, "grant", grant.version), grant.encrypted)
    return msgspec.json.decode(opened, type=Keeping)


# --- renewing ---------------------------------------------------------------------------------------------------------


def _working_token(tenant: str, id_: str, *, refused: str | None, until: float | None) -> str:
    """A token that works as far as we know, and is not `refused`.

    A renewal is never cut short, because a refresh token may be used up although its answer was not read: what would
    not end by `until` is not begun.
    """
    last_start = (time.monotonic() + _PATIENCE_SECONDS if until is None else until) - TOKEN_SECONDS
    while True:
        grant = GrantStore(tenant).find(id_)
        if grant is None or grant.dead:
            raise _over()
        keeping, now = _opened(tenant, grant), now_ms()
        token = keeping.tokens.access
        works = token != refused and not _expired(grant, now)
        if works and (grant.refresh_at is None or now < grant.refresh_at):
            return token
        in_time = time.monotonic() <= last_start
        fresh = _renew(tenant, grant, keeping, works=works) if in_time else None
        if fresh:
            return fresh
        if works:
            return token  # somebody else renews it, or it cannot be renewed just now
        if not in_time:
            message = "The authorization is being renewed and takes too long; nothing was done"
            raise UpstreamFailed(message, code="token_refresh_failed", sent=False)
        time.sleep(_POLL_SECONDS)


def _renew(tenant: str, grant: Grant, keeping: Keeping, *, works: bool) -> str | None:
    """The new token; None where somebody else is at it or was faster, and where it fails while the old one works."""
    from jobsprint.integrations import oauth_client

    store, owner, now = GrantStore(tenant), os.urandom(8).hex(), now_ms()
    if not keeping.tokens.refresh:
        if not works and _bury(tenant, grant):
            raise _over()
        return None
    if not store.lock(grant, owner, until=now + LOCK_MS, now=now):
        return None
    try:
        tokens = oauth_client.refresh(keeping.endpoint, keeping.tokens)
    except UpstreamFailed as error:
        if isinstance(error, Refused) and error.error in _DEADLY:
            _end(tenant, grant, keeping, error)
            return None
        store.unlock(grant, owner, refresh_at=now_ms() + _COOL_DOWN_MS)
        logger.warning("token_not_renewed", extra={"grantId": grant.id, "error": error.code})
        if works:
            return None
        message = f"The authorization could not be renewed just now: {error.message}"
        raise UpstreamFailed(message, code="token_refresh_failed", sent=False) from error
    written = store.write(_encrypted(tenant, grant.id, replace(keeping, tokens=tokens), version=grant.version + 1))
    return tokens.access if written else None


def _end(tenant: str, grant: Grant, keeping: Keeping, error: Refused) -> None:
    """Ends a grant that its server takes no more. Raises Conflict, unless somebody else renewed it meanwhile."""
    logger.warning("grant_refused", extra={"grantId": grant.id, "error": error.error})
    if error.error != "invalid_grant":  # it is we who are not known there any longer
        ClientStore(tenant).forget(client_key(keeping.issuer, keeping.redirect_uri))
    if _bury(tenant, grant):
        raise _over() from error


def _bury(tenant: str, grant: Grant) -> bool:
    """Ends a grant and tells so of every integration on it; False where its tokens changed meanwhile."""
    store = GrantStore(tenant)
    if not store.bury(grant):
        return False
    integrations = IntegrationStore(tenant)
    result = ended("The authorization has ended: its server takes the refresh token no more")
    for integration_id in store.members(grant.id):
        try:
            integration = integrations.get(integration_id)
        except NotFound:
            continue
        before = integrations.activity([integration_id])[integration_id].health
        state.take(integration, before, result, now_ms())
    return True


def _expired(grant: Grant, now: int) -> bool:
    return grant.expires_at is not None and now >= grant.expires_at - _EXPIRY_MARGIN_MS


def _over() -> Conflict:
    return Conflict("The authorization has ended; connect it again", code="reauth_required")
