"""Where events go: filters of webhooks, previews, and one predicate behind both."""

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from jobsprint.core import aws as clients
from jobsprint.delivery import subscriptions
from jobsprint.domain.event_patterns import Effort
from jobsprint.domain.events import Event
from jobsprint.domain.integrations import DeliveryPolicy
from jobsprint.repositories.integrations import IntegrationStore
from tests.support.call import call
from tests.support.deliveries import Outbox, publish, subscribe
from tests.support.rows import rows

URL = "https://hooks.example.com/in"
PAID = {"data": {"amount": [{"numeric": [">", 100]}], "tags": ["vip", None]}}


@pytest.fixture
def calls(outbox: Outbox) -> Counter[str]:
    """How often each operation of DynamoDB and SQS was called."""
    seen: Counter[str] = Counter()

    def count(model: Any, **_: Any) -> None:
        seen[model.name] += 1

    for client in (clients.dynamodb(), clients.sqs()):
        client.meta.events.register("before-call", count)
    return seen


def preview(data: Any = None, event: str = "order.paid", **options: Any) -> dict[str, str]:
    """The reason for each webhook, by its id."""
    answer = call("POST", "/events/preview", body={"event": event, "data": data or {}}, **options)
    assert answer.status == 200, answer.body
    assert all(one["reached"] is (one["reason"] == "subscribed") for one in answer.data["webhooks"])
    return {one["id"]: one["reason"] for one in answer.data["webhooks"]}


# --- Filters ---


def test_a_filter_lets_only_matching_events_through(outbox: Outbox) -> None:
    filtered = subscribe(URL, "order.*", filter=PAID)
    other = subscribe(URL, "order.*")
    assert filtered["filter"] == PAID
    assert "filter" not in other

    for data, reached in (
        ({"amount": 250, "tags": ["new", "vip"]}, {filtered["id"], other["id"]}),
        ({"amount": 250, "tags": None}, {filtered["id"], other["id"]}),
        ({"amount": 100, "tags": "vip"}, {other["id"]}),
        ({"amount": "250", "tags": "vip"}, {other["id"]}),
        ({}, {other["id"]}),
    ):
        assert publish("order.paid", data)["deliveries"] == len(reached)
        assert {message.json["webhookId"] for message in outbox.take()} == reached


def test_a_filter_sees_the_body_that_receivers_get(outbox: Outbox) -> None:
    whole = {"event": [{"suffix": ".paid"}], "timestamp": [{"prefix": "2025-01"}], "data": {"9": [1.5]}}
    subscribe(URL, filter=whole)
    assert publish("order.paid", {"9": 1.50}, timestamp="2025-01-06T13:00:00.9+01:00")["deliveries"] == 1
    assert publish("order.paid", {"9": 1.50}, timestamp="2025-02-06T13:00:00Z")["deliveries"] == 0
    assert publish("order.late", {"9": 1.50}, timestamp="2025-01-06T13:00:00Z")["deliveries"] == 0


def test_a_filter_is_changed_and_removed(outbox: Outbox) -> None:
    path = f"/integrations/webhooks/{subscribe(URL, filter=PAID, rateLimit=5)['id']}"
    assert publish(data={"amount": 5})["deliveries"] == 0

    assert call("PATCH", path, body={"name": "New"}).data["filter"] == PAID
    cheap = {"data": {"amount": [{"numeric": ["<", 10]}]}}
    assert call("PATCH", path, body={"filter": cheap}).data["filter"] == cheap
    assert publish(data={"amount": 5})["deliveries"] == 1
    assert publish(data={"amount": 50})["deliveries"] == 0

    changed = call("PATCH", path, body={"filter": None}).data
    assert ("filter" in changed, changed["rateLimit"]) == (False, 5)
    assert call("GET", path).data == changed
    assert publish(data={"amount": 50})["deliveries"] == 1


@pytest.mark.parametrize(
    ("wrong", "fields"),
    [
        ({"data": {"amount": [{"numeric": [">"]}]}}, ["body.filter.data.amount[0].numeric"]),
        ({"data": {"a": [1, {"wildcard": "**"}], "b": "x"}}, ["body.filter.data.a[1].wildcard", "body.filter.data.b"]),
        ({"detail": {"a": [1]}}, ["body.filter.detail"]),
        ({"$or": [{"data": {"a": [1]}}, {"data": {}}]}, ["body.filter.$or[1].data"]),
        ({}, ["body.filter"]),
        ({"data": {"a": ["x" * 4096]}}, ["body.filter"]),
        ([], ["body.filter"]),
        ("*", ["body.filter"]),
    ],
)
def test_a_bad_pattern_is_refused_with_its_place(outbox: Outbox, wrong: Any, fields: list[str]) -> None:
    path = f"/integrations/webhooks/{subscribe(URL, filter=PAID)['id']}"
    before = rows()
    for refused in (
        call("POST", "/integrations/webhooks", body={"name": "x", "url": URL, "events": ["*"], "filter": wrong}),
        call("PATCH", path, body={"name": "New", "filter": wrong}),
    ):
        assert (refused.status, refused.error["code"]) == (422, "invalid_fields")
        assert [detail["field"] for detail in refused.error["details"]] == fields
    assert rows() == before


def test_flaws_of_a_pattern_stand_beside_other_wrong_fields(outbox: Outbox) -> None:
    body = {"name": "", "url": URL, "events": ["*"], "filter": {"data": {"a": [{"prefix": 5}]}}}
    refused = call("POST", "/integrations/webhooks", body=body)
    fields = [detail["field"] for detail in refused.error["details"]]
    assert fields == ["body.name", "body.filter.data.a[0].prefix"]


