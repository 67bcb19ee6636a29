"""Connected actions as real servers describe them, and what agents ask for: `tests/unit/catalog/connected_actions.txt`.

Below the line of an application (`# name | style | things`) an action is `name = title | description | parameters`. The
things can be listed, found, created and so on, as servers of that style say it.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from jobsprint.catalog.action_index import ActionIndex
from jobsprint.core.canonical_json import JsonObject
from jobsprint.domain.integrations import Capability, Integration
from jobsprint.domain.slugs import slug_of
from jobsprint.mcp_server.action_search import action_of

_FOLDER = Path(__file__).parents[1] / "unit" / "catalog"
_MANY = "list_{0}s|List {1}s||, get_{0}|Retrieve a {1} by its ID|{0}_id, create_{0}|Create a new {1}|name, "
_MANY += "update_{0}|Update an existing {1}|{0}_id, delete_{0}|Delete a {1}|{0}_id, search_{0}s|Search {1}s|query"
_FORMS = {
    "mcp": _MANY,
    "zapier": "find_{0}=Find {2}|Finds an existing {1}.|query, create_{0}=Create {2}|Creates a new {1}.|name, "
    "update_{0}=Update {2}|Updates an existing {1}.|id, delete_{0}=Delete {2}||id",
    "n8n": "{0}:getAll=Get many {1}s||, {0}:get=Get a {1}||id, {0}:create=Create a {1}||name, "
    "{0}:update=Update a {1}||id, {0}:delete=Delete a {1}||id",
    "bare": "{0}List, {0}Get, {0}Create, {0}Update, {0}Delete",
    "rest": "list{3}s|Returns all {1}s|, get{3}|Returns a {1}|id, create{3}|Creates a {1}|name, "
    "update{3}|Updates a {1}|id, delete{3}|Deletes a {1}|id",
    "custom": "",
}


def integrations(tenant: str = "acme") -> list[Integration]:
    """One connection of each application, with all its actions."""
    found: list[Integration] = []
    for line in (_FOLDER / "connected_actions.txt").read_text("utf-8").splitlines():
        if line.startswith("# "):
            name, style, things = (part.strip() for part in line[2:].split("|"))
            actions = tuple(_action(text) for thing in things.split() for text in _about(style, thing))
            found.append(_integration(tenant, len(found), name, actions))
        else:
            found[-1] = replace(found[-1], capabilities=(*found[-1].capabilities, _action(line)))
    return found


def padded(size: int, tenant: str = "acme") -> list[Integration]:
    """As many connections of the same applications and of variants as `size` actions take."""
    found, number = integrations(tenant), 1
    known = list(found)
    count = sum(len(one.capabilities) for one in found)
    while count < size:
        for one in known:
            kept = tuple(replace(each, name=f"{each.name}_{number}") for each in one.capabilities[: size - count])
            found.append(_integration(tenant, len(found), f"{one.name} {_TEAMS[number]}", kept))
            count += len(kept)
        number += 1
    return [one for one in found if one.capabilities]


def indexed(found: list[Integration]) -> tuple[list[str], ActionIndex]:
    """The index of all actions, and the `<slug>.<action>` of each place in it."""
    pairs = [(integration, capability) for integration in found for capability in integration.capabilities]
    names = [f"{integration.slug}.{capability.name}" for integration, capability in pairs]
    return names, ActionIndex(action_of(*pair) for pair in pairs)


def requests(name: str) -> dict[str, tuple[str, ...]]:
    """What agents ask for in that file, and the actions that serve it, each as `<slug>.<action>`."""
    lines = (_FOLDER / f"{name}_requests.txt").read_text("utf-8").splitlines()
    pairs = (line.split(" => ") for line in lines)
    return {request: tuple(expected.split(", ")) for request, expected in pairs}


_TEAMS = "- EU US APAC Finance Legal Berlin Tokyo Sandbox Archive Partners Retail Labs Ops Field".split()


def _integration(tenant: str, number: int, name: str, actions: tuple[Capability, ...]) -> Integration:
    id_ = f"int_{number:026d}"
    made = {"tenant": tenant, "id": id_, "status": "connected", "created_at": 1, "app": "custom_webhook"}
    return Integration(type="custom", name=name, slug=slug_of(name), capabilities=actions, **made)  # type: ignore[arg-type]


def _about(style: str, thing: str) -> Iterator[str]:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", thing).replace("_", " ").lower()
    camel = words.title().replace(" ", "")
    yield from filter(None, _FORMS[style].format(thing, words, words.title(), camel).split(", "))


def _action(line: str) -> Capability:
    name, description, parameters = ([part.strip() for part in line.split("|")] + ["", ""])[:3]
    name, _, title = (part.strip() for part in name.partition("="))
    properties: JsonObject = {parameter: {"type": "string"} for parameter in parameters.split()}
    schema: JsonObject = {"type": "object", "properties": properties}
    return Capability(name, description or None, schema, title=title or None)
