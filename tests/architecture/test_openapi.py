"""docs/openapi.json is what the handlers say, whole and valid."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator, validate
from pydantic import BaseModel

from jobsprint.core.models import RequestModel, ResponseModel
from tests.support.template import routes
from tools.openapi import document as openapi

# What browsers and authorization servers call, and the two that show this very document.
NOT_DESCRIBED = {"finish_oauth", "get_client_metadata", "get_docs", "get_openapi", "serve_mcp", "serve_portal"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi.document()


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (verb.upper(), path): operation for path, item in document["paths"].items() for verb, operation in item.items()
    }


def nodes(part: Any) -> Iterator[dict[str, Any]]:
    """Every object in a part of the document."""
    if isinstance(part, dict):
        yield part
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from nodes(inner)


def models(base: type[BaseModel]) -> set[type[BaseModel]]:
    """Every model of ours below `base` that is imported by now, without the filled-in generic ones."""
    found = {kind for child in base.__subclasses__() for kind in {child, *models(child)}}
    ours = {kind for kind in found if kind.__module__.split(".")[0] in ("jobsprint", "functions")}
    return {kind for kind in ours if not kind.__pydantic_generic_metadata__["origin"]}


def test_file_is_up_to_date() -> None:
    written = openapi.FILE.read_text(encoding="utf-8")
    assert written == openapi.text(), "docs/openapi.json differs from the code: run `make openapi`"


def test_file_is_openapi_31(document: dict[str, Any]) -> None:
    validate(document, cls=OpenAPIV31SpecValidator)


def test_layer_serves_this_file() -> None:
    link = openapi.ROOT / "layers" / "connector" / "jobsprint" / "api" / "openapi.json"
    assert link.samefile(openapi.FILE)


def test_every_route_is_described(document: dict[str, Any]) -> None:
    expected = {route: folder for route, folder in routes().items() if folder not in NOT_DESCRIBED}
    found = {route: operation["operationId"] for route, operation in operations(document).items()}
    assert found == {route: openapi.camel(folder) for route, folder in expected.items()}


def test_every_field_is_described(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    fields = {f"{name}.{field}": schema for name in schemas for field, schema in schemas[name]["properties"].items()}
    assert [field for field, schema in fields.items() if not schema.get("description")] == []


def test_operations_say_what_they_need(document: dict[str, Any]) -> None:
    scopes = {openapi.camel(folder): module.app.scope for folder, module in openapi.endpoints().items()}
    for operation in operations(document).values():
        scope = scopes[operation["operationId"]]
        # An operation that every token, or every session of the portal, may call needs no scope.
        assert operation["security"] == ([] if scope is None else [{"bearer": [scope] if scope else []}])


def test_operations_read_well(document: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in document["tags"]}
    for operation in operations(document).values():
        assert operation["summary"]
        assert operation["description"]
        assert set(operation["tags"]) <= tags


def test_summaries_are_plain_text(document: dict[str, Any]) -> None:
    """The docs page lists them where it shows no Markdown."""
    summaries = [node["summary"] for node in nodes(document) if isinstance(node.get("summary"), str)]
    assert summaries
    assert [summary for summary in summaries if "`" in summary] == []


def test_failures_have_one_shape(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    assert "ValidationError" not in text
    for operation in operations(document).values():
        assert {"429", "500"} <= set(operation["responses"])
        if operation["security"]:
            assert {"400", "401", "403", "422"} <= set(operation["responses"])


def test_every_failure_lists_its_codes(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name, answer in document["components"]["responses"].items():
        schema = schemas[answer["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]]
        problem = schemas[schema["properties"]["error"]["$ref"].rpartition("/")[2]]
        codes = problem["properties"]["code"]["enum"]
        assert codes, name
        assert len(codes) == len(set(codes)), name


def test_answers_of_failures_belong_to_an_operation(document: dict[str, Any]) -> None:
    text = json.dumps(document["paths"])
    used = {name for name in document["components"]["responses"] if f'"#/components/responses/{name}"' in text}
    declared = {name for name in document["components"]["responses"] if f"/{name}Error" in text}
    assert set(document["components"]["responses"]) == used | declared


def test_answers_are_never_null(document: dict[str, Any]) -> None:
    shown = {name: schema for name, schema in document["components"]["schemas"].items() if name.endswith("View")}
    assert shown
    assert '"null"' not in json.dumps(shown)


def test_no_value_is_one_of_several_lists_of_constants(document: dict[str, Any]) -> None:
    """A single enum says it; openapi-python-client tries the first constant alone and refuses the others."""
    unions = [node[key] for node in nodes(document) for key in ("anyOf", "oneOf") if isinstance(node.get(key), list)]
    assert unions
    assert [union for union in unions if any("const" in option or "enum" in option for option in union)] == []


def test_names_of_models_are_unique() -> None:
    openapi.endpoints()
    names = [kind.__name__ for base in (RequestModel, ResponseModel) for kind in models(base)]
    assert len(names) > 40
    assert sorted(names) == sorted(set(names)), "two models of one name would overwrite each other in the document"
