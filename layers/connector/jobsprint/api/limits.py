"""What the limits of a caller's token, and the session of the portal behind it, leave of the operations.

Which actions may be run is judged by `actions.service`, which knows them.
"""

from collections.abc import Mapping
from typing import Any

from jobsprint.core.errors import Forbidden
from jobsprint.domain.callers import Caller, limited, read_only
from jobsprint.domain.portal import ANY_SESSION
from jobsprint.repositories.integrations import IntegrationStore, not_found

_NAMES = ("webhookId", "integrationId")


def check_capability(caller: Caller, portal: str | None) -> None:
    """Raise Forbidden unless the session that may be behind the caller's token has the capability of an operation.

    `portal` is that capability, ANY_SESSION where every session may call it, and None where none may.
    """
    if caller.capabilities is None or portal == ANY_SESSION:
        return
    if portal is None:
        raise _no_capability("No session of the portal may call this operation")
    if not caller.allows(portal):
        raise _no_capability(f"This session lacks the capability {portal}")


def _no_capability(why: str) -> Forbidden:
    return Forbidden(why, code="missing_capability")


def check(caller: Caller, event: Mapping[str, Any], *, scope: str, reads: bool) -> None:
    """Raise Forbidden or NotFound unless the caller's limits allow an operation.

    `scope` is that of the operation, and `reads` says that it changes nothing. An integration that may not be shown
    looks like one that does not exist.
    """
    if caller.limits.read_only and not reads:
        raise read_only("and this operation may change something")
    _check_restrictions(caller, event, scope=scope, reads=reads)
    if not caller.limits.actions:
        return
    if scope == "integrations:write":
        raise limited(f"to {', '.join(caller.limits.actions)}: it cannot connect, change or test integrations")
    if integration_id := (event.get("pathParameters") or {}).get("integrationId"):
        integration = IntegrationStore(caller.tenant).get(str(integration_id))
        if not caller.limits.show(integration):
            raise not_found(integration.id)


def _check_restrictions(caller: Caller, event: Mapping[str, Any], *, scope: str, reads: bool) -> None:
    """Raise unless what the operation names is among the webhooks and integrations that the caller may know of.

    What changes something and names none of them reaches all, or makes a new one.
    """
    path = event.get("pathParameters") or {}
    named = [str(path[name]) for name in _NAMES if str(path.get(name, "")).startswith(("wh_", "int_"))]
    for an_id in named:
        if not caller.limits.reaches(an_id):
            raise not_found(an_id)
    if reads or named:
        return
    if caller.limits.webhooks is not None and scope in ("webhooks:write", "events:publish"):
        raise limited("to some webhooks, and this operation concerns others")
    if caller.limits.integrations is not None and scope == "integrations:write":
        raise limited("to some integrations, and cannot connect others")


def audit_actor(caller: Caller, asked: str | None) -> str | None:
    """Whose audit entries to list, None for everybody's: a token that may not know of everything sees its own alone.

    Raises Forbidden where it asks for those of another.
    """
    if caller.limits.shows_all:
        return asked
    if asked not in (None, caller.token_id):
        what = ", ".join(caller.limits.actions) or "some webhooks or integrations"
        raise limited(f"to {what}: it sees its own audit entries alone")
    return caller.token_id
