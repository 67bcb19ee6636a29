"""Requests to administer tokens, and what is shown of a token."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from jobsprint.core.clock import iso_seconds
from jobsprint.core.ids import is_tenant
from jobsprint.core.models import RequestModel, ResponseModel
from jobsprint.domain.callers import SCOPES
from jobsprint.repositories.api_tokens import TokenRow


def _tenant(name: str) -> str:
    if not is_tenant(name):
        raise ValueError("a tenant is 1 to 63 lower-case letters, digits, - and _")
    return name


def _known(scopes: list[str]) -> list[str]:
    if unknown := set(scopes) - set(SCOPES):
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}; there are: {', '.join(SCOPES)}")
    return scopes


_Tenant = Annotated[str, AfterValidator(_tenant)]


class Issue(RequestModel):
    """Makes a token."""

    action: Literal["issue"]
    tenant: _Tenant
    scopes: Annotated[list[str], Field(min_length=1), AfterValidator(_known)] = Field(default=["*"])
    expires_in_days: Annotated[float, Field(gt=0, le=3650)] | None = None


class List(RequestModel):
    """Lists a tenant's tokens."""

    action: Literal["list"]
    tenant: _Tenant


class Revoke(RequestModel):
    """Ends a token."""

    action: Literal["revoke"]
    id: str


class TokenView(ResponseModel):
    """A token without its secret part."""

    id: str
    tenant: str
    scopes: list[str]
    valid: bool
    created_at: str
    expires_at: str | None = None
    revoked_at: str | None = None

    @classmethod
    def of(cls, row: TokenRow, now: int) -> "TokenView":
        """A token as it is shown; `now` in ms."""
        return cls(
            id=row.id,
            tenant=row.tenant,
            scopes=list(row.scopes),
            valid=row.valid_at(now),
            created_at=iso_seconds(row.created_at),
            expires_at=iso_seconds(row.expires_at) if row.expires_at else None,
            revoked_at=iso_seconds(row.revoked_at) if row.revoked_at else None,
        )
