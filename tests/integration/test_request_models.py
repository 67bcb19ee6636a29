"""Whatever is sent in place of any field of any request, the complaint is a sentence of ours."""

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from jobsprint.connectors.registry import CONNECTORS
from jobsprint.core.models import SENTENCES, RequestModel, is_custom
from tests.support.template import ROOT

LONG = "x" * 20_000
# One of each JSON type, each at both ends of what a field may bound.
PROBES: list[Any] = [
    None, True, 0, -1, 1, 1.5, -0.5, 10**12, "", "x", "a b\n", LONG, "https://", [], [None], [5], ["x"] * 2000, {},
    {"x": None}, {"x": {}}, {"x": {"type": "x"}}, {"x": {"type": "header"}}, {"": 1}, {f"n{i}": {} for i in range(200)},
]  # fmt: skip


def imported_models(base: type[BaseModel] = RequestModel) -> Iterator[type[BaseModel]]:
    for child in base.__subclasses__():
        if child.__module__.startswith(("jobsprint.", "functions.")):
            yield child
        yield from imported_models(child)


def every_model() -> list[type[BaseModel]]:
    for path in (ROOT / "functions").glob("*/app.py"):
        importlib.import_module(f"functions.{path.parent.name}.app")
    for connector in CONNECTORS.values():
        importlib.import_module(connector.partition(":")[0])
    return sorted(set(imported_models()), key=lambda model: f"{model.__module__}.{model.__qualname__}")


def error_types(model: type[BaseModel], value: Any) -> set[str]:
    try:
        model.model_validate(value)
    except ValidationError as error:
        return {flaw["type"] for flaw in error.errors(include_url=False)}
    return set()


@pytest.mark.usefixtures("aws")
def test_every_complaint_has_a_sentence_of_ours() -> None:
    models = every_model()
    assert len(models) > 20
    for model in models:
        names = [str(field.alias or name) for name, field in model.model_fields.items()]
        values = [*PROBES, {"surplus": 1}, *({name: probe} for name in names for probe in PROBES)]

        found = set().union(*(error_types(model, value) for value in values))

        assert found, model
        assert {name for name in found if not is_custom(name)} <= {*SENTENCES, "value_error"}, model
