"""Searching the connected actions of a tenant: an index that a container keeps until one of the connections changes.

Each search reads which connections there are, in which versions; only a new or changed one has the actions read again.
The index has all actions of a tenant, and nothing secret; what a token may not run is left out of each answer.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from jobsprint.catalog.action_index import Action, ActionIndex
from jobsprint.core.cache import BoundedCache
from jobsprint.domain.callers import Caller
from jobsprint.domain.integrations import Capability, Integration
from jobsprint.domain.tool_names import tool_names
from jobsprint.mcp_server.tool import properties_of
from jobsprint.repositories.integrations import IntegrationStore

DESCRIPTION = 200
"""Characters of a description that a search shows."""

MOST_KEPT = 20_000
"""Actions that a container keeps, of all tenants together: about 60 MB."""

Found = tuple[str, Integration, Capability]


@dataclass(frozen=True)
class _Searchable:
    """A tenant's actions, without their schemas, as they were in these versions of its integrations."""

    versions: dict[str, int]
    actions: list[Found]
    index: ActionIndex


_kept: BoundedCache[str, _Searchable] = BoundedCache(MOST_KEPT, lambda kept: len(kept.actions))


def forget() -> None:
    """Begin as a new container does."""
    _kept.clear()


def search(caller: Caller, query: str, limit: int) -> list[Found]:
    """The first actions that a request may mean and the caller may run, the best first, by the names of their tools."""
    kept = _searchable(caller.tenant)
    ranked = (kept.actions[place] for place in kept.index.search(query))
    return list(islice((found for found in ranked if caller.limits.allow(*found[1:])), limit))


def _searchable(tenant: str) -> _Searchable:
    # Read before the actions: what changes in between is seen by the next search.
    versions = IntegrationStore(tenant).versions()
    kept = _kept.get(tenant)
    if kept is None or kept.versions != versions:
        kept = _built(tenant, versions)
        if len(kept.actions) <= MOST_KEPT:
            _kept[tenant] = kept
    return kept


def _built(tenant: str, versions: dict[str, int]) -> _Searchable:
    found = IntegrationStore(tenant).connections()
    named = tool_names(integration for integration in found if integration.status == "connected")
    index = ActionIndex(action_of(*pair) for pair in named.values())
    return _Searchable(versions, list(_shown(named)), index)


def _shown(named: dict[str, tuple[Integration, Capability]]) -> Iterator[Found]:
    """Each action with what a search shows of it and what limits of tokens look at."""
    slim: dict[str, Integration] = {}
    for name, (integration, capability) in named.items():
        if integration.id not in slim:
            slim[integration.id] = replace(
                integration, capabilities=(), encrypted={}, configuration={}, connector_state={}
            )
        description = capability.description and capability.description[:DESCRIPTION]
        kept = replace(capability, description=description, schema={}, output_schema=None)
        yield name, slim[integration.id], kept


def action_of(integration: Integration, capability: Capability) -> Action:
    """An action as the index takes it."""
    return Action(
        name=capability.name,
        title=capability.title or "",
        description=capability.description or "",
        parameters=list(properties_of(capability.schema)),
        app=integration.name,
        app_id=integration.app,
    )
