"""Valid tokens for calls: an integration's credentials with the token of its grant, renewed in time.

One call at a time renews a grant, under a lock that outlives its request. No call waits while the old token is valid;
one that has to wait polls until the lock has ended, and then takes it. What is written is fenced by the grant's
version, so a renewal that was frozen meanwhile cannot undo a newer one.
"""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from jobsprint.core.clock import now_ms
from jobsprint.core.errors import Conflict, InsufficientScope, ScopeMissing, UpstreamFailed, UpstreamUnauthorized
from jobsprint.core.observability import logger
from jobsprint.domain.integrations import Integration
from jobsprint.domain.oauth import TOKEN_SECONDS, Refused
from jobsprint.integrations.oauth_grants import (
    GrantSecrets,
    client_key,
    encrypted_grant,
    grant_id,
    grant_secrets,
    invalidate,
    unrequested_scope,
)
from jobsprint.repositories.oauth import ClientStore, Grant, GrantStore
from jobsprint.security.credentials import Credentials, decrypt_credentials

TOKEN_KEY = "token"  # noqa: S105 - the name under which a connector finds its bearer token
LOCK_MS = 12_000
"""How long one renewal may hold a grant: longer than TOKEN_SECONDS, so that there is no second renewal beside it."""

_PATIENCE_SECONDS = LOCK_MS / 1000 + TOKEN_SECONDS + 2
_POLL_SECONDS = 0.1
_COOL_DOWN_MS = 30_000
_EXPIRY_MARGIN_MS = 5_000
# Codes of RFC 6749 (5.2) after which no repeat can help. Everything else may pass.
_FINAL_ERRORS = frozenset({"invalid_grant", "invalid_client", "unauthorized_client"})

_Result = TypeVar("_Result")


def credentials_for_call(integration: Integration, *, until: float | None = None) -> Credentials:
    """The integration's credentials; for one with a grant, with a valid token under `keys["token"]`.

    `until` (`time.monotonic`) is when that has to be done, by default after a lock and a renewal.

    Raises Conflict `reauth_required` where only a new authorization helps (ScopeMissing where that is for more than
    before), and UpstreamFailed `token_refresh_failed` where the token has run out and its server does not give another
    one just now.
    """
    return with_token(integration, decrypt_credentials(integration), until=until)


def with_token(integration: Integration, credentials: Credentials, *, until: float | None = None) -> Credentials:
    """`credentials` with a valid token where the integration has a grant; raises as `credentials_for_call`."""
    if integration.grant is None or not credentials.url:
        return credentials
    if grant_id(credentials.url) != integration.grant:
        # A token goes to the server it was given for and to no other one.
        raise Conflict(f"{integration.id} has another server than its grant; connect it again", code="reauth_required")
    if scope := unrequested_scope(integration, integration.missing_scope):
        raise ScopeMissing(scope)
    return _with(credentials, _valid_token(integration.tenant, integration.grant, refused=None, until=until))


def with_another_token(integration: Integration, refused: Credentials, *, until: float | None = None) -> Credentials:
    """The credentials after the server refused their token; raises as `credentials_for_call`."""
    if integration.grant is None:
        return refused
    old = refused.keys.get(TOKEN_KEY)
    return _with(refused, _valid_token(integration.tenant, integration.grant, refused=old, until=until))


def without_token(credentials: Credentials) -> Credentials:
    """The credentials as an integration with a grant keeps them: only the grant holds the token."""
    return replace(credentials, keys={name: value for name, value in credentials.keys.items() if name != TOKEN_KEY})


def _with(credentials: Credentials, token: str) -> Credentials:
    return replace(credentials, keys={**credentials.keys, TOKEN_KEY: token})


