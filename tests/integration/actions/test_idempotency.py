"""`Idempotency-Key`: one request, one effect, one answer - also when something breaks in between."""

from typing import Any

import pytest

from jobsprint.core.clock import now_ms
from jobsprint.repositories import idempotency
from jobsprint.repositories.integrations import IntegrationStore
from tests.support.call import Answer, call
from tests.support.rows import rows, subscribed

BODY = {"name": "My webhook", "url": "https://hooks.example.com/in", "events": ["workflow.executed"]}

pytestmark = pytest.mark.usefixtures("aws")


def create(key: str = "key-1", tenant: str = "acme", **changes: Any) -> Answer:
    body = {**BODY, **changes}
    return call("POST", "/integrations/webhooks", tenant=tenant, body=body, headers={"Idempotency-Key": key})


def names(tenant: str = "acme") -> list[str]:
    return [webhook.name for webhook in IntegrationStore(tenant).webhooks()]


def test_the_same_request_gets_the_first_answer_again() -> None:
    first, second = create(), create()

    assert (first.status, first.body) == (second.status, second.body)
    assert first.data["secret"].startswith("whsec_")
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert names() == ["My webhook"]


def test_kept_answers_are_encrypted() -> None:
    made = create()

    assert made.data["secret"] not in "\n".join(rows())
    assert made.data["id"] in "\n".join(rows())  # the webhook's own row


def test_another_body_is_refused() -> None:
    create()

    answer = create(name="Another")

    assert (answer.status, answer.error["code"]) == (409, "idempotency_key_reused")
    assert names() == ["My webhook"]


def test_keys_belong_to_tenant_and_route() -> None:
    assert create().status == create(tenant="globex").status == 201
    assert create().data["id"] != create(tenant="globex").data["id"]
    body = {"name": "n", "url": BODY["url"]}
    other = call("POST", "/integrations/custom_webhook/connect", body=body, headers={"Idempotency-Key": "key-1"})
    assert other.status == 201


def test_keys_are_read_in_any_case_and_only_on_post() -> None:
    for name in ("idempotency-key", "IDEMPOTENCY-KEY"):
        call("POST", "/integrations/webhooks", body=BODY, headers={name: "key-2"})
    assert len(names()) == 1

    webhook_id = subscribed()["id"]
    for active in (False, True):
        path = f"/integrations/webhooks/{webhook_id}"
        answer = call("PATCH", path, body={"active": active}, headers={"Idempotency-Key": "key-3"})
        assert answer.data["active"] is active


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb", "a\0b", "\u2028"])
def test_keys_that_cannot_be_used(key: str) -> None:
    answer = create(key)

    assert answer.status == 422
    assert answer.error["details"][0]["field"] == "header.Idempotency-Key"
    assert rows() == []


@pytest.mark.parametrize("key", ["x", "x" * 255, "8e03978e-40d5-43dd-bc93-6894a57f9324", "ключ 🔑", "a/b#c?d%20"])
def test_keys_that_can(key: str) -> None:
    assert create(key).body == create(key).body
    assert len(names()) == 1


def test_a_refusal_is_an_answer_too() -> None:
    first, second = create(url="nothing"), create(url="nothing")

    assert first.status == second.status == 422
    assert second.headers["Idempotent-Replayed"] == "true"


def test_a_request_that_may_not_be_made_takes_no_key() -> None:
    headers = {"Idempotency-Key": "key-1"}
    for tenant, scopes, body in ((None, "*", BODY), ("acme", "webhooks:read", BODY), ("acme", "*", "{")):
        call("POST", "/integrations/webhooks", tenant=tenant, scopes=scopes, body=body, headers=headers)
    assert rows() == []

    assert create().status == 201


def test_a_failure_of_ours_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(IntegrationStore, "create", _broken)
        assert create().status == 500
    assert create().status == 201
    assert len(names()) == 1


def test_an_exception_frees_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    from aws_lambda_powertools.event_handler import APIGatewayRestResolver

    with monkeypatch.context() as patch:
        patch.setattr(APIGatewayRestResolver, "resolve", _broken)
        assert create().status == 500
    assert create().status == 201


def _broken(*_: Any, **__: Any) -> Any:
    raise RuntimeError("our own fault")


def test_one_in_flight_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    inner: list[Answer] = []
    real = IntegrationStore.create

    def meanwhile(store: IntegrationStore, integration: Any) -> Any:
        inner.append(create())
        inner.append(create(name="Another"))
        return real(store, integration)

    monkeypatch.setattr(IntegrationStore, "create", meanwhile)

    outer = create()

    assert outer.status == 201
    assert [(answer.status, answer.error["code"]) for answer in inner] == [
        (409, "idempotency_in_progress"),
        (409, "idempotency_key_reused"),
    ]
    assert int(inner[0].headers["Retry-After"]) >= 1
    assert create().body == outer.body


def _later(monkeypatch: pytest.MonkeyPatch, ms: int) -> None:
    monkeypatch.setattr("jobsprint.api.idempotency.now_ms", lambda: now_ms() + ms)


def test_after_a_day_the_key_is_free_again(monkeypatch: pytest.MonkeyPatch) -> None:
    first = create()

    _later(monkeypatch, 23 * 3_600_000)
    assert create().body == first.body
    _later(monkeypatch, 24 * 3_600_000 + 1000)
    again = create(name="Another")

    assert again.status == 201
    assert sorted(names()) == ["Another", "My webhook"]


def test_a_holder_that_died_before_it_did_anything_frees_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(idempotency, "release", lambda *_: None)
        patch.setattr(IntegrationStore, "create", _broken)
        assert create().status == 500
    assert create().error["code"] == "idempotency_in_progress"

    _later(monkeypatch, idempotency.LEASE_MS + 1000)

    assert create().status == 201


def test_an_answer_that_cannot_be_kept_is_given_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "keep", _broken)

    assert create().status == 201
    assert len(names()) == 1
