"""How a route function says what it takes, and how a request becomes its arguments.

A parameter is `Annotated[<type>, Path | Query | Body]`. The types of path and query are str, int, a Literal, or one of
these or None; a body is a record (`domain.inputs`). Reading path and query takes nothing that most operations would not
load anyway. `tools.local.openapi` shows the same declarations to Powertools, which describes them.
"""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from jobsprint.core.errors import Detail, InvalidFields, all_wrong
from jobsprint.core.models import RequestModel
from jobsprint.core.models import validate as validate_model

_WHOLE_NUMBER = re.compile(r"\s*([+-]?[0-9]+(?:_[0-9]+)*)(?:\.0+)?\s*")  # as pydantic reads one
_MAX_DIGITS = 100
_REQUIRED: Any = inspect.Parameter.empty


class Path:
    """A segment of the path."""

    def __init__(self, description: str) -> None:
        self.description = description


class Query:
    """A value of the query string: a number from `ge` to `le`, or a text that `check` takes (or raises ValueError)."""

    def __init__(
        self,
        description: str | None = None,
        *,
        ge: int | None = None,
        le: int | None = None,
        max_length: int | None = None,
        check: Callable[[str], object] | None = None,
    ) -> None:
        self.description = description
        self.ge = ge
        self.le = le
        self.max_length = max_length
        self.check = check


class Body:
    """The body, checked by its model; with `checked=False` as it came, for a function that checks it itself.

    `schema` is the JSON Schema to describe a body with that has no model.
    """

    def __init__(
        self, description: str | None = None, *, checked: bool = True, schema: Mapping[str, Any] | None = None
    ) -> None:
        self.description = description
        self.checked = checked
        self.schema = schema


class Request:
    """What a request holds: segments of its path, values of its query, and its body, read as JSON on demand."""

    def __init__(self, path: Mapping[str, str], event: Mapping[str, Any], body: Callable[[], Any]) -> None:
        self.path = path
        self.query: Mapping[str, list[str]] = {
            **{name: [value] for name, value in (event.get("queryStringParameters") or {}).items()},
            **(event.get("multiValueQueryStringParameters") or {}),
        }
        self.body = body


_Reader = Callable[[Request], object]


class Parameters:
    """The parameters of one route function."""

    def __init__(self, function: Callable[..., object]) -> None:
        self._readers = dict(_readers(function))

    def read(self, request: Request) -> dict[str, object]:
        """The arguments. Raises InvalidFields with every wrong one."""
        arguments: dict[str, object] = {}
        wrong: list[InvalidFields] = []
        for name, reader in self._readers.items():
            try:
                arguments[name] = reader(request)
            except InvalidFields as error:
                wrong.append(error)
        if wrong:
            raise all_wrong(wrong)
        return arguments


def _readers(function: Callable[..., object]) -> Iterator[tuple[str, _Reader]]:
    for name, parameter in inspect.signature(function).parameters.items():
        type_, *_, declared = get_args(parameter.annotation)
        type_ = _without_none(type_)
        match declared:
            case Path():
                yield name, partial(_segment, name)
            case Query():
                yield name, partial(_value, f"query.{name}", name, type_, declared, parameter.default)
            case Body():
                yield name, partial(_body, type_ if declared.checked else None, parameter.default)
            case _:
                raise TypeError(f"{function.__name__}: say of {name} where it stands, Path, Query or Body")


def _without_none(type_: Any) -> Any:
    options = get_args(type_)
    return next(option for option in options if option is not NoneType) if NoneType in options else type_


def _segment(name: str, request: Request) -> str:
    return request.path[name]


def _value(field: str, name: str, type_: Any, declared: Query, default: Any, request: Request) -> object:
    values = request.query.get(name)
    if not values:
        return default
    if len(values) > 1:
        raise InvalidFields.one(field, "Input should be given once")
    try:
        return _number(values[0], declared) if type_ is int else _text(values[0], type_, declared)
    except ValueError as error:
        raise InvalidFields.one(field, str(error)) from None


def _number(text: str, declared: Query) -> int:
    found = _WHOLE_NUMBER.fullmatch(text) if len(text) <= _MAX_DIGITS else None
    if not found:
        raise ValueError("Input should be a valid integer, unable to parse string as an integer")
    number = int(found[1])
    if declared.ge is not None and number < declared.ge:
        raise ValueError(f"Input should be greater than or equal to {declared.ge}")
    if declared.le is not None and number > declared.le:
        raise ValueError(f"Input should be less than or equal to {declared.le}")
    return number


def _text(text: str, type_: Any, declared: Query) -> str:
    if get_origin(type_) is Literal and text not in get_args(type_):
        *others, last = (repr(choice) for choice in get_args(type_))
        raise ValueError(f"Input should be {' or '.join([', '.join(others), last])}")
    if declared.max_length is not None and len(text) > declared.max_length:
        raise ValueError(f"String should have at most {declared.max_length} characters")
    if declared.check:
        declared.check(text)
    return text


def _body(model: Any, default: Any, request: Request) -> object:
    value = request.body()
    if value is None:
        if default is _REQUIRED:
            raise InvalidFields("body: Field required", details=[Detail("body", "Field required")])
        return default
    if model is None:
        return value
    if issubclass(model, RequestModel):
        return validate_model(model, value)
    from jobsprint.domain.validation import validate

    return validate(model, value)
