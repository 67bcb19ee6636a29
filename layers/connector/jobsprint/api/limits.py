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
