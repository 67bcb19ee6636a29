"""Publishing over HTTP and over the bus: handlers as Lambda calls them, tables and queues as template.yaml has them."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from jobsprint.core import aws as clients
from jobsprint.delivery import publisher as publishing
from jobsprint.delivery.queue import MAX_INLINE_BYTES
from jobsprint.domain.events import OWN
from jobsprint.repositories import tenants
from jobsprint.repositories.events import EventStore
from tests.support.call import call
from tests.support.deliveries import Outbox, publish, record, subscribe, work

URL = "https://hooks.example.com/in"
LIMIT = 200 * 1024


def rows() -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = [dict(item) for item in clients.dynamodb().scan(TableName="EventsTable")["Items"]]
    return items


def refused_by(operation: str, code: str = "InternalError") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, operation)


def named() -> list[dict[str, Any]]:
    """The events that have an id of the caller's, without the references to them."""
    return [row for row in rows() if "id" in row]


# --- one event ---


def test_an_event_goes_to_each_webhook_that_is_subscribed_to_it(outbox: Outbox) -> None:
    wanted = {subscribe(URL, *events)["id"] for events in (["*"], ["workflow.*"], ["a.b", "workflow.executed"])}
    subscribe(URL, "workflow.failed", "workflow.executed.twice")
    paused = subscribe(URL, "*")
    assert call("PATCH", f"/integrations/webhooks/{paused['id']}", body={"active": False}).status == 200
    subscribe(URL, "*", tenant="other")

    data = {"workflowId": "wf_abc123", "9": 1.50, "é": "\uffff"}
    answer = publish(data=data, timestamp="2025-01-06T13:00:00.9+01:00")

    assert answer == {"id": answer["id"], "deliveries": 3}
    messages = outbox.take()
    assert {message.json["webhookId"] for message in messages} == wanted
    # One group, however many webhooks: the queue is fair by tenant.
    assert {message.group for message in messages} == {"acme"}
    assert len({message.json["deliveryId"] for message in messages}) == 3
    for message in messages:
        # JavaScript's order and numbers, and nothing that SQS refuses.
        assert message.json["data"] == '{"9":1.5,"workflowId":"wf_abc123","é":"\uffff"}'
        assert message.body.isascii()
        assert message.json["timestamp"] == "2025-01-06T12:00:00Z"
        assert (message.json["tenant"], message.json["eventId"]) == ("acme", answer["id"])
        assert (message.json["event"], message.json["attempt"]) == ("workflow.executed", 1)


def test_an_event_without_listeners_is_kept_all_the_same(outbox: Outbox) -> None:
    answer = publish()
    assert answer["deliveries"] == 0
    assert outbox.take() == []
    [row] = rows()
    assert row["sk"]["S"] == answer["id"]
    assert row["pk"]["S"].startswith("acme#")
    assert int(row["expiresAt"]["N"]) * 1000 - int(row["createdAt"]["N"]) == pytest.approx(30 * 86400_000, abs=1000)


def test_the_same_id_and_body_is_the_same_event_and_is_queued_again(outbox: Outbox) -> None:
    subscribe(URL)
    first = publish(id="order:1.a-B_2")
    [message] = outbox.take()
    assert first["externalId"] == "order:1.a-B_2"
    assert publish(id="order:1.a-B_2") == first
    assert outbox.take() == [message]
    assert len(named()) == 1


@pytest.mark.parametrize(
    "change", [{"data": {"n": 2}}, {"event": "workflow.failed"}, {"timestamp": "2025-01-06T12:00:00Z"}]
)
def test_the_same_id_with_another_body_is_a_conflict(outbox: Outbox, change: dict[str, Any]) -> None:
    subscribe(URL)
    publish(id="a")
    outbox.take()
    body = {"event": "workflow.executed", "data": {"n": 1}, "id": "a", **change}
    answer = call("POST", "/events", body=body)
    assert (answer.status, answer.error["code"]) == (409, "event_id_reused")
    assert outbox.take() == []


