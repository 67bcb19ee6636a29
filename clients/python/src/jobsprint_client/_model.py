"""Answers as objects with typed attributes, and values as JSON."""

import functools
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Final, final


@final
class Omit:
    """The type of `OMIT`."""

    def __repr__(self) -> str:
        return "OMIT"


OMIT: Final = Omit()
"""What a parameter that is left out has: its field is not sent. `None` is sent as null."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """What the service answered. An attribute is None where the answer does not have it."""

    raw: dict[str, Any] = field(repr=False, compare=False)
    """The answer as JSON, with fields that this version of the client does not know."""


def wire_name(name: str) -> str:
    """The API's name of an attribute: `created_at` is `createdAt`, and `from_` is `from`."""
    first, *rest = name.rstrip("_").split("_")
    return first + "".join(word.capitalize() for word in rest)


def decode(kind: Any, value: Any) -> Any:
    """JSON as the type `kind`. What does not fit stays as it is: a newer service may answer other things."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return next((decode(each, value) for each in arguments if _fits(each, value)), value)
    if origin is list and isinstance(value, list):
        return [decode(arguments[0], each) for each in value]
    if origin is dict and isinstance(value, dict):
        return {name: decode(arguments[1], each) for name, each in value.items()}
    if kind is datetime:
        return _time(value)
    if _is_model(kind) and isinstance(value, dict):
        names = _attributes(kind)
        return kind(raw=value, **{name: decode(names[name][1], value.get(names[name][0])) for name in names})
    return value


def encode(value: Any) -> Any:
    """A value as one that `json` writes; times as ISO 8601. Raises TypeError for what cannot be sent."""
    if isinstance(value, datetime):
        # A time without a zone is that of this machine, as everywhere in Python.
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON")


def sent(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields without those that were left out."""
    return {name: value for name, value in fields.items() if value is not OMIT}


def _fits(kind: Any, value: Any) -> bool:
    """Whether a value is of this type of a union: a model is known by its required fields."""
    kind = typing.get_origin(kind) or kind
    if _is_model(kind):
        return isinstance(value, dict) and all(name in value for name in _required(kind))
    return isinstance(value, kind) if kind in (list, dict, types.NoneType) else value is not None


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Model)


@functools.cache
def _attributes(model: type[Model]) -> dict[str, tuple[str, Any]]:
    """The API's name and the type of each attribute."""
    hints = typing.get_type_hints(model)
    return {each.name: (wire_name(each.name), hints[each.name]) for each in fields(model) if each.name != "raw"}


@functools.cache
def _required(model: type[Model]) -> tuple[str, ...]:
    return tuple(wire_name(each.name) for each in fields(model) if each.default is MISSING and each.name != "raw")


def _time(value: Any) -> Any:
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return value
