"""Who calls: what the authorizer put into the request's context, and from nowhere else.

API Gateway's context holds texts alone. A token without limits and without an end has no field for them. An empty list
is `-`, because nothing says that an empty text arrives.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from jobsprint.core.errors import Unauthenticated
from jobsprint.domain.callers import Caller, Limits


def context_of(caller: Caller) -> dict[str, str]:
    """The context by which the authorizer hands on a caller; `caller_of` reads it."""
    context = {"tenant": caller.tenant, "scopes": " ".join(sorted(caller.scopes)), "tokenId": caller.token_id}
    if caller.limits.actions:
        context["actions"] = " ".join(caller.limits.actions)
    if caller.limits.read_only:
        context["readOnly"] = "true"
    if caller.expires_at is not None:
        context["expiresAt"] = str(caller.expires_at)
    lists = {
        "webhooks": caller.limits.webhooks,
        "integrations": caller.limits.integrations,
        "capabilities": caller.capabilities,
    }
    return context | {name: _text(values) for name, values in lists.items() if values is not None}


def caller_of(event: Mapping[str, Any]) -> Caller:
    """The caller of an API Gateway event. Raises Unauthenticated without a tenant."""
    context = (event.get("requestContext") or {}).get("authorizer") or {}
    tenant = context.get("tenant")
    if not isinstance(tenant, str) or not tenant:
        raise Unauthenticated("Send a valid token: Authorization: Bearer <token>")
    capabilities = _list(context.get("capabilities"))
    return Caller(
        tenant,
        frozenset(str(context.get("scopes", "")).split()),
        str(context.get("tokenId", "")),
        Limits(
            tuple(str(context.get("actions", "")).split()),
            read_only="readOnly" in context,
            webhooks=_list(context.get("webhooks")),
            integrations=_list(context.get("integrations")),
        ),
        int(context["expiresAt"]) if "expiresAt" in context else None,
        None if capabilities is None else frozenset(capabilities),
    )


def _text(values: Iterable[str]) -> str:
    return " ".join(sorted(values)) or "-"


def _list(text: object) -> tuple[str, ...] | None:
    return None if text is None else tuple(value for value in str(text).split() if value != "-")


def names_webhook(event: Mapping[str, Any]) -> bool:
    """Whether the `integrationId` in the path of an API Gateway event is that of a webhook, by its form."""
    return str((event.get("pathParameters") or {}).get("integrationId", "")).startswith("wh_")