def test_an_id_belongs_to_its_tenant(outbox: Outbox) -> None:
    assert publish(id="a")["id"] != publish(id="a", data={"n": 2}, tenant="other")["id"]


def test_an_id_is_free_again_when_its_time_to_live_has_passed(outbox: Outbox) -> None:
    first = publish(id="a")
    [row] = named()
    row["expiresAt"] = {"N": "1"}
    clients.dynamodb().put_item(TableName="EventsTable", Item=row)
    assert publish(id="a", data={"n": 2})["id"] != first["id"]


def test_every_wrong_field_is_named(outbox: Outbox) -> None:
    body = {"event": "no spaces", "data": [1], "id": "x" * 65, "timestamp": "soon", "extra": 1}
    answer = call("POST", "/events", body=body)
    assert (answer.status, answer.error["code"]) == (422, "invalid_fields")
    fields = {detail["field"] for detail in answer.error["details"]}
    assert fields == {"body.event", "body.data", "body.id", "body.timestamp", "body.extra"}
    assert rows() == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body.event"),
        ({"event": "a.b"}, "body.data"),
        ({"event": "a.*", "data": {}}, "body.event"),
        ({"event": 1, "data": {}}, "body.event"),
        *(({"event": name, "data": {}}, "body.event") for name in sorted(OWN)),
        ({"event": "integration.mine", "data": {}}, "body.event"),
        ({"event": "webhook.a.b", "data": {}}, "body.event"),
        ({"event": "jobsprint.ping", "data": {}}, "body.event"),
        ({"event": "a", "data": None}, "body.data"),
        ({"event": "a", "data": "{}"}, "body.data"),
        ({"event": "a", "data": {}, "id": ""}, "body.id"),
        ({"event": "a", "data": {}, "id": "a/b"}, "body.id"),
        ({"event": "a", "data": {}, "id": "a\n"}, "body.id"),
        ({"event": "a", "data": {}, "timestamp": 1736164800}, "body.timestamp"),
        ({"event": "a", "data": {"x": "y" * LIMIT}}, "body.data"),
        ('{"event":"a","data":{"x":[1,12345678901234567890]}}', "body.data.x[1]"),
        ('{"event":"a","data":{"x":1,"x":1}}', "body.data.x"),
        ('{"event":"a","data":{"x":"\\ud800"}}', "body.data.x"),
        ({"events": [], "event": "a"}, "body.events"),
        ({"events": {}}, "body.events"),
        ({"events": [{"event": "a", "data": {}}] * 26}, "body.events"),
        ({"events": [{"event": "a", "data": {}}], "data": {}}, "body.data"),
        ('"text"', "body"),
    ],
)
def test_what_is_refused(outbox: Outbox, body: Any, field: str) -> None:
    answer = call("POST", "/events", body=body)
    assert answer.status == 422
    assert field in [detail["field"] for detail in answer.error["details"]]
    assert rows() == []


@pytest.mark.parametrize(
    "name", ["delivery.shipped", "webhook", "integration", "webhooks.x", "my.webhook.x", "jobsprints"]
)
def test_names_like_the_services_own_are_the_tenants(outbox: Outbox, name: str) -> None:
    assert publish(name)["deliveries"] == 0
    assert call("PUT", "/event-types", body={"name": name}).status == 201


def test_a_reserved_name_in_a_batch_stops_no_other(outbox: Outbox) -> None:
    events = [{"event": name, "data": {}} for name in ("webhook.disabled", "order.paid")]
    answer = call("POST", "/events", body={"events": events})
    assert (answer.status, answer.data[0]["error"]["code"]) == (202, "invalid_fields")
    assert [row["event"]["S"] for row in rows()] == ["order.paid"]


def test_a_preview_and_a_sample_may_be_of_the_services_own(outbox: Outbox) -> None:
    subscribe(URL, "webhook.*")
    answer = call("POST", "/events/preview", body={"event": "webhook.disabled", "data": {}})
    assert [one["reached"] for one in answer.data["webhooks"]] == [True]


