"""What a tenant can connect: the catalogue, and behind it what its own MCP and Zapier servers offer."""

from jobsprint.catalog.builtin import App, builtin
from jobsprint.catalog.search import search
from jobsprint.domain.callers import Caller
from jobsprint.domain.integrations import Integration, IntegrationType
from jobsprint.repositories.integrations import IntegrationStore

_OWN_TYPES: tuple[IntegrationType, ...] = ("mcp", "zapier")
_MAX_OWN = 100  # of each type


def available(
    caller: Caller, query: str | None, category: str | None, kind: str | None, *, start: int, limit: int
) -> tuple[list[App], bool]:
    """`limit` applications from the `start`-th on, and whether there are more.

    A connected server is listed under its `int_…` with the names of its tools as capabilities, for this tenant only and
    where the caller may know of it.
    """
    own = [
        _own(integration)
        for own_type in _OWN_TYPES
        if kind in (None, own_type)
        for integration in IntegrationStore(caller.tenant).page(
            limit=_MAX_OWN, type_=own_type, shown=caller.limits.show
        )[0]
        if integration.status == "connected"
    ]
    return search(query, category, kind, start=start, limit=limit, own=own)


def _own(integration: Integration) -> App:
    app = builtin().apps.get(integration.app)
    return App(
        integration.id,
        integration.type,
        integration.name,
        integration.description,
        app.category if app else "Other",
        0,
        tuple(capability.name for capability in integration.capabilities),
        own_icon=integration.icon,
    )
