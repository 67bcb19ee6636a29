"""Token administration: no HTTP route reaches it; who may invoke it is IAM's word."""

from typing import Annotated, Any, Literal

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator

from jobsprint.api.caller import SCOPES
from jobsprint.domain.tenants import is_tenant
from jobsprint.domain.times import iso_seconds, now_ms
from jobsprint.security import tokens
from jobsprint.store.tokens import TokenRow, of_tenant

_DAY_MS = 86_400_000


class _OfTenant(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tenant: str

    @field_validator("tenant")
    @classmethod
    def _name(cls, tenant: str) -> str:
        if not is_tenant(tenant):
            raise ValueError("a tenant is 1 to 63 lower-case letters, digits, - and _")
        return tenant


class Issue(_OfTenant):
    """Makes a token."""

    action: Literal["issue"]
    scopes: Annotated[list[str], Field(min_length=1)] = ["*"]
    expires_in_days: Annotated[float | None, Field(gt=0, le=3650, alias="expiresInDays")] = None

    @field_validator("scopes")
    @classmethod
    def _known(cls, scopes: list[str]) -> list[str]:
        if unknown := set(scopes) - set(SCOPES):
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}; there are: {', '.join(SCOPES)}")
        return scopes


class List(_OfTenant):
    """Lists a tenant's tokens."""

    action: Literal["list"]


class Revoke(BaseModel):
    """Ends a token."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["revoke"]
    id: str


_REQUEST: TypeAdapter[Issue | List | Revoke] = TypeAdapter(
    Annotated[Issue | List | Revoke, Field(discriminator="action")]
)


def handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    """`{"action": "issue" | "list" | "revoke", …}`; raises for what it does not understand."""
    request = _REQUEST.validate_python(event)
    now = now_ms()
    match request:
        case Issue():
            expires = None if request.expires_in_days is None else now + round(request.expires_in_days * _DAY_MS)
            issued = tokens.issue(request.tenant, tuple(request.scopes), expires_at=expires, now=now)
            return {"token": issued.token, **_shown(issued.row, now)}
        case List():
            return {"tokens": [_shown(row, now) for row in of_tenant(request.tenant)]}
        case Revoke():
            tokens.revoke(request.id, now)
            return {"id": request.id, "revoked": True}


def _shown(row: TokenRow, now: int) -> dict[str, Any]:
    shown = {
        "id": row.id,
        "tenant": row.tenant,
        "scopes": list(row.scopes),
        "valid": row.valid_at(now),
        "createdAt": iso_seconds(row.created_at),
    }
    if row.expires_at:
        shown["expiresAt"] = iso_seconds(row.expires_at)
    if row.revoked_at:
        shown["revokedAt"] = iso_seconds(row.revoked_at)
    return shown
