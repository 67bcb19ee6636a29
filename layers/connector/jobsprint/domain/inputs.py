"""How a request body is declared: a record whose fields say in their annotations what they take.

    class Rename(Input):
        name: Annotated[str, Length(1, 100), Check(one_line)]
        note: Annotated[str, Described("For people")] | None = None

`domain.validation` checks one with pydantic's engine, and pydantic itself, which no function imports, describes it for
OpenAPI: both read the classes here, each of which changes the core schema of what it annotates
(https://docs.pydantic.dev/latest/api/pydantic_core_schema/). Names of bodies are unique: they name OpenAPI components.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

CoreSchema = dict[str, Any]
_Handler = Callable[[Any], CoreSchema]


class Input(Struct, frozen=True, forbid_unknown_fields=True):
    """A request body, or an object in one. With `forbid_unknown_fields=False` other fields are left out, not refused.

    A field whose default is `msgspec.UNSET` tells what was not sent from a null.
    """

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, handler: Any) -> CoreSchema:
        """Pydantic asks for it to describe the body ("Customizing validation with __get_pydantic_core_schema__")."""
        from jobsprint.domain.validation import fields_schema

        named = {"cls": cls, "ref": f"{cls.__module__}.{cls.__qualname__}:{id(cls)}"}
        return {**fields_schema(cls, handler.generate_schema), **named}


class Rule:
    """What stands beside a type in `Annotated`."""

    __slots__ = ()

    def on(self, schema: CoreSchema) -> CoreSchema:
        """The core schema with this rule in it."""
        raise NotImplementedError

    def __get_pydantic_core_schema__(self, source: Any, handler: _Handler) -> CoreSchema:
        """As `Input`'s."""
        return self.on(handler(source))


class _Constraint(Rule):
    """Keywords of the core schema of some kinds of values. Around a check they would count for nothing."""

    __slots__ = ("_keywords",)
    _kinds: tuple[str, ...] = ()

    def __init__(self, **keywords: Any) -> None:
        self._keywords = {name: value for name, value in keywords.items() if value is not None}

    def on(self, schema: CoreSchema) -> CoreSchema:
        """See `Rule`. Raises TypeError for what this is no constraint of."""
        if schema["type"] not in self._kinds:
            raise TypeError(f"{type(self).__name__} belongs directly behind one of {self._kinds}, not {schema['type']}")
        return {**schema, **self._keywords}


class Length(_Constraint):
    """The least and the most characters of a text, elements of a list, or names of an object."""

    __slots__ = ()
    _kinds = ("str", "list", "dict")

    def __init__(self, least: int | None = None, most: int | None = None) -> None:
        super().__init__(min_length=least, max_length=most)


class Between(_Constraint):
    """The least and the greatest number, both included; `above` is left out itself."""

    __slots__ = ()
    _kinds = ("int", "float")

    def __init__(self, least: float | None = None, most: float | None = None, *, above: float | None = None) -> None:
        super().__init__(ge=least, le=most, gt=above)


class Pattern(_Constraint):
    """A regular expression that a text matches somewhere (on pydantic's linear-time engine)."""

    __slots__ = ()
    _kinds = ("str",)

    def __init__(self, pattern: str) -> None:
        super().__init__(pattern=pattern)


class Check(Rule):
    """A function that is given the valid value and returns the one to take; its ValueError is what the caller reads."""

    __slots__ = ("_function",)
    _kind = "function-after"

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._function = function

    def on(self, schema: CoreSchema) -> CoreSchema:
        """See `Rule`."""
        return {"type": self._kind, "function": {"type": "no-info", "function": self._function}, "schema": schema}


class Before(Check):
    """The same for a function that is given the value as it was sent."""

    __slots__ = ()
    _kind = "function-before"


class Tagged(Rule):
    """Which of several bodies an object is stands in this field of it, a Literal in each."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def on(self, schema: CoreSchema) -> CoreSchema:
        """See `Rule`."""
        choices = {_tag(choice, self._name): choice for choice in schema["choices"]}
        return {"type": "tagged-union", "discriminator": self._name, "choices": choices}


class Unchecked(Rule):
    """Taken as it is, and described as what it should be."""

    __slots__ = ()

    def on(self, schema: CoreSchema) -> CoreSchema:  # noqa: ARG002 - any will do
        """See `Rule`."""
        return {"type": "any"}

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        """As `Input`'s. What it should be stands there itself, because nothing that is checked refers to it."""
        whole = {name: part for name, part in handler.resolve_ref_schema(handler(source)).items() if name != "ref"}
        shown = [lambda _, describe: describe(whole)]
        return {"type": "any", "metadata": {"pydantic_js_annotation_functions": shown}}


class Described:
    """Puts a description, and other keywords, into the JSON Schema of what it annotates."""

    __slots__ = ("_keywords",)

    def __init__(self, description: str, **keywords: Any) -> None:
        self._keywords = {"description": description, **keywords}

    def __get_pydantic_json_schema__(self, schema: Any, handler: _Handler) -> CoreSchema:
        """Pydantic asks for it ("Customizing the JSON schema")."""
        return {**handler(schema), **self._keywords}


class Shown:
    """Replaces the JSON Schema of what it annotates."""

    __slots__ = ("_schema",)

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema

    def __get_pydantic_json_schema__(self, _schema: Any, _handler: _Handler) -> CoreSchema:
        """As `Described`'s."""
        return dict(self._schema)


def _tag(choice: CoreSchema, name: str) -> str:
    fields = choice if "fields" in choice else choice["schema"]
    tag: str = fields["fields"][name]["schema"]["expected"][0]
    return tag
