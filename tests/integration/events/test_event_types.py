"""Event types through the API, and events that break the schema of theirs."""

import json
from collections import Counter
from typing import Any

import pytest

from jobsprint.core import aws as clients
from jobsprint.delivery import schema_check
from jobsprint.repositories import tenants
from tests.support.call import call
from tests.support.deliveries import Outbox, publish, record, subscribe, work
from tests.support.rows import rows

URL = "https://hooks.example.com/in"
SCHEMA = {
    "type": "object",
    "required": ["id"],
    "properties": {"id": {"type": "string"}, "lines": {"type": "array", "items": {"required": ["sku"]}}},
}


def put(name: str = "order.paid", **fields: Any) -> Any:
    answer = call("PUT", "/event-types", body={"name": name, **fields})
    schema_check.forget()
    return answer


def listed(query: str = "", tenant: str = "acme") -> list[dict[str, Any]]:
    answer = call("GET", f"/event-types{query}", tenant=tenant)
    assert answer.status == 200, answer.body
    found: list[dict[str, Any]] = answer.data
    return found


# --- Keeping them ---


def test_a_type_is_made_and_replaced(outbox: Outbox) -> None:
    made = put(description="An order was paid", schema=SCHEMA, mode="warn")
    assert made.status == 201
    assert made.data == {
        "name": "order.paid",
        "description": "An order was paid",
        "schema": SCHEMA,
        "mode": "warn",
        "createdAt": made.data["createdAt"],
        "updatedAt": made.data["createdAt"],
    }
    assert listed() == [made.data]

    replaced = put()
    assert replaced.status == 200
    assert replaced.data == {
        "name": "order.paid",
        "mode": "off",
        "createdAt": made.data["createdAt"],
        "updatedAt": replaced.data["updatedAt"],
    }
    assert listed() == [replaced.data]
    assert listed(tenant="other") == []


def test_pages_in_the_order_of_names(outbox: Outbox) -> None:
    names = ["-", "0", "A.b", "_x", "order.paid", "order.paid.twice", "z"]
    for name in reversed(names):
        put(name, schema=SCHEMA, mode="warn")
    seen: list[str] = []
    cursor = ""
    while True:
        answer = call("GET", f"/event-types?limit=3{cursor}")
        seen += [one["name"] for one in answer.data]
        if not answer.body["pagination"]["hasMore"]:
            break
        cursor = f"&cursor={answer.body['pagination']['nextCursor']}"
    assert seen == names


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "no name"}, "body.name"),
        ({"name": "order.*"}, "body.name"),
        ({"name": "#warned"}, "body.name"),
        ({"description": "x" * 501}, "body.description"),
        ({"mode": "enforce"}, "body.mode"),
        ({"mode": "warn"}, "body.schema"),
        ({"schema": True}, "body.schema"),
        ({"schema": {"type": "array"}}, "body.schema"),
        ({"schema": {"type": "object", "properties": {"a": {"type": "text"}}}}, "body.schema"),
        ({"schema": {"type": "object", "properties": {"a": {"$ref": "https://schemas.example/a"}}}}, "body.schema"),
        ({"schema": {"type": "object", "properties": {"a": {"pattern": "(?=a)"}}}}, "body.schema"),
        ({"schema": {"type": "object", "description": "x" * 16_384}}, "body.schema"),
        ({"extra": 1}, "body.extra"),
    ],
)
def test_what_is_refused_is_not_kept(outbox: Outbox, fields: dict[str, Any], field: str) -> None:
    refused = put(**{"name": "order.paid", **fields})
    assert (refused.status, refused.error["code"]) == (422, "invalid_fields")
    assert [detail["field"] for detail in refused.error["details"]] == [field]
    assert rows() == []


def test_scopes(outbox: Outbox) -> None:
    assert call("PUT", "/event-types", body={"name": "a"}, scopes="webhooks:read").status == 403
    assert call("PUT", "/event-types", body={"name": "a"}, scopes="webhooks:write").status == 201
    assert call("GET", "/event-types", scopes="events:publish").status == 403
    assert call("GET", "/event-types", scopes="webhooks:read").status == 200


# --- Events that break them ---


def test_an_event_that_breaks_its_schema_is_taken_and_marked(outbox: Outbox) -> None:
    webhook = subscribe(URL)
    put(schema=SCHEMA, mode="warn")

    answer = publish("order.paid", {"id": 5, "lines": [{"sku": "a"}, {"qty": 1}]}, id="mine")

    assert answer["deliveries"] == 1
    assert {warning["field"] for warning in answer["warnings"]} == {"data.id", "data.lines[1].sku"}
    [message] = outbox.take()
    assert message.json["webhookId"] == webhook["id"]
    assert message.json["data"] == '{"id":5,"lines":[{"sku":"a"},{"qty":1}]}'
    [kept] = [row for row in clients.dynamodb().scan(TableName="EventsTable")["Items"] if "event" in row]
    assert json.loads(kept["warnings"]["S"]) == answer["warnings"]
    # The same event again gives the same answer, whatever the type says by now.
    put()
    assert publish("order.paid", {"id": 5, "lines": [{"sku": "a"}, {"qty": 1}]}, id="mine") == answer


