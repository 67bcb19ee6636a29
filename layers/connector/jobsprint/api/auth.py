"""Who calls: the tenant and scopes that the authorizer put into the request's context, and from nowhere else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jobsprint.core.errors import Forbidden, Unauthenticated

SCOPES = (
    "integrations:read",
    "integrations:write",
    "actions:execute",
    "webhooks:read",
    "webhooks:write",
    "events:publish",
    "events:read",
    "*",
)
# For operations that every valid token may call.
ANY_TOKEN = ""


@dataclass(frozen=True)
class Caller:
    """The tenant behind a request."""

    tenant: str
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """Whether the token has a scope."""
        return not self.scopes.isdisjoint({scope, "*"})

    def require(self, scope: str) -> None:
        """Raise Forbidden unless the token has a scope."""
        if scope != ANY_TOKEN and not self.may(scope):
            raise Forbidden(f"This token lacks the scope {scope}")


def caller_of(event: Mapping[str, Any]) -> Caller:
    """The caller of an API Gateway event. Raises Unauthenticated without a tenant."""
    context = (event.get("requestContext") or {}).get("authorizer") or {}
    tenant = context.get("tenant")
    if not isinstance(tenant, str) or not tenant:
        raise Unauthenticated("Send a valid token: Authorization: Bearer <token>")
    return Caller(tenant, frozenset(str(context.get("scopes", "")).split()))


def names_webhook(event: Mapping[str, Any]) -> bool:
    """Whether the `integrationId` in the path of an API Gateway event is that of a webhook, by its form."""
    return str((event.get("pathParameters") or {}).get("integrationId", "")).startswith("wh_")
