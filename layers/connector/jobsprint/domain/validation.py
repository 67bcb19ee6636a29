"""Turns pydantic's complaints into the contract's details: every wrong field, and never the value sent."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from jobsprint.domain.errors import Detail, InvalidFields, wrong_fields

_Model = TypeVar("_Model", bound=BaseModel)


def validate(model: type[_Model], value: object, where: str = "body") -> _Model:
    """`value` as a `model`. Raises InvalidFields with one detail per wrong field, named from `where` on."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        complaints = error.errors(include_url=False, include_input=False, include_context=False)
        raise invalid_fields({**entry, "loc": (where, *entry["loc"])} for entry in complaints) from error


def invalid_fields(complaints: Iterable[Mapping[str, Any]]) -> InvalidFields:
    """The error for pydantic's complaints; each `loc` starts with where the value stood (`body`, `query`, …)."""
    details = [Detail(_path(entry["loc"]), _message(entry)) for entry in complaints]
    return wrong_fields(details)


def _path(location: Iterable[str | int]) -> str:
    first, *rest = location
    return str(first) + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in rest)


def _message(complaint: Mapping[str, Any]) -> str:
    # A raised ValueError is our own sentence; pydantic puts its kind before it.
    return str(complaint["msg"]).removeprefix("Value error, ")
