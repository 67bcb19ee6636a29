"""Who calls: the tenant and scopes that the authorizer put into the request's context, and from nowhere else."""

from collections.abc import Mapping
from typing import Any

from jobsprint.core.errors import Unauthenticated
from jobsprint.domain.callers import Caller


def caller_of(event: Mapping[str, Any]) -> Caller:
    """The caller of an API Gateway event. Raises Unauthenticated without a tenant."""
    context = (event.get("requestContext") or {}).get("authorizer") or {}
    tenant = context.get("tenant")
    if not isinstance(tenant, str) or not tenant:
        raise Unauthenticated("Send a valid token: Authorization: Bearer <token>")
    return Caller(tenant, frozenset(str(context.get("scopes", "")).split()), str(context.get("tokenId", "")))


def names_webhook(event: Mapping[str, Any]) -> bool:
    """Whether the `integrationId` in the path of an API Gateway event is that of a webhook, by its form."""
    return str((event.get("pathParameters") or {}).get("integrationId", "")).startswith("wh_")
