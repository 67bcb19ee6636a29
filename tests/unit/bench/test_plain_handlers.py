"""The plain handlers that cold starts are compared with do the work of ours: the same requests get the same answers."""

import importlib.util
import json
from types import ModuleType
from typing import Any

import pytest

from tests.support.call import Context, call, event
from tests.support.template import ROOT

CREATE = {"name": "New", "url": "https://example.com/hook", "events": ["order.created", "invoice.*"]}


def plain(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / "bench" / "handlers" / name / "app.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def answers(aws: dict[str, str]) -> Any:
    def answer(name: str, method: str, target: str, **options: Any) -> tuple[int, Any]:
        _, request = event(method, target, **options)
        said = plain(name).handler(request, Context())
        return said["statusCode"], json.loads(said["body"])

    return answer


def test_create_and_get_answer_as_ours(answers: Any) -> None:
    ours = call("POST", "/integrations/webhooks", body=CREATE)
    status, created = answers("plain_create_webhook", "POST", "/integrations/webhooks", body=CREATE)
    assert status == ours.status == 201
    own = {name: created["data"][name] for name in ("id", "secret", "createdAt")}
    assert created["data"] == ours.data | own

    status, found = answers("plain_get_webhook", "GET", f"/integrations/webhooks/{own['id']}")
    seen = call("GET", f"/integrations/webhooks/{ours.data['id']}")
    assert status == seen.status == 200
    assert found["data"] == seen.data | {"id": own["id"], "createdAt": own["createdAt"]}


def test_a_field_that_is_wrong_and_a_scope_that_lacks_are_refused(answers: Any) -> None:
    target = "/integrations/webhooks"
    assert answers("plain_create_webhook", "POST", target, body={**CREATE, "url": "nowhere"})[0] == 422
    assert answers("plain_create_webhook", "POST", target, body=CREATE, scopes="webhooks:read")[0] == 403