def test_data_may_have_200_kilobytes(outbox: Outbox) -> None:
    subscribe(URL)
    answer = publish(data={"x": "y" * (LIMIT - len('{"x":""}'))})
    [message] = outbox.take()
    assert "data" not in message.json
    assert message.json["eventKey"].endswith(f"#{answer['id']}")


def test_data_travels_along_only_while_the_message_is_short(outbox: Outbox) -> None:
    subscribe(URL)
    publish(data={"x": "y" * (MAX_INLINE_BYTES - 1000)})
    publish(data={"x": "é" * (MAX_INLINE_BYTES // 6)})  # six characters each as ASCII
    short, long = outbox.take()
    assert "data" in short.json
    assert "data" not in long.json
    assert len(short.body) < MAX_INLINE_BYTES


def test_the_scope_is_needed(outbox: Outbox) -> None:
    answer = call("POST", "/events", scopes="webhooks:write integrations:write", body={"event": "a", "data": {}})
    assert answer.status == 403


# --- the queue fails ---


def test_more_than_ten_webhooks_take_several_calls_and_all_get_it(outbox: Outbox) -> None:
    wanted = {subscribe(URL)["id"] for _ in range(23)}
    assert publish()["deliveries"] == 23
    assert {message.json["webhookId"] for message in outbox.take()} == wanted


def test_entries_that_sqs_did_not_take_are_sent_again(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        subscribe(URL)
    send = clients.sqs().send_message_batch
    calls: list[list[str]] = []

    def losing_one(**params: Any) -> Any:
        entries = params["Entries"]
        calls.append([entry["Id"] for entry in entries])
        lost = entries if len(calls) == 1 and len(entries) == 1 else entries[1:2] if len(calls) < 3 else []
        answer = send(**{**params, "Entries": [entry for entry in entries if entry not in lost]})
        return {**answer, "Failed": [{"Id": entry["Id"], "Code": "x", "SenderFault": False} for entry in lost]}

    monkeypatch.setattr(clients.sqs(), "send_message_batch", losing_one)
    assert publish()["deliveries"] == 3
    assert calls == [["0", "1", "2"], ["1"]]
    assert len(outbox.take()) == 3


def test_a_publish_whose_messages_are_not_taken_fails_and_may_be_repeated(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(URL)
    failed = {"Failed": [{"Id": "0", "Code": "x", "SenderFault": False}]}
    with monkeypatch.context() as patch:
        patch.setattr(clients.sqs(), "send_message_batch", lambda **_: failed)
        answer = call("POST", "/events", body={"event": "a", "data": {}, "id": "mine"})
    assert (answer.status, answer.error["code"]) == (500, "internal_error")
    [row] = named()
    assert publish("a", {}, id="mine") == {"id": row["id"]["S"], "deliveries": 1, "externalId": "mine"}
    assert len(outbox.take()) == 1
    assert len(named()) == 1


# --- a batch ---


def test_each_event_of_a_batch_is_judged_alone_and_answered_in_order(outbox: Outbox) -> None:
    subscribe(URL, "a.*")
    publish("a.x", {"n": 0}, id="used")
    outbox.take()
    events: list[Any] = [
        {"event": "a.one", "data": {}},
        {"event": "not a name", "data": 1},
        {"event": "a.x", "data": {"n": 1}, "id": "used"},
        "no object",
        {"event": "b.two", "data": {}, "id": "mine"},
        {"event": "a.x", "data": {"n": 0}, "id": "used"},
    ]
    answer = call("POST", "/events", body={"events": events})
    assert answer.status == 202
    one, wrong, reused, no_object, two, again = answer.data
    assert one == {"id": one["id"], "deliveries": 1}
    assert wrong["error"]["code"] == "invalid_fields"
    assert {detail["field"] for detail in wrong["error"]["details"]} == {"body.events[1].event", "body.events[1].data"}
    assert reused == {"error": {"code": "event_id_reused", "message": reused["error"]["message"]}}
    assert no_object["error"]["details"][0]["field"] == "body.events[3]"
    assert two == {"id": two["id"], "deliveries": 0, "externalId": "mine"}
    assert again == {"id": again["id"], "deliveries": 1, "externalId": "used"}
    assert [message.json["event"] for message in outbox.take()] == ["a.one", "a.x"]


def test_a_batch_of_which_nothing_is_taken_is_a_failure_with_every_reason(outbox: Outbox) -> None:
    answer = call("POST", "/events", body={"events": [{"event": "a"}, {"data": {}}]})
    assert (answer.status, answer.body["success"]) == (422, False)
    assert answer.body["requestId"] == "req-1"
    assert answer.error["code"] == "no_event_taken"
    assert [detail["field"] for detail in answer.error["details"]] == ["body.events[0].data", "body.events[1].event"]
    assert [entry["error"]["code"] for entry in answer.body["data"]] == ["invalid_fields"] * 2


def test_a_full_batch_is_queued_ten_to_a_call(outbox: Outbox) -> None:
    subscribe(URL)
    answer = call("POST", "/events", body={"events": [{"event": "a", "data": {"n": n}} for n in range(25)]})
    assert answer.status == 202
    assert [entry["deliveries"] for entry in answer.data] == [1] * 25
    assert len({entry["id"] for entry in answer.data}) == 25
    assert sorted(json.loads(message.json["data"])["n"] for message in outbox.take()) == list(range(25))


def test_the_first_of_two_with_one_id_in_a_batch_wins(outbox: Outbox) -> None:
    events = [{"event": "a", "data": {"n": n}, "id": "same"} for n in (1, 2)]
    first, second = call("POST", "/events", body={"events": events}).data
    assert first["externalId"] == "same"
    assert second["error"]["code"] == "event_id_reused"


# --- the service's own events ---


def test_an_announcement_never_goes_to_the_webhook_it_is_about(outbox: Outbox) -> None:
    about, other = subscribe(URL), subscribe(URL, "webhook.*")
    publishing.announce("acme", "webhook.disabled", {"id": about["id"]}, about=about["id"])
    assert [message.json["webhookId"] for message in outbox.take()] == [other["id"]]


# --- the bus ---


def bus_event(**changes: Any) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": "workflow.executed",
        "source": "jobsprint",
        "account": "000000000000",
        "time": "2025-01-06T12:00:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail": {"tenant": "acme", "data": {"n": 1}},
    } | changes


def receive(*events: Any) -> list[str]:
    for tenant in ("acme", "other"):
        tenants.add(tenant)
    bodies = [event if isinstance(event, str) else json.dumps(event) for event in events]
    return work("receive_events", *(record(body, f"m{place}") for place, body in enumerate(bodies)))


def test_an_event_on_the_bus_is_published_once_however_often_it_comes(outbox: Outbox) -> None:
    subscribe(URL)
    assert receive(bus_event()) == []
    assert receive(bus_event()) == []
    first, again = outbox.take()
    assert first == again
    assert first.json["event"] == "workflow.executed"
    assert first.json["data"] == '{"n":1}'
    assert first.json["timestamp"] == "2025-01-06T12:00:00Z"
    [row] = named()
    assert row["sk"]["S"] == "ext#bus:6a7e8feb-b491-4cf7-a9f1-bf3703467718"
    assert outbox.take("RefusedEvents") == []


def test_an_id_in_the_detail_is_the_callers_on_either_way_in(outbox: Outbox) -> None:
    detail = {"tenant": "acme", "data": {"n": 1}, "id": "mine"}
    assert receive(bus_event(detail=detail), bus_event(detail=detail, id="other", time="2025-01-06T12:00:01Z")) == []
    [row] = named()
    assert publish(data={"n": 1}, id="mine")["id"] == row["id"]["S"]


def test_events_of_several_tenants_come_in_one_batch(outbox: Outbox) -> None:
    ours, theirs = subscribe(URL), subscribe(URL, tenant="other")
    receive(*(bus_event(id=f"e{n}", detail={"tenant": t, "data": {}}) for n, t in enumerate(["acme", "other", "acme"])))
    found = [(message.json["tenant"], message.json["webhookId"]) for message in outbox.take()]
    assert sorted(found) == [("acme", ours["id"]), ("acme", ours["id"]), ("other", theirs["id"])]


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (bus_event(detail={"tenant": "Acme Corp", "data": {}}), "event.detail.tenant"),
        (bus_event(detail={"tenant": "a#b", "data": {}}), "event.detail.tenant"),
        (bus_event(detail={"data": {}}), "event.detail.tenant"),
        (bus_event(detail={"tenant": "acme"}), "event.detail.data"),
        (bus_event(detail={"tenant": "acme", "data": []}), "event.detail.data"),
        (bus_event(detail={"tenant": "acme", "data": {}, "id": "a b"}), "event.detail.id"),
        (bus_event(detail={"tenant": "acme", "data": {}, "ID": "a"}), "event.detail.ID"),
        (bus_event(detail={"tenant": "acme", "data": {"x": "y" * LIMIT}}), "event.detail.data"),
        (bus_event(detail="text"), "event.detail"),
        (bus_event(**{"detail-type": "not a name"}), "event.detail-type"),
        (json.dumps(bus_event()).replace('"n": 1', '"n": 1e400'), "event.detail.data.n"),
        (json.dumps(bus_event()).replace('"n": 1', '"n": 1, "n": 2'), "event.detail.data.n"),
        ("{}", "event.detail-type"),
        ("no JSON", "event"),
    ],
)
def test_what_breaks_the_contract_on_the_bus_is_put_aside_with_its_reason(
    outbox: Outbox, event: Any, field: str
) -> None:
    assert receive(event) == []
    [refused] = outbox.take("RefusedEvents")
    assert refused.json["reason"] in ("invalid_fields", "invalid_json")
    assert field in [detail["field"] for detail in refused.json["details"]]
    assert "event" in refused.json
    assert rows() == []
    assert outbox.take() == []


def test_a_reused_id_on_the_bus_is_put_aside_and_stops_no_other(outbox: Outbox) -> None:
    subscribe(URL)
    publish(data={"n": 1}, id="mine")
    outbox.take()
    clash = bus_event(detail={"tenant": "acme", "data": {"n": 2}, "id": "mine"})
    assert receive(clash, bus_event()) == []
    [refused] = outbox.take("RefusedEvents")
    assert refused.json == {"reason": "event_id_reused", "message": refused.json["message"], "event": clash}
    assert len(outbox.take()) == 1


def test_a_refused_event_too_long_for_a_message_is_cut(outbox: Outbox) -> None:
    assert receive(bus_event(detail={"tenant": "acme", "data": {"x": "\U0001f600" * 100_000}})) == []
    [refused] = outbox.take("RefusedEvents")
    assert refused.json["truncated"] is True
    assert len(refused.body) < 1_048_576


def test_only_what_failed_on_our_side_comes_back(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    subscribe(URL, tenant="other")
    real = EventStore.put_event

    def failing(self: Any, event: Any, *rest: Any) -> Any:
        if event.tenant == "acme":
            raise refused_by("PutItem")
        return real(self, event, *rest)

    monkeypatch.setattr(EventStore, "put_event", failing)
    events = [bus_event(id=f"e{n}", detail={"tenant": t, "data": {}}) for n, t in enumerate(["acme", "other", "acme"])]
    assert receive(*events, "no JSON") == ["m0", "m2"]
    assert [message.json["tenant"] for message in outbox.take()] == ["other"]
    assert len(outbox.take("RefusedEvents")) == 1


def test_a_refusal_that_cannot_be_kept_comes_back(outbox: Outbox) -> None:
    outbox.refuse.append(refused_by("SendMessage"))
    assert receive("no JSON") == ["m0"]