def test_an_event_that_keeps_to_its_schema_is_not_marked(outbox: Outbox) -> None:
    put(schema=SCHEMA, mode="warn")
    assert "warnings" not in publish("order.paid", {"id": "o1"})
    assert "warnings" not in publish("order.unknown", {"id": 5})
    assert "warnings" not in publish("order.paid", {"id": 5}, tenant="other")
    put(schema=SCHEMA, mode="off")
    assert "warnings" not in publish("order.paid", {"id": 5})
    assert not any("warnings" in item for item in clients.dynamodb().scan(TableName="EventsTable")["Items"])


def test_each_event_of_a_batch_has_its_own_warnings(outbox: Outbox) -> None:
    put(schema=SCHEMA, mode="warn")
    events = [{"event": "order.paid", "data": {"id": id_}} for id_ in ("a", 5, "b")]
    answer = call("POST", "/events", body={"events": events})
    assert ["warnings" in one for one in answer.data] == [False, True, False]


def test_a_preview_shows_the_warnings(outbox: Outbox) -> None:
    put(schema=SCHEMA, mode="warn")
    answer = call("POST", "/events/preview", body={"event": "order.paid", "data": {}})
    assert answer.data == {"webhooks": [], "warnings": [{"field": "data.id", "message": "is required"}]}


def test_events_of_the_bus_are_marked_too(outbox: Outbox) -> None:
    tenants.add("acme")
    put(schema=SCHEMA, mode="warn")
    body = {"id": "e1", "source": "jobsprint", "detail-type": "order.paid", "detail": {"tenant": "acme", "data": {}}}
    assert work("receive_events", record(json.dumps(body))) == []
    [kept] = [row for row in clients.dynamodb().scan(TableName="EventsTable")["Items"] if "event" in row]
    assert json.loads(kept["warnings"]["S"]) == [{"field": "data.id", "message": "is required"}]


@pytest.mark.parametrize("name", ["webhook.disabled", "webhook.mine", "delivery.exhausted", "jobsprint.ping"])
def test_the_services_own_events_are_not_described(outbox: Outbox, name: str) -> None:
    answer = call("PUT", "/event-types", body={"name": name, "schema": SCHEMA, "mode": "warn"})
    assert (answer.status, answer.error["details"][0]["field"]) == (422, "body.name")
    assert "reserved" in answer.error["message"]
    assert call("PUT", "/event-types", body={"name": "delivery.shipped"}).status == 201


# --- Cost ---


def test_a_tenant_without_types_costs_one_read_a_minute(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: Counter[str] = Counter()

    def count(model: Any, **_: Any) -> None:
        reads[model.name] += 1

    now = 1000.0
    monkeypatch.setattr(schema_check.time, "monotonic", lambda: now)
    clients.dynamodb().meta.events.register("before-call", count)
    for _ in range(5):
        publish()
    assert reads == {"GetItem": 1, "PutItem": 5, "Query": 5}

    put(schema=SCHEMA, mode="off")
    reads.clear()
    publish("order.paid")
    assert reads["GetItem"] == 1, "types in mode off count as none"
    now += schema_check.CACHED_SECONDS + 1
    publish("order.paid")
    assert reads["GetItem"] == 2


def test_a_changed_type_takes_effect_within_a_minute(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(schema_check.time, "monotonic", lambda: now)
    publish("order.paid", {})
    call("PUT", "/event-types", body={"name": "order.paid", "schema": SCHEMA, "mode": "warn"})
    assert "warnings" not in publish("order.paid", {})
    now += schema_check.CACHED_SECONDS + 1
    assert "warnings" in publish("order.paid", {})
    call("PUT", "/event-types", body={"name": "order.paid"})
    now += schema_check.CACHED_SECONDS + 1
    assert "warnings" not in publish("order.paid", {})


def test_the_cache_is_bounded(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema_check.cached_types, "most", 5)
    put(schema=SCHEMA, mode="warn")
    for number in range(20):
        publish(f"order.{number}")
    assert len(schema_check.cached_types) <= 5


# --- Deleting them ---


def test_a_deleted_type_is_gone_and_its_events_are_published_unchecked(outbox: Outbox) -> None:
    put(schema=SCHEMA, mode="warn")
    put("other")

    deleted = call("DELETE", "/event-types/order.paid")
    schema_check.forget()

    assert (deleted.status, deleted.data) == (200, {"name": "order.paid", "deleted": True})
    assert [one["name"] for one in listed()] == ["other"]
    assert "warnings" not in call("POST", "/events", body={"event": "order.paid", "data": {}}).data
    again = call("DELETE", "/event-types/order.paid")
    assert (again.status, again.error["code"]) == (404, "event_type_not_found")


@pytest.mark.parametrize("name", ["nothing", "order.*", "a b", "x" * 300])
def test_what_is_no_type_of_the_tenant_cannot_be_deleted(outbox: Outbox, name: str) -> None:
    put("order.paid", schema=SCHEMA, mode="warn")
    before = rows()

    assert call("DELETE", f"/event-types/{name}").status == 404
    assert call("DELETE", "/event-types/order.paid", tenant="other").status == 404
    assert rows() == before
