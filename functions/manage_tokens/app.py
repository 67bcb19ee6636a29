"""Token administration: no HTTP route reaches it; who may invoke it is IAM's word."""

from typing import Annotated, Any, Literal

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import AfterValidator, Field

from jobsprint.api.auth import SCOPES
from jobsprint.core.clock import iso_seconds, now_ms
from jobsprint.core.errors import InvalidFields
from jobsprint.core.ids import is_tenant
from jobsprint.core.models import RequestModel, validate
from jobsprint.repositories.api_tokens import TokenRow, of_tenant
from jobsprint.security import api_tokens

_DAY_MS = 86_400_000


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


_REQUESTS: dict[Any, type[Issue | List | Revoke]] = {"issue": Issue, "list": List, "revoke": Revoke}


def handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    """`{"action": "issue" | "list" | "revoke", …}`; raises InvalidFields for what it does not understand."""
    kind = _REQUESTS.get(event.get("action"))
    if kind is None:
        raise InvalidFields.one("event.action", f"one of {', '.join(_REQUESTS)}")
    request = validate(kind, event, "event")
    now = now_ms()
    match request:
        case Issue():
            expires = None if request.expires_in_days is None else now + round(request.expires_in_days * _DAY_MS)
            issued = api_tokens.issue(request.tenant, tuple(request.scopes), expires_at=expires, now=now)
            return {"token": issued.token, **_shown(issued.row, now)}
        case List():
            return {"tokens": [_shown(row, now) for row in of_tenant(request.tenant)]}
        case Revoke():
            api_tokens.revoke(request.id, now)
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
