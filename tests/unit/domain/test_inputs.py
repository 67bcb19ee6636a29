"""Bodies are checked as pydantic would check a model of the same fields, though only its engine is there."""

import importlib
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, UnsetType, field
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import SchemaValidator

from jobsprint.connectors.registry import CONNECTORS
from jobsprint.core.errors import InvalidFields
from jobsprint.domain.inputs import Before, Between, Check, Described, Input, Length, Pattern, Shown, Tagged, Unchecked
from jobsprint.domain.validation import schema_of, validate
from tools.local import openapi


def even(value: Any) -> Any:
    if len(value) % 2:
        raise ValueError("an even number of them")
    return value


def stripped(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


class Inner(Input, frozen=True):
    kind: Literal["a", "b"]
    size: Annotated[int, Between(0, 5)] = 1


class Outer(Input, frozen=True):
    name: Annotated[str, Length(1, 4), Pattern("^[a-c]+$"), Check(even)]
    inner: Inner
    tidy: Annotated[str, Length(most=3), Before(stripped)] = "x"
    many: Annotated[list[Annotated[str, Length(1)]], Length(1, 3), Check(even)] | None = None
    by_name: Annotated[dict[Annotated[str, Pattern("^[a-z]$")], Inner], Length(most=2)] = field(
        default_factory=dict, name="byName"
    )
    share: Annotated[float, Between(above=0, most=1)] | None = None
    flag: Annotated[bool, Described("Whether")] = False
    any: Any = None
    either: int | str | None = None


class InnerModel(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    kind: Literal["a", "b"]
    size: Annotated[int, Field(ge=0, le=5)] = 1


class OuterModel(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(min_length=1, max_length=4, pattern="^[a-c]+$"), AfterValidator(even)]
    inner: InnerModel
    tidy: Annotated[str, Field(max_length=3), BeforeValidator(stripped)] = "x"
    many: Annotated[
        list[Annotated[str, Field(min_length=1)]], Field(min_length=1, max_length=3), AfterValidator(even)
    ] | (None) = None
    by_name: Annotated[
        dict[Annotated[str, Field(pattern="^[a-z]$")], InnerModel], Field(max_length=2, alias="byName")
    ] = Field(default_factory=dict)
    share: Annotated[float, Field(gt=0, le=1)] | None = None
    flag: bool = False
    any: Any = None
    either: int | str | None = None


TEXTS = st.sampled_from(["", "a", "b", "ab", "abc", "abca", "abcab", " x ", "longer", "z"])
VALUES = st.recursive(
    TEXTS | st.none() | st.booleans() | st.integers(-1, 6) | st.floats(-0.5, 1.5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
INNERS = st.fixed_dictionaries(
    {"kind": st.sampled_from(["a", "b"]) | VALUES}, optional={"size": VALUES, "more": VALUES}
)
OUTERS = st.fixed_dictionaries(
    {},
    optional={
        "name": TEXTS | VALUES,
        "inner": INNERS | VALUES,
        "tidy": VALUES,
        "many": st.lists(TEXTS, max_size=4) | VALUES,
        "byName": st.dictionaries(TEXTS, INNERS, max_size=3) | VALUES,
        "share": VALUES,
        "flag": VALUES,
        "any": VALUES,
        "either": VALUES,
        "more": VALUES,
    },
)


def verdict_of_the_model(value: Any) -> Any:
    try:
        return OuterModel.model_validate(value).model_dump()
    except ValidationError as error:
        return [
            (
                "body" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in entry["loc"]),
                # A model's name is nobody's business but ours.
                entry["msg"].removeprefix("Value error, ").partition(" or instance of")[0],
            )
            for entry in error.errors()
        ]


def verdict(value: Any) -> Any:
    try:
        found = validate(Outer, value)
    except InvalidFields as error:
        return [(detail.field, detail.message) for detail in error.details]
    return {**msgspec.to_builtins(found), "by_name": msgspec.to_builtins(found.by_name)}


@given(OUTERS | VALUES)
def test_it_says_what_a_model_would_say(value: Any) -> None:
    expected = verdict_of_the_model(value)
    found = verdict(value)
    if isinstance(found, dict):
        found.pop("byName")
    assert found == expected


def test_what_was_not_sent_is_told_from_null() -> None:
    class Change(Input, frozen=True):
        name: str | UnsetType | None = UNSET

    assert validate(Change, {}).name is UNSET
    assert validate(Change, {"name": None}).name is None
    assert validate(Change, {"name": "a"}).name == "a"
    with pytest.raises(InvalidFields, match="valid string"):
        validate(Change, {"name": 5})


def test_other_fields_may_be_left_out() -> None:
    class Open(Input, frozen=True, forbid_unknown_fields=False):
        name: str

    assert validate(Open, {"name": "a", "more": 1}) == Open("a")


def test_a_tag_chooses_and_names_the_path() -> None:
    class Cat(Input, frozen=True):
        kind: Literal["cat"]
        lives: int

    class Dog(Input, frozen=True):
        kind: Literal["dog"]

    class Owner(Input, frozen=True):
        pet: Annotated[Cat | Dog, Tagged("kind")]

    assert validate(Owner, {"pet": {"kind": "dog"}}) == Owner(Dog("dog"))
    with pytest.raises(InvalidFields) as refused:
        validate(Owner, {"pet": {"kind": "cat"}})
    assert [detail.field for detail in refused.value.details] == ["body.pet.cat.lives"]
    with pytest.raises(InvalidFields, match="'cat', 'dog'"):
        validate(Owner, {"pet": {"kind": "cow"}})


def test_a_default_is_each_bodys_own() -> None:
    class Listing(Input, frozen=True):
        names: list[str] = field(default_factory=lambda: ["a"])

    first = validate(Listing, {})
    first.names.append("b")
    assert validate(Listing, {}).names == ["a"]


def test_what_is_unchecked_passes_and_is_described() -> None:
    class Batch(Input, frozen=True):
        items: Annotated[list[Annotated[Inner, Unchecked()]], Length(1, 2)]

    assert validate(Batch, {"items": [5, {"x": 1}]}).items == [5, {"x": 1}]  # type: ignore[comparison-overlap]
    described = TypeAdapter(Batch).json_schema()
    assert described["properties"]["items"] == {
        "items": TypeAdapter(Inner).json_schema(),
        "maxItems": 2,
        "minItems": 1,
        "title": "Items",
        "type": "array",
    }


def test_pydantic_describes_it_as_it_does_a_model() -> None:
    class Told(Input, frozen=True):
        """What is told."""

        name: Annotated[str, Length(1, 5), Described("Its name", examples=["a"])]
        pattern: Annotated[dict[str, Any], Shown({"type": "object", "description": "A pattern"})] | None = None
        kind: Literal["a", "b"] = "a"

    described = TypeAdapter(Told).json_schema()
    assert described["description"] == "What is told."
    assert described["additionalProperties"] is False
    assert described["required"] == ["name"]
    properties = described["properties"]
    assert properties["name"] == {
        "description": "Its name", "examples": ["a"], "maxLength": 5, "minLength": 1, "title": "Name", "type": "string",
    }  # fmt: skip
    assert properties["pattern"]["anyOf"] == [{"type": "object", "description": "A pattern"}, {"type": "null"}]
    assert properties["kind"] == {"default": "a", "enum": ["a", "b"], "title": "Kind", "type": "string"}


@pytest.mark.parametrize("annotation", [set[str], bytes, tuple[int, ...], object, "str"])
def test_a_type_that_is_not_known_is_an_error(annotation: Any) -> None:
    with pytest.raises(TypeError, match="a body cannot have"):
        schema_of(annotation)


@pytest.mark.parametrize(
    "annotation",
    [
        Annotated[str, Check(even), Length(1)],
        Annotated[str | None, Length(1)],
        Annotated[int, Length(1)],
        Annotated[str, Between(1)],
        Annotated[list[str], Pattern("a")],
    ],
)
def test_a_constraint_that_would_count_for_nothing_is_an_error(annotation: Any) -> None:
    with pytest.raises(TypeError, match="belongs directly behind"):
        schema_of(annotation)


def test_every_body_of_the_service_is_understood() -> None:
    openapi.endpoints()
    for connector in CONNECTORS.values():
        importlib.import_module(connector.partition(":")[0])
    kinds = [kind for kind in inputs() if kind.__module__.split(".")[0] in ("jobsprint", "functions")]
    assert len(kinds) > 20
    for kind in kinds:
        SchemaValidator(schema_of(kind))


def inputs(base: type[Input] = Input) -> set[type[Input]]:
    return {kind for child in base.__subclasses__() for kind in {child, *inputs(child)}}
