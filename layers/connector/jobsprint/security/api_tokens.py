"""API tokens: `jsp_<id>_<secret>`. Only their SHA-256 is kept; 256 random bits need no slow hash.

The id finds the row and the digest proves the token, so nothing about other tokens can be learnt by trying.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from jobsprint.core.errors import NotFound
from jobsprint.core.ids import new_id, unique_part
from jobsprint.domain.callers import Caller
from jobsprint.repositories import api_tokens, tenants
from jobsprint.repositories.api_tokens import TokenRow

_FORM = re.compile(r"jsp_([0-9a-hjkmnp-tv-z]{26})_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class Issued:
    """A new token, shown this once."""

    token: str
    row: TokenRow


def issue(tenant: str, scopes: tuple[str, ...], *, expires_at: int | None, now: int) -> Issued:
    """Make a token for a tenant, which exists from then on. Times in Unix ms."""
    token_id = new_id("tok", now)
    token = f"jsp_{unique_part(token_id)}_{secrets.token_urlsafe(32)}"
    row = TokenRow(
        id=token_id,
        tenant=tenant,
        digest=_digest(token),
        scopes=scopes,
        created_at=now,
        expires_at=expires_at,
    )
    tenants.add(tenant)
    api_tokens.add(row)
    return Issued(token, row)


def principal_of(token: str, now: int) -> Caller | None:
    """Who calls with a token that is valid at `now` (ms); None where it is not."""
    row = verify(token, now)
    return Caller(row.tenant, frozenset(row.scopes), row.id) if row else None


def verify(token: str, now: int) -> TokenRow | None:
    """The row of a token that is known and valid at `now` (ms), else None."""
    form = _FORM.fullmatch(token)
    if form is None:
        return None
    row = api_tokens.find(f"tok_{form.group(1)}")
    if row is None or not hmac.compare_digest(row.digest, _digest(token)) or not row.valid_at(now):
        return None
    return row


def revoke(token_id: str, now: int) -> None:
    """End a token; the authorizer's cache lets it live up to 60 s. Raises NotFound."""
    if not api_tokens.revoke(token_id, now):
        raise NotFound(f"There is no token {token_id}", code="token_not_found")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