class Access:
    """The credentials for the calls of one request; a token that the server refuses is renewed once."""

    def __init__(
        self, integration: Integration, credentials: Credentials | None = None, *, until: float | None = None
    ) -> None:
        """`credentials` replace those of the integration; `until` and the errors are as in `credentials_for_call`."""
        self._integration = integration
        self._until = until
        opened = decrypt_credentials(integration) if credentials is None else credentials
        self._credentials = with_token(integration, opened, until=until)
        self._secrets = self._credentials.values()

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret value that was used, for masking."""
        return self._secrets

    def call(self, work: Callable[[Credentials], _Result]) -> _Result:
        """The result of `work`; after UpstreamUnauthorized (nothing was done) once more with another token.

        Raises ScopeMissing in place of an InsufficientScope that a new authorization may cure.
        """
        try:
            return self._call_with_renewal(work)
        except InsufficientScope as error:
            if scope := unrequested_scope(self._integration, error.scope):
                raise ScopeMissing(scope) from error
            raise

    def _call_with_renewal(self, work: Callable[[Credentials], _Result]) -> _Result:
        try:
            return work(self._credentials)
        except UpstreamUnauthorized:
            if self._integration.grant is None:
                raise
        self._credentials = with_another_token(self._integration, self._credentials, until=self._until)
        self._secrets += self._credentials.values()
        return work(self._credentials)


def _valid_token(tenant: str, id_: str, *, refused: str | None, until: float | None) -> str:
    """A token that is valid as far as we know, and is not `refused`.

    A renewal is never cut short, because a refresh token may be used up although its answer was not read: what would
    not end by `until` is not begun.
    """
    last_start = (time.monotonic() + _PATIENCE_SECONDS if until is None else until) - TOKEN_SECONDS
    while True:
        grant = GrantStore(tenant).find(id_)
        if grant is None or grant.invalid:
            raise _ended()
        secrets, now = grant_secrets(tenant, grant), now_ms()
        token = secrets.tokens.access
        valid = token != refused and not _expired(grant, now)
        if valid and (grant.refresh_at is None or now < grant.refresh_at):
            return token
        in_time = time.monotonic() <= last_start
        fresh = _renew(tenant, grant, secrets, valid=valid) if in_time else None
        if fresh:
            return fresh
        if valid:
            return token  # another call renews it, or it cannot be renewed just now
        if not in_time:
            message = "The authorization is being renewed and takes too long; nothing was done"
            raise UpstreamFailed(message, code="token_refresh_failed", sent=False)
        time.sleep(_POLL_SECONDS)


def _renew(tenant: str, grant: Grant, secrets: GrantSecrets, *, valid: bool) -> str | None:
    """The new token; None where another call renews it or has, and where it fails while the old one is `valid`."""
    from jobsprint.integrations import oauth_client

    store, owner, now = GrantStore(tenant), os.urandom(8).hex(), now_ms()
    if not secrets.tokens.refresh:
        if not valid and invalidate(tenant, grant):
            raise _ended()
        return None
    if not store.lock(grant, owner, until=now + LOCK_MS, now=now):
        return None
    try:
        tokens = oauth_client.refresh(secrets.endpoint, secrets.tokens)
    except UpstreamFailed as error:
        if isinstance(error, Refused) and error.error in _FINAL_ERRORS:
            _end(tenant, grant, secrets, error)
            return None
        store.unlock(grant, owner, refresh_at=now_ms() + _COOL_DOWN_MS)
        logger.warning("token_not_renewed", extra={"grantId": grant.id, "error": error.code})
        if valid:
            return None
        message = f"The authorization could not be renewed just now: {error.message}"
        raise UpstreamFailed(message, code="token_refresh_failed", sent=False) from error
    written = store.write(encrypted_grant(tenant, replace(secrets, tokens=tokens), version=grant.version + 1))
    return tokens.access if written else None


def _end(tenant: str, grant: Grant, secrets: GrantSecrets, error: Refused) -> None:
    """Invalidate a grant that its server refused. Raises Conflict, unless another call renewed it meanwhile."""
    logger.warning("grant_refused", extra={"grantId": grant.id, "error": error.error})
    if error.error != "invalid_grant":  # our client registration is no longer known there
        ClientStore(tenant).delete(client_key(secrets.issuer, secrets.redirect_uri))
    if invalidate(tenant, grant):
        raise _ended() from error


def _expired(grant: Grant, now: int) -> bool:
    return grant.expires_at is not None and now >= grant.expires_at - _EXPIRY_MARGIN_MS


def _ended() -> Conflict:
    return Conflict("The authorization has ended; connect it again", code="reauth_required")
