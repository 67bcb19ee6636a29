"""The clients in clients/ are what tools/clients makes of docs/openapi.json."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from jobsprint_client._model import wire_name
from tests.support.template import ROOT
from tools.clients import python, typescript
from tools.clients.document import Document, Field, load

DOCUMENT = load()
FILES = python.files(DOCUMENT) | typescript.files(DOCUMENT)


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


def test_every_operation_has_a_method() -> None:
    paths = DOCUMENT.root["paths"]
    operations = {
        (verb.upper(), path)
        for path, item in paths.items()
        for verb in item
        if verb in ("get", "post", "put", "patch", "delete")
    }
    assert operations == {(method.verb, method.path) for resource in DOCUMENT.resources for method in resource.methods}
