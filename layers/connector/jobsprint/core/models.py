"""The base classes of every request and answer, and how a validation error becomes `InvalidFields`.

JSON names are camelCase, attributes snake_case. A failed check is reported in one voice: one short sentence per wrong
field, which never repeats the value that was sent.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, TypeAdapter, ValidationError, model_serializer
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, ErrorDetails
from pydantic_core.core_schema import ErrorType, SerializerFunctionWrapHandler

from jobsprint.core.errors import Detail, InvalidFields, wrong_fields


class RequestModel(BaseModel):
    """A JSON object that somebody sends: types are exact, and a field that is not declared is refused.

    `model_fields_set` tells a field that was left out from one that was sent as null.
    """

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, alias_generator=to_camel, hide_input_in_errors=True
    )


Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""A time in an answer: ISO 8601 in UTC (RFC 3339)."""


@dataclass(frozen=True)
class Shown:
    """Beside a type in `Annotated`: the field is left out of answers to those who may not see this `part`."""

    part: str


PAYLOAD = Shown("payloads")
"""What events and actions are about: their data, parameters and results, and what others answered to them."""

SECRET = Shown("secrets")
"""A secret that an answer shows once."""

_withheld: ContextVar[frozenset[str]] = ContextVar("withheld", default=frozenset())


@contextmanager
def withholding(parts: frozenset[str]) -> Iterator[None]:
    """Leave these parts out of every answer that is made in the block."""
    before = _withheld.set(parts)
    try:
        yield
    finally:
        _withheld.reset(before)


def is_withheld(shown: Shown) -> bool:
    """Whether a part is left out of the answers that are made now."""
    return shown.part in _withheld.get()


