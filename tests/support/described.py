"""Answers against docs/openapi.json, as callers see them."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import jsonschema_rs

from tests.support.template import ROOT


def check(method: str, resource: str, status: int, body: Any) -> None:
    """Raises AssertionError for an answer that the document does not describe so; an operation it lacks is let pass."""
    operation = _document()["paths"].get(resource, {}).get(method.lower())
    if operation is None:
        return
    assert str(status) in operation["responses"], f"{method} {resource} does not describe a {status}"
    wrong = [
        f"{error.instance_path}: {error.message}" for error in _validator(method, resource, status).iter_errors(body)
    ]
    assert not wrong, f"{method} {resource} {status}: {wrong}"


def check_event(event: str, data: Any) -> None:
    """Raises AssertionError for the data of one of the service's own events that the document does not describe so."""
    content = _document()["webhooks"][event]["post"]["requestBody"]["content"]["application/json"]
    name = content["schema"]["$ref"].rpartition("/")[2]
    schema = _document()["components"]["schemas"][name]["properties"]["data"]
    components = {"components": closed(_document()["components"])}
    wrong = [
        f"{error.instance_path}: {error.message}" for error in _compiled({**schema, **components}).iter_errors(data)
    ]
    assert not wrong, f"{event}: {wrong}"


def check_received(body: Any, headers: Mapping[str, str]) -> None:
    """Raises AssertionError for a request at a webhook that the document does not describe so."""
    webhook = _document()["webhooks"].get(body["event"], _document()["webhooks"]["event"])["post"]
    schema = webhook["requestBody"]["content"]["application/json"]["schema"]
    whole = {**schema, "components": closed(_document()["components"])}
    assert [error.message for error in _compiled(whole).iter_errors(body)] == []
    names = [parameter["$ref"].rpartition("/")[2] for parameter in webhook["parameters"]]
    needed = {_document()["components"]["parameters"][name]["name"].lower() for name in names}
    assert needed <= headers.keys()


def _compiled(schema: dict[str, Any]) -> Any:
    return jsonschema_rs.validator_for(schema, validate_formats=True)


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
    return document


@cache
def _validator(method: str, resource: str, status: int) -> Any:
    document = _document()
    answer = document["paths"][resource][method.lower()]["responses"][str(status)]
    name = answer.get("$ref", "").rpartition("/")[2]
    answer = document["components"]["responses"][name] if name else answer
    schema = answer["content"]["application/json"]["schema"]
    return jsonschema_rs.validator_for({**closed(schema), "components": closed(document["components"])})


def closed(node: Any) -> Any:
    """The schema, where an object that lists its properties has no others: a field nobody described is a mistake."""
    if isinstance(node, list):
        return [closed(element) for element in node]
    if not isinstance(node, dict):
        return node
    inner_closed = {name: closed(inner) for name, inner in node.items()}
    return {"additionalProperties": False, **inner_closed} if isinstance(node.get("properties"), dict) else inner_closed