def test_what_a_filter_cannot_judge_in_time_is_delivered(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    webhook = subscribe(URL, filter={"data": {"list": [{"numeric": ["=", -1]}] * 90}})
    data = {"list": list(range(30_000))}
    assert publish(data=data)["deliveries"] == 1
    assert preview(data)[webhook["id"]] == "subscribed"
    assert publish(data={"list": list(range(100))})["deliveries"] == 0


def test_an_event_is_parsed_once_and_only_for_a_filter(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []

    class Watching:
        @staticmethod
        def loads(text: str) -> Any:
            parsed.append(text)
            return json.loads(text)

    monkeypatch.setattr(subscriptions, "json", Watching)
    subscribe(URL)
    subscribe(URL, "other", filter=PAID)
    publish(data={"n": 1})
    assert parsed == []
    subscribe(URL, filter=PAID)
    subscribe(URL, filter={"data": {"n": [1]}})
    publish(data={"n": 1})
    assert parsed == ['{"n":1}']


# --- Preview ---


def test_a_preview_says_why_for_each_webhook_and_does_nothing(outbox: Outbox) -> None:
    reached = subscribe(URL, "order.*", filter=PAID)["id"]
    filtered = subscribe(URL, filter={"data": {"amount": [1]}})["id"]
    elsewhere = subscribe(URL, "workflow.*", filter={"data": {"amount": [1]}})["id"]
    paused = subscribe(URL, "order.*")["id"]
    call("PATCH", f"/integrations/webhooks/{paused}", body={"active": False})
    paused_and_filtered = subscribe(URL, "order.*", filter={"data": {"amount": [1]}})["id"]
    call("POST", f"/integrations/{paused_and_filtered}/disconnect")
    disabled = subscribe(URL, "order.*")["id"]
    store = IntegrationStore("acme")
    store.update(replace(store.get(disabled), status="disconnected", status_reason="gone"))
    subscribe(URL, tenant="other")
    outbox.take()
    before = rows()

    reasons = preview({"amount": 250, "tags": "vip"})

    assert reasons == {
        reached: "subscribed",
        filtered: "filtered",
        elsewhere: "not_subscribed",
        paused: "paused",
        paused_and_filtered: "filtered",
        disabled: "disabled",
    }
    assert outbox.take() == []
    assert rows() == before
    assert publish("order.paid", {"amount": 250, "tags": "vip"})["deliveries"] == 1
    assert [message.json["webhookId"] for message in outbox.take()] == [reached]


def test_a_preview_takes_what_publishing_takes(outbox: Outbox) -> None:
    publish(id="a", data={"n": 1})
    assert call("POST", "/events/preview", body={"event": "x", "data": {}, "id": "a"}).status == 200
    refused = call("POST", "/events/preview", body={"event": "no name", "data": [], "extra": 1})
    assert refused.status == 422
    assert {detail["field"] for detail in refused.error["details"]} == {"body.event", "body.data", "body.extra"}


def test_a_preview_is_for_who_may_read_webhooks(outbox: Outbox) -> None:
    body = {"event": "a", "data": {}}
    assert call("POST", "/events/preview", body=body, scopes="events:publish").status == 403
    assert call("POST", "/events/preview", body=body, scopes="webhooks:read").data == {"webhooks": []}


# --- The predicate ---


def test_wants_asks_nothing_about_the_state(outbox: Outbox) -> None:
    webhook = IntegrationStore("acme").get(subscribe(URL, "order.*", filter=PAID)["id"])
    event = Event("acme", "evt_1", "order.paid", "2025-01-06T12:00:00Z", '{"amount":250,"tags":["vip"]}')
    for state in (webhook, replace(webhook, status="disconnected", status_reason="gone")):
        assert subscriptions.wants(state, event)
        assert not subscriptions.wants(state, replace(event, data='{"amount":1}'))
        assert not subscriptions.wants(state, replace(event, name="order"))
        assert not subscriptions.wants(state, replace(event, about=webhook.id))


def test_another_version_of_a_webhook_is_read_again(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions.compiled_patterns, "most", 3)
    webhook = IntegrationStore("acme").get(subscribe(URL, filter=PAID)["id"])
    event = Event("acme", "evt_1", "order.paid", "2025-01-06T12:00:00Z", '{"n":5}')
    for version in range(10):
        policy = DeliveryPolicy(filter={"data": {"n": [version]}})
        assert subscriptions.wants(replace(webhook, policy=policy, version=version), event) is (version == 5)
    assert len(subscriptions.compiled_patterns) <= 3


def test_all_filters_of_an_event_share_one_effort(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "Effort", lambda: Effort(24))
    for _ in range(4):
        subscribe(URL, filter={"data": {"n": [5]}})
    # Each takes 5 steps: two objects with a field each, and a leaf.
    assert publish(data={"n": 4})["deliveries"] == 0
    subscribe(URL, filter={"data": {"n": [5]}})
    assert publish(data={"n": 4})["deliveries"] == 1


# --- Cost ---


def test_publishing_costs_no_more_calls_with_filters(outbox: Outbox, calls: Counter[str]) -> None:
    subscribe(URL, filter={"data": {"n": [1]}})
    subscribe(URL)
    publish()
    calls.clear()

    publish()

    assert calls == {"PutItem": 1, "Query": 1, "SendMessageBatch": 1}
