"""The clients in clients/ are what tools/clients makes of docs/openapi.json."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from jobsprint_client._model import wire_name
from jobsprint_client.cli import commands, operations
from tests.support.template import ROOT
from tools.clients import command_line, python, typescript
from tools.clients.document import Document, Field, load


def files(document: Document) -> dict[Path, str]:
    return python.files(document) | typescript.files(document) | command_line.files(document)


DOCUMENT = load()
FILES = files(DOCUMENT)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_generated_files_are_those_of_the_document(file: Path) -> None:
    assert file.read_text("utf-8") == FILES[file], "run `make clients`"


def fields(document: Document) -> Iterator[Field]:
    for shape in (*document.answers.values(), *document.params.values()):
        yield from shape.fields
    for resource in document.resources:
        for method in resource.methods:
            yield from (*method.in_path, *method.query, *(method.body.fields if method.body else ()))


def test_every_name_in_python_leads_back_to_that_of_the_api() -> None:
    names = {field.name for field in fields(DOCUMENT)}
    assert {name for name in names if wire_name(python.name_of(name)) != name} == set()


def test_it_does_not_matter_which_parts_of_the_document_have_names() -> None:
    """Nor what it says besides: examples, webhooks, and schemas that no operation uses."""
    root = copy.deepcopy(DOCUMENT.root)
    root["webhooks"] = {"event": {"post": {"operationId": "receiveEvent", "responses": {"200": {"description": "OK"}}}}}
    root["components"]["requestBodies"] = {}
    for path in ("/events", "/integrations/{integrationId}/connect"):
        operation = root["paths"][path]["post"]
        content = operation["requestBody"]["content"]["application/json"]
        name = f"{operation['operationId']}Body"
        root["components"]["schemas"][name] = content["schema"]
        root["components"]["requestBodies"][name] = operation["requestBody"]
        content |= {"schema": {"$ref": f"#/components/schemas/{name}"}, "examples": {"one": {"value": {}}}}
        operation["requestBody"] = {"$ref": f"#/components/requestBodies/{name}"}
    changed = Document(root)
    assert files(changed) == FILES


def test_every_operation_has_a_method() -> None:
    paths = DOCUMENT.root["paths"]
    operations = {
        (verb.upper(), path)
        for path, item in paths.items()
        for verb in item
        if verb in ("get", "post", "put", "patch", "delete")
    }
    assert operations == {(method.verb, method.path) for resource in DOCUMENT.resources for method in resource.methods}


def test_every_operation_has_a_command_whose_options_are_unlike() -> None:
    for resource in operations.resources():
        group = commands.ResourceGroup(resource)
        for operation in resource.operations:
            command = group.get_command(click.Context(group), operation.name)
            assert command, operation.name
            flags = [flag for each in command.params for flag in (*each.opts, *each.secondary_opts)]
            names = [each.name for each in command.params]
            assert (len(flags), len(names)) == (len(set(flags)), len(set(names))), operation.name
    called = {(each.verb, each.path) for resource in operations.resources() for each in resource.operations}
    assert called == {(method.verb, method.path) for resource in DOCUMENT.resources for method in resource.methods}


def test_a_new_operation_and_a_field_with_the_name_of_an_option_become_a_command() -> None:
    root = copy.deepcopy(DOCUMENT.root)
    root["components"]["schemas"]["WebhookCreate"]["properties"]["json"] = {"type": "string", "description": "A field"}
    root["paths"]["/integrations/webhooks/{webhookId}/pause"] = {
        "post": root["paths"]["/integrations/webhooks/{webhookId}/test"]["post"] | {"operationId": "pauseWebhook"}
    }
    [text] = command_line.files(Document(root)).values()
    found = {f"{each['name']} {one['name']}": one for each in json.loads(text) for one in each["operations"]}
    assert found["webhooks pause"]["path"].endswith("/pause")
    [field] = [each for each in found["webhooks create"]["body"] if each["name"] == "json"]
    assert field == {"name": "json", "option": "field-json", "kind": "string", "description": "A field"}
