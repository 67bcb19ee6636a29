"""API tokens: `jsp_<id>_<secret>`, and `jps_<id>_<secret>` for a session of the portal.

Only their SHA-256 is kept; 256 random bits need no slow hash.

The id finds the row and the digest proves the token, so nothing about other tokens can be learnt by trying.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace

from jobsprint.core.errors import Detail, NotFound, Unauthenticated, wrong_fields
from jobsprint.core.ids import new_id, unique_part
from jobsprint.domain.callers import MANAGEMENT, SESSION_PREFIX, Caller, Limits, is_for_agent, without_management
from jobsprint.repositories import api_tokens, tenants
from jobsprint.repositories.api_tokens import TokenRow

LIFE_SECONDS = 7 * 86400
MAX_LIFE_SECONDS = 365 * 86400
SESSION_TOKEN = "jps"  # noqa: S105 - what one begins with
_FORM = re.compile(r"(jsp|jps)_([0-9a-hjkmnp-tv-z]{26})_[A-Za-z0-9_-]{43}")
_ID_PREFIXES = {"jsp": "tok", SESSION_TOKEN: SESSION_PREFIX}


@dataclass(frozen=True)
class NewToken:
    """What a new token is to be: a name for people, scopes, limits, and its life in seconds (None for the default)."""

    name: str
    scopes: tuple[str, ...]
    limits: Limits
    seconds: int | None = None


@dataclass(frozen=True)
class Issued:
    """A new token, shown this once."""

    token: str
    row: TokenRow


def issue(tenant: str, wanted: NewToken, *, now: int) -> Issued:
    """Make a token for a tenant, which exists from then on; without an end by default. `now` in ms.

    One for an agent gets its scopes without those that make other tokens, also for `*`.
    """
    agent = is_for_agent(wanted.scopes, wanted.limits)
    scopes = without_management(wanted.scopes) if agent else wanted.scopes
    expires_at = None if wanted.seconds is None else now + wanted.seconds * 1000
    tenants.add(tenant)
    return _made(tenant, replace(wanted, scopes=scopes), parent=None, expires_at=expires_at, now=now)


def delegate(caller: Caller, wanted: NewToken, *, now: int) -> Issued:
    """Make a token that is no wider than the caller's own, ends no later, and can make none. `now` in ms.

    One that a session of the portal makes has its capabilities and restrictions as well. The default life is seven
    days. Raises InvalidFields for scopes that the caller does not have and for a longer life,
    and Unauthenticated for a caller whose own has ended.
    """
    if caller.expires_at is not None and caller.expires_at <= now:
        raise Unauthenticated("This token has expired")
    scopes = without_management(wanted.scopes)
    own_end = MAX_LIFE_SECONDS if caller.expires_at is None else (caller.expires_at - now) // 1000
    wrong = list(_wider(caller, wanted, scopes))
    if wanted.seconds is not None and wanted.seconds > own_end:
        wrong.append(Detail("body.expiresIn", f"at most {own_end}: this token itself ends then"))
    if wrong:
        raise wrong_fields(wrong)
    expires_at = now + min(wanted.seconds or LIFE_SECONDS, own_end) * 1000
    limits = replace(wanted.limits, webhooks=caller.limits.webhooks, integrations=caller.limits.integrations)
    narrower = replace(wanted, scopes=scopes, limits=limits)
    return _made(caller.tenant, narrower, parent=caller, expires_at=expires_at, now=now)


def _wider(caller: Caller, wanted: NewToken, scopes: tuple[str, ...]) -> Iterable[Detail]:
    """The wrong field, where the scopes that are wanted are more than the caller can give."""
    if managing := [scope for scope in MANAGEMENT if scope in wanted.scopes]:
        yield Detail("body.scopes", f"a token that is made by the API cannot have {', '.join(managing)}")
    elif lacking := [scope for scope in scopes if not caller.may(scope)]:
        yield Detail("body.scopes", f"this token itself lacks {', '.join(lacking)}")


def _made(tenant: str, wanted: NewToken, *, parent: Caller | None, expires_at: int | None, now: int) -> Issued:
    token_id = new_id("tok", now)
    token = f"jsp_{unique_part(token_id)}_{secrets.token_urlsafe(32)}"
    row = TokenRow(
        id=token_id,
        tenant=tenant,
        digest=digest_of(token),
        scopes=wanted.scopes,
        created_at=now,
        expires_at=expires_at,
        name=wanted.name,
        limits=wanted.limits,
        parent=parent.token_id if parent else None,
        capabilities=_inherited(parent),
    )
    api_tokens.add(row)
    return Issued(token, row)


def _inherited(parent: Caller | None) -> tuple[str, ...] | None:
    """What a session hands on to the tokens that it makes: they make none themselves."""
    if parent is None or parent.capabilities is None:
        return None
    return tuple(sorted(parent.capabilities - {"agents"}))


def principal_of(token: str, now: int) -> Caller | None:
    """Who calls with a token that is valid at `now` (ms); None where it is not."""
    row = _verified(token, now)
    if row is None:
        return None
    capabilities = None if row.capabilities is None else frozenset(row.capabilities)
    return Caller(row.tenant, frozenset(row.scopes), row.id, row.limits, row.expires_at, capabilities)


def _verified(token: str, now: int) -> TokenRow | None:
    """The row of a token that is known and valid at `now` (ms), else None."""
    form = _FORM.fullmatch(token)
    if form is None:
        return None
    row = api_tokens.find(f"{_ID_PREFIXES[form.group(1)]}_{form.group(2)}")
    if row is None or not hmac.compare_digest(row.digest, digest_of(token)) or not row.valid_at(now):
        return None
    return row


def revoke(token_id: str, now: int, *, tenant: str | None = None, parent: str | None = None) -> None:
    """End a token, of that tenant or of any, and those it made; the authorizer's cache lets them live up to 60 s.

    With a `parent`, one that it made. Raises NotFound.
    """
    if not api_tokens.revoke(token_id, now, tenant=tenant, parent=parent):
        raise not_found(token_id)


def not_found(token_id: str) -> NotFound:
    """The error for a token that does not exist, or not for this tenant."""
    return NotFound(f"There is no token {token_id[:100]!r}", code="token_not_found")


def digest_of(token: str) -> str:
    """What is kept of a token, or of the code for one."""
    return hashlib.sha256(token.encode()).hexdigest()