class ResponseModel(BaseModel):
    """A JSON object that we answer with. A field whose default is None is left out while it is None, never null.

    Nulls in other fields, and inside `data` or `result` dictionaries, stay. A field that is `Shown` to some is left out
    for all others.
    """

    model_config = ConfigDict(
        frozen=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=False,
        serialize_by_alias=True,
        hide_input_in_errors=True,
    )

    @model_serializer(mode="wrap")
    def _without_absent(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        absent, hidden = _optional_names(type(self)), _shown_names(type(self), _withheld.get())
        return {
            name: value
            for name, value in serialize(self).items()
            if name not in hidden and (value is not None or name not in absent)
        }

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Describe the fields (not the serializer's plain `dict`): absent ones are optional, all others required."""
        fields_alone = {key: value for key, value in core_schema.items() if key != "serialization"}
        schema = handler.resolve_ref_schema(handler(fields_alone))
        optional = _optional_names(cls)
        properties = schema.get("properties", {})
        for name, described in properties.items():
            described.pop("default", None)
            if name in optional:
                properties[name] = _without_null(described)
        hidden = _shown_names(cls, frozenset({PAYLOAD.part, SECRET.part}))
        if required := [name for name in properties if name not in optional | hidden]:
            schema["required"] = required
        return schema


@cache
def _optional_names(model: type[ResponseModel]) -> frozenset[str]:
    return frozenset(
        field.serialization_alias or name
        for name, field in model.model_fields.items()
        if not field.is_required() and field.default is None
    )


@cache
def _shown_names(model: type[ResponseModel], parts: frozenset[str]) -> frozenset[str]:
    """The names of the fields that show one of the parts."""
    return frozenset(
        field.serialization_alias or name
        for name, field in model.model_fields.items()
        if any(isinstance(mark, Shown) and mark.part in parts for mark in field.metadata)
    )


def _without_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    options = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    if len(options) == 1:
        return {**options[0], **rest}
    return {**rest, "anyOf": options} if options else rest


class DescribedAs:
    """Beside a type in `Annotated`: OpenAPI shows the type that `described` gives instead.

    For a body of which something outside decides how it is validated. `described` is called for the document alone, so
    what it imports costs no request anything.
    """

    def __init__(self, described: Callable[[], Any]) -> None:
        self._described = described

    def __get_pydantic_json_schema__(self, _: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(TypeAdapter(self._described()).core_schema)


class OneOf:
    """Beside a union in `Annotated`: OpenAPI shows `oneOf`, as no value fits more than one of its types."""

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"oneOf": handler(core_schema)["anyOf"]}


_Model = TypeVar("_Model", bound=BaseModel)


def validate(
    model: type[_Model],
    value: object,
    where: str = "body",
    *,
    also: Callable[[], Iterable[Detail]] = tuple,
) -> _Model:
    """`value` as a `model`. Raises InvalidFields with one detail per wrong field, named from `where` on.

    `also` is called when the model refuses the value: further wrong fields, which a check outside the model finds.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        raise invalid_fields(errors, where, also=also()) from error


def invalid_fields(
    errors: Iterable[ErrorDetails | Mapping[str, Any]], where: str = "", *, also: Iterable[Detail] = ()
) -> InvalidFields:
    """The failure for a list of pydantic's errors; `also` are further wrong fields, of which those not yet listed join.

    A PydanticCustomError's type is the code of the failure where it is the only one.
    """
    listed = list(errors)
    details = [detail_of(error, where) for error in listed]
    known = {detail.field for detail in details}
    details += [detail for detail in also if detail.field not in known]
    if len(details) == 1 and len(listed) == 1 and is_custom(listed[0]["type"]):
        return InvalidFields.one(details[0].field, details[0].message, code=listed[0]["type"])
    return wrong_fields(details)


def is_custom(error_type: str) -> bool:
    """Whether an error is of a type of ours (a PydanticCustomError), not of pydantic's."""
    return error_type not in get_args(ErrorType)


def detail_of(error: ErrorDetails | Mapping[str, Any], where: str = "") -> Detail:
    """One of pydantic's errors as a wrong field: `where` and its path, and a plain sentence."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"])
    return Detail(f"{where}{path}" if where else path.removeprefix("."), sentence(error))


def sentence(error: ErrorDetails | Mapping[str, Any]) -> str:
    """What to do about one of pydantic's errors, without the value that was sent.

    The message of a ValueError or PydanticCustomError is our own already. So is, as a last resort, pydantic's for a
    type without a sentence; a test finds those that our models can produce.
    """
    context = error.get("ctx", {})
    if context.get("min_length") == 1 and error["type"] in ("string_too_short", "too_short"):
        return "must not be empty"
    template = SENTENCES.get(error["type"])
    if template is None:
        return str(error["msg"]).removeprefix("Value error, ")
    shown = {name: _without_fraction(value) for name, value in context.items()}
    return template.format(**shown, elements="fields" if context.get("field_type") == "Dictionary" else "elements")


def _without_fraction(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


_WHOLE_NUMBER = "send a whole number"
_NUMBER = "send a number"
_TRUE_OR_FALSE = "send true or false"
_OBJECT = "send an object"

SENTENCES = {
    "missing": "is required",
    "extra_forbidden": "is not a field here",
    "none_required": "send null",
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "dict_type": _OBJECT,
    "mapping_type": _OBJECT,
    "list_type": "send a list",
    "string_type": "send a string",
    "string_sub_type": "send a string",
    "string_unicode": "send a string of Unicode characters",
    "bool_type": _TRUE_OR_FALSE,
    "bool_parsing": _TRUE_OR_FALSE,
    "int_type": _WHOLE_NUMBER,
    "int_parsing": _WHOLE_NUMBER,
    "int_parsing_size": _WHOLE_NUMBER,
    "int_from_float": _WHOLE_NUMBER,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "literal_error": "send {expected}",
    "enum": "send {expected}",
    "union_tag_invalid": "{discriminator} must be one of {expected_tags}",
    "union_tag_not_found": "{discriminator} is required",
    "string_too_short": "at least {min_length} characters",
    "string_too_long": "up to {max_length} characters",
    "string_pattern_mismatch": "must match {pattern}",
    "too_short": "at least {min_length} {elements}",
    "too_long": "up to {max_length} {elements}",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "multiple_of": "a multiple of {multiple_of}",
    "recursion_loop": "must not contain itself",
}
"""Type of pydantic's error → what to do. The names in braces are those of the error's context."""
