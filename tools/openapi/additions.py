"""What docs/openapi.json has beside the handlers' own descriptions: examples, and the webhooks that receivers get.

Examples are in `examples.json` by operationId, under `request` or a status, each with a name; `parameters` has
those that the docs page fills in. The page sends the first example of a request, so that one works as it stands.
tests/contract/test_openapi_examples.py sends the requests to the handlers and compares the answers.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from tools.openapi import webhooks

Json = dict[str, Any]

_EXAMPLES = Path(__file__).with_name("examples.json")
_JSON = "application/json"


@cache
def examples() -> dict[str, dict[str, Json]]:
    """Examples by operationId, by `request` or a status, and by name."""
    read: dict[str, dict[str, Json]] = json.loads(_EXAMPLES.read_text(encoding="utf-8"))
    return read


def completed(document: Json) -> Json:
    """The merged document with examples and webhooks."""
    paths = {
        path: {verb: _with_examples(operation) for verb, operation in item.items()}
        for path, item in document["paths"].items()
    }
    shared = document["components"]
    components = {
        **shared,
        "parameters": {**shared["parameters"], **webhooks.parameters()},
        "schemas": dict(sorted({**shared["schemas"], **webhooks.schemas()}.items())),
    }
    return {**document, "paths": paths, "webhooks": webhooks.webhooks(), "components": components}


def _with_examples(operation: Json) -> Json:
    known = examples().get(operation["operationId"], {})
    answers = {
        status: _shown(answer, known[status]) if status in known else answer
        for status, answer in operation["responses"].items()
    }
    body = {"requestBody": _shown(operation["requestBody"], known["request"])} if "request" in known else {}
    filled = known.get("parameters", {})
    parameters = [
        {**parameter, "example": filled[parameter["name"]]} if parameter.get("name") in filled else parameter
        for parameter in operation.get("parameters", [])
    ]
    asked = {"parameters": parameters} if parameters else {}
    return {**operation, **asked, **body, "responses": answers}


def _shown(part: Json, named: Json) -> Json:
    content = part["content"][_JSON]
    return {**part, "content": {_JSON: {**content, "examples": {**content.get("examples", {}), **named}}}}
