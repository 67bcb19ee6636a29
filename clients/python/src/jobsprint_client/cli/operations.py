"""The operations of the API as data: `operations.json`, which tools/clients generates from docs/openapi.json."""

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class Option:
    """A field of a body, or a parameter. `name` is that of the API."""

    name: str
    kind: str
    """How its value is read: `string`, `secret`, `time`, `integer`, `number`, `boolean`, `choice`, `strings`,
    `integers`, `pairs` or `json`.
    """
    description: str = ""
    required: bool = False
    nullable: bool = False
    choices: tuple[str, ...] = ()
    option: str = ""
    """Its name as an option, where another one has the name of the API."""

    @property
    def flag(self) -> str:
        """The option on the command line: `--from-date` for `fromDate`."""
        return f"--{kebab(self.option or self.name)}"


@dataclass(frozen=True)
class Operation:
    """One command, and the request that it sends."""

    name: str
    verb: str
    path: str
    summary: str
    description: str = ""
    arguments: tuple[Option, ...] = ()
    query: tuple[Option, ...] = ()
    headers: tuple[Option, ...] = ()
    body: tuple[Option, ...] | None = None
    retry: str = ""
    """What makes a repeat safe: an idempotency `key`, the ids of an `event` or a `batch`, or nothing."""
    paged: bool = False
    background: bool = False
    public: bool = False
    """Whether it needs no token."""
    asks: bool = False
    """Whether it asks before it removes something."""
    columns: tuple[str, ...] = ()
    """The fields of a list's items that a table shows, as far as they fit."""

    @property
    def clearable(self) -> tuple[str, ...]:
        """The fields that a change can send as null, which removes their value."""
        return tuple(option.name for option in self.body or () if self.verb == "PATCH" and option.nullable)


@dataclass(frozen=True)
class Resource:
    """A group of commands."""

    name: str
    description: str
    operations: tuple[Operation, ...]


@cache
def resources() -> tuple[Resource, ...]:
    """Every resource, in the order of the API's document."""
    found = json.loads(files("jobsprint_client.cli").joinpath("operations.json").read_text("utf-8"))
    return tuple(
        Resource(each["name"], each["description"], tuple(_operation(one) for one in each["operations"]))
        for each in found
    )


def kebab(name: str) -> str:
    """A name of the API in words: `from-date` for `fromDate`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()


def _operation(found: dict[str, Any]) -> Operation:
    places = {name: _options(found[name]) for name in ("arguments", "query", "headers", "body") if found.get(name)}
    body = places.get("body", () if "body" in found and found["body"] is not None else None)
    return Operation(**{**found, **places, "body": body, "columns": tuple(found.get("columns", ()))})


def _options(found: list[dict[str, Any]]) -> tuple[Option, ...]:
    return tuple(Option(**{**each, "choices": tuple(each.get("choices", ()))}) for each in found)
