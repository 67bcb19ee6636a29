"""The examples of docs/openapi.json: requests are sent to the handlers, and each answer is like its example."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from jobsprint.connectors import registry
from tests.conftest import forget_settings
from tests.support.authority import authority
from tests.support.deliveries import watching_sqs
from tests.support.described import closed
from tests.support.receiver import receiving
from tests.support.sender import sending
from tests.support.shapes import differences
from tests.support.story import Story
from tests.support.template import ROOT
from tools.openapi import additions

PUBLISHED: dict[str, Any] = json.loads((Path(__file__).parent / "api_examples.json").read_text())
DOCUMENT: dict[str, Any] = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
# Counts by kind: which kinds there are depends on what the receiver did before.
FREE = (
    "data.last24Hours.codeClasses.",
    "data.last24Hours.failures.",
    "data.last7Days.codeClasses.",
    "data.last7Days.failures.",
)


def contents() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The content of every request and every answer, by operationId and by `request` or the status."""
    for item in DOCUMENT["paths"].values():
        for operation in item.values():
            parts = {"request": operation["requestBody"]} if "requestBody" in operation else {}
            for place, part in (parts | operation["responses"]).items():
                name = part.get("$ref", "").rpartition("/")[2]
                whole = DOCUMENT["components"]["responses"][name] if name else part
                yield operation["operationId"], place, whole["content"]["application/json"]


def test_every_request_and_every_answer_has_an_example() -> None:
    assert [(operation, place) for operation, place, content in contents() if not content.get("examples")] == []


def test_examples_are_of_their_schemas() -> None:
    wrong = [
        f"{operation} {place} {name}{error.instance_path}: {error.message}"
        for operation, place, content in contents()
        for name, example in content["examples"].items()
        for error in validator(json.dumps(content["schema"])).iter_errors(example["value"])
    ]
    assert wrong == []


def validator(schema: str) -> Any:
    """The schema, where objects that list their properties have no others."""
    components = {"components": closed(DOCUMENT["components"])}
    return jsonschema_rs.validator_for({**closed(json.loads(schema)), **components}, validate_formats=True)


def test_published_requests_are_among_the_examples() -> None:
    shown = [example["value"] for _, place, content in contents() for example in content["examples"].values()]
    for name in ("connectZapierRequest", "connectCustomRequest", "executeRequest", "createWebhookRequest"):
        assert PUBLISHED[name] in shown


@pytest.fixture
def story(aws: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    monkeypatch.setitem(registry.CONNECTORS, "zapier", "tests.support.bearer:ZapierBearer")
    requests = {
        operation: {name: example["value"] for name, example in parts.get("request", {}).items()}
        for operation, parts in additions.examples().items()
    }
    with authority() as zapier, receiving() as receiver, watching_sqs() as outbox, sending(monkeypatch):
        monkeypatch.setenv("ZAPIER_MCP_URL", zapier.mcp)
        forget_settings()
        told = Story(requests, receiver, outbox)
        told.tell(zapier)
        yield told
        forget_settings()


def test_examples_are_what_the_service_takes_and_answers(story: Story) -> None:
    shown = {
        (operation, place, name): example["value"]
        for operation, place, content in contents()
        for name, example in content["examples"].items()
    }
    wrong = {
        key: found
        for key, answer in story.answers.items()
        if (found := [line for line in differences(shown[key], answer.body) if not line.startswith(FREE)])
    }
    assert wrong == {}
    assert story.sent == {key for key in shown if key[1] == "request"}
    assert {key for key in shown if key[1] < "4"} <= story.answers.keys()
