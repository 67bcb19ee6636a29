"""What the limits of a caller's token leave of the operations that its scopes allow.

Which actions may be run is judged by `actions.service`, which knows them.
"""

from collections.abc import Mapping
from typing import Any

from jobsprint.domain.callers import Caller, limited, read_only
from jobsprint.repositories.integrations import IntegrationStore, not_found


def check(caller: Caller, event: Mapping[str, Any], *, scope: str, reads: bool) -> None:
    """Raise Forbidden or NotFound unless the caller's limits allow an operation.

    `scope` is that of the operation, and `reads` says that it changes nothing. An integration that may not be shown
    looks like one that does not exist.
    """
    if caller.limits.read_only and not reads:
        raise read_only("and this operation may change something")
    if not caller.limits.actions:
        return
    if scope == "integrations:write":
        raise limited(f"to {', '.join(caller.limits.actions)}: it cannot connect, change or test integrations")
    if integration_id := (event.get("pathParameters") or {}).get("integrationId"):
        integration = IntegrationStore(caller.tenant).get(str(integration_id))
        if not caller.limits.show(integration):
            raise not_found(integration.id)


def audit_actor(caller: Caller, asked: str | None) -> str | None:
    """Whose audit entries to list, None for everybody's: a token that is limited to some actions sees its own alone.

    Raises Forbidden where it asks for those of another.
    """
    if not caller.limits.actions:
        return asked
    if asked not in (None, caller.token_id):
        raise limited(f"to {', '.join(caller.limits.actions)}: it sees its own audit entries alone")
    return caller.token_id
