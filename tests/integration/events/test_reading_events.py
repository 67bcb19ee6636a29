"""Published events are listed and read, each with its deliveries, in pages that miss and repeat nothing."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobsprint.core import aws as clients
from jobsprint.core.clock import iso_millis, now_ms
from jobsprint.core.ids import made_at, new_id, new_ids
from jobsprint.delivery import event_history
from jobsprint.delivery.publisher import announce
from jobsprint.domain.events import Event, EventFilter
from jobsprint.repositories import event_lists, tenants
from jobsprint.repositories.event_lists import EventLists
from jobsprint.repositories.events import EventStore
from tests.support.call import Answer, call
from tests.support.deliveries import Outbox, deliveries, dispatch, publish, record, subscribe, work
from tests.support.receiver import Receiver, Reply

NONE = dict.fromkeys(("total", "queued", "pending", "retrying", "delivered", "exhausted", "discarded"), 0)


@pytest.fixture
def outbox(outbox: Outbox, calm: None) -> Outbox:
    return outbox


def listed(**query: Any) -> Answer:
    answer = call("GET", f"/events?{urlencode(query)}")
    assert answer.status == 200, answer.body
    return answer


def ids(answer: Answer) -> list[str]:
    return [event["id"] for event in answer.data]


def walked(**query: Any) -> list[str]:
    """The ids on all pages."""
    page = listed(**query)
    found = ids(page)
    while cursor := page.body["pagination"].get("nextCursor"):
        page = listed(**query, cursor=cursor)
        found += ids(page)
    return found


def batch(*drafts: dict[str, Any]) -> list[str]:
    answer = call(
        "POST", "/events", body={"events": [{"event": "order.paid", "data": {}, **draft} for draft in drafts]}
    )
    assert answer.status == 202, answer.body
    return [event.get("id", "") for event in answer.data]


def shown(event_id: str, **options: Any) -> Any:
    answer = call("GET", f"/events/{event_id}", **options)
    assert answer.status == 200, answer.body
    return answer.data


def run(outbox: Outbox) -> None:
    assert dispatch(*(record(message.body) for message in outbox.take())) == []


# --- what is shown ----------------------------------------------------------------------------------------------------


def test_an_event_is_shown_as_its_webhooks_get_it(outbox: Outbox, endpoint: Receiver) -> None:
    webhook = subscribe(endpoint.url)["id"]
    answer = publish("order.paid", {"b": 1.50, "a": None}, id="mine", timestamp="2025-01-06T13:00:00+01:00")
    run(outbox)

    event = shown(answer["id"])
    [delivery] = deliveries(webhook)
    body = {name: value for name, value in endpoint.received[0].json.items() if name != "signature"}
    assert {name: event[name] for name in ("event", "timestamp", "data")} == body
    assert list(event["data"]) == ["b", "a"]
    assert event == {
        "id": answer["id"],
        "event": "order.paid",
        "timestamp": "2025-01-06T12:00:00Z",
        "data": {"b": 1.5, "a": None},
        "createdAt": delivery["createdAt"],
        "externalId": "mine",
        "deliveries": {**NONE, "total": 1, "delivered": 1},
        "webhooks": [{"webhookId": webhook, "deliveryId": delivery["id"], "state": "delivered"}],
    }
    [entry] = listed().data
    assert entry == {name: value for name, value in event.items() if name not in ("data", "webhooks")}


def test_which_webhooks_take_the_scope_of_webhooks(outbox: Outbox, endpoint: Receiver) -> None:
    webhook = subscribe(endpoint.url)["id"]
    event_id = publish()["id"]

    alone = shown(event_id, scopes="events:read")
    assert "webhooks" not in alone
    assert webhook not in json.dumps(alone)
    assert webhook not in json.dumps(call("GET", "/events", scopes="events:read").body)
    assert shown(event_id, scopes="events:read webhooks:read")["webhooks"][0]["webhookId"] == webhook


def test_every_state_is_counted(outbox: Outbox, endpoint: Receiver) -> None:
    endpoint.answer = lambda request: Reply({"/gone": 410, "/busy": 500}.get(request.path, 200))
    paused = subscribe(f"{endpoint.url}/paused")["id"]
    for path in ("ok", "gone", "busy"):
        subscribe(f"{endpoint.url}/{path}")
    event_id = publish("order.paid")["id"]
    assert shown(event_id)["deliveries"] == {**NONE, "total": 4, "queued": 4}

    assert call("PATCH", f"/integrations/webhooks/{paused}", body={"active": False}).status == 200
    run(outbox)

    wanted = {**NONE, "total": 4, "discarded": 1, "delivered": 1, "exhausted": 1, "retrying": 1}
    assert shown(event_id)["deliveries"] == wanted
    assert next(event for event in listed().data if event["id"] == event_id)["deliveries"] == wanted


def test_a_webhook_that_was_deleted_still_counts(outbox: Outbox, endpoint: Receiver) -> None:
    webhook = subscribe(endpoint.url)["id"]
    event_id = publish()["id"]
    run(outbox)
    assert call("DELETE", f"/integrations/webhooks/{webhook}").status == 200
    assert shown(event_id)["deliveries"] == {**NONE, "total": 1, "delivered": 1}


def test_webhooks_that_do_not_take_it_do_not_count(outbox: Outbox, endpoint: Receiver) -> None:
    subscribe(endpoint.url, "order.refunded")
    subscribe(endpoint.url, filter={"data": {"n": [2]}})
    event_id = publish("order.paid", {"n": 1})["id"]
    subscribe(endpoint.url)
    assert shown(event_id)["deliveries"] == NONE
    assert listed().data[0]["deliveries"] == NONE


def test_a_delivery_that_came_later_counts_once_it_has_a_row(outbox: Outbox, endpoint: Receiver) -> None:
    first = subscribe(endpoint.url)["id"]
    event_id = publish(id="mine")["id"]
    run(outbox)
    second = subscribe(endpoint.url)["id"]
    assert publish(id="mine") == {"id": event_id, "deliveries": 2, "externalId": "mine"}
    assert shown(event_id)["deliveries"] == {**NONE, "total": 1, "delivered": 1}
    run(outbox)

    assert shown(event_id)["deliveries"] == {**NONE, "total": 2, "delivered": 2}
    assert [one["webhookId"] for one in shown(event_id)["webhooks"]] == [first, second]
    assert listed().data[0]["deliveries"] == {**NONE, "total": 2, "delivered": 2}


def test_a_recovery_shows_with_the_event(outbox: Outbox, endpoint: Receiver) -> None:
    event_id = batch({}, {})[0]
    assert shown(event_id)["deliveries"] == NONE
    webhook = subscribe(endpoint.url)["id"]
    body = {"since": iso_millis(now_ms() - 60_000)}
    assert call("POST", f"/integrations/webhooks/{webhook}/recover", body=body).status == 202
    while steps := outbox.take("RecoveryQueue"):
        assert work("recover_deliveries", *(record(step.body) for step in steps)) == []
    run(outbox)
    assert shown(event_id)["deliveries"] == {**NONE, "total": 1, "delivered": 1}


def test_an_operational_event_does_not_count_the_webhook_it_is_about(outbox: Outbox, endpoint: Receiver) -> None:
    about, other = subscribe(endpoint.url)["id"], subscribe(endpoint.url)["id"]
    assert announce("acme", "webhook.failing", {"webhookId": about}, about=about)
    [event] = listed(event="webhook.failing").data
    assert event["deliveries"] == {**NONE, "total": 1, "queued": 1}
    assert [one["webhookId"] for one in shown(event["id"])["webhooks"]] == [other]


def test_warnings_are_shown(outbox: Outbox) -> None:
    schema = {"type": "object", "required": ["id"]}
    assert call("PUT", "/event-types", body={"name": "order.paid", "schema": schema, "mode": "warn"}).status == 201
    for event_id in (publish("order.paid", {})["id"], publish("order.paid", {}, id="a")["id"], batch({}, {})[1]):
        assert shown(event_id)["warnings"] == [{"field": "data.id", "message": "is required"}]
    assert all(event["warnings"] for event in listed().data)


# --- one event --------------------------------------------------------------------------------------------------------


def test_each_event_is_found_however_it_is_stored(outbox: Outbox) -> None:
    long = {"text": "x" * 20_000}
    found = batch(*({"data": {"n": n, **long}, **({"id": f"b{n}"} if n % 3 == 0 else {})} for n in range(12)))
    found += batch(*({"data": {"n": n}} for n in range(12, 37)))
    found += [publish(data={"n": 37})["id"], publish(data={"n": 38}, id="alone")["id"]]
    assert [shown(event_id)["data"]["n"] for event_id in found] == list(range(39))
    assert walked(limit=7) == found[::-1]


def test_events_of_the_bus_are_found_and_listed(outbox: Outbox) -> None:
    tenants.add("acme")
    for number, time in enumerate((iso_millis(now_ms() - 3_600_000), "soon")):
        body = {"id": f"e{number}", "time": time, "detail-type": "a.b", "detail": {"tenant": "acme", "data": {}}}
        for _ in range(2):
            assert work("receive_events", record(json.dumps(body))) == []
    late, early = ids(listed())
    assert made_at(late) - made_at(early) >= 3_600_000
    assert [shown(early)["event"], shown(late)["event"]] == ["a.b", "a.b"]


def test_what_is_no_event_of_the_tenant_is_not_found(outbox: Outbox) -> None:
    event_id = publish(tenant="globex", id="mine")["id"]
    for unknown in (event_id, new_id("evt", now_ms()), new_id("evt", 1), "mine", "evt_x", f"dlv_{event_id[4:]}"):
        answer = call("GET", f"/events/{unknown}")
        assert (answer.status, answer.error["code"]) == (404, "event_not_found")
    assert listed().data == []


def test_a_request_that_ended_before_it_stored_its_event_leaves_no_event(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: Any, **__: Any) -> Any:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(EventStore, "put_event", dies)
        assert call("POST", "/events", body={"event": "a", "data": {}, "id": "mine"}).status == 500
    [reference] = clients.dynamodb().scan(TableName="EventsTable")["Items"]
    assert call("GET", f"/events/{reference['sk']['S']}").status == 404
    assert listed().data == []

    event_id = publish("a", {}, id="mine")["id"]
    assert walked(limit=1) == [event_id]


def test_repeats_and_conflicts_are_no_further_events(outbox: Outbox) -> None:
    first = publish(id="mine")["id"]
    assert publish(id="mine")["id"] == first
    assert call("POST", "/events", body={"event": "other", "data": {}, "id": "mine"}).status == 409
    again = batch({"id": "a"}, {"id": "a"}, {"id": "a", "data": {"n": 2}}, {})
    assert walked() == walked(limit=1) == [again[3], again[0], first]


# --- lists ------------------------------------------------------------------------------------------------------------


def test_filters(outbox: Outbox) -> None:
    first = publish("a.b")["id"]
    second = batch({"event": "c"}, {"event": "a.b"}, {"event": "a.b", "id": "x"}, {"event": "c"})
    assert walked(event="a.b", limit=1) == [second[2], second[1], first]
    assert walked(event="nothing") == []
    at = iso_millis(made_at(first))
    assert walked(toDate=at) == [first]
    assert walked(fromDate=iso_millis(made_at(first) + 1)) == second[::-1]
    assert walked(fromDate=at, toDate=at, event="a.b") == [first]
    assert walked(fromDate=iso_millis(now_ms() + 1000), toDate=at) == []
    assert call("GET", "/events?fromDate=soon").status == 422
    cursor = listed(limit=1).body["pagination"]["nextCursor"]
    for query in (f"cursor={cursor}&event=c", f"cursor={cursor}x"):
        assert call("GET", f"/events?{query}").error["code"] == "invalid_cursor"
    assert call("GET", f"/events?cursor={cursor}", tenant="globex").error["code"] == "invalid_cursor"


def test_events_are_shown_for_as_long_as_deliveries_are_kept(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    event_id = publish()["id"]
    for after, status in ((29, 200), (30, 404)):
        monkeypatch.setattr(event_history, "now_ms", lambda after=after: now_ms() + after * 86_400_000 + 1000)
        assert call("GET", f"/events/{event_id}").status == status
        assert len(listed().data) == (status == 200)


def test_a_page_counts_at_most_1000_deliveries(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_history, "MAX_READ", 5)
    for _ in range(2):
        subscribe("https://hooks.example.com/")
    found = batch(*[{}] * 5)
    assert len(listed(limit=5).data) == 2
    assert walked(limit=5) == found[::-1]
    monkeypatch.setattr(event_history, "MAX_READ", 1)
    assert walked(limit=5) == found[::-1]


def test_a_page_reads_at_most_1000_items(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [publish("a" if n == 0 else "b")["id"] for n in range(40)]
    monkeypatch.setattr(event_lists, "MAX_READ", 32)
    first = listed(event="a", limit=1)
    assert (first.data, first.body["pagination"]["hasMore"]) == ([], True)
    assert walked(event="a", limit=1) == [found[0]]
    assert walked(limit=100) == found[::-1]


_BATCHES = st.lists(st.lists(st.sampled_from(["own", "named", "repeated"]), min_size=1, max_size=25), max_size=8)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=_BATCHES, limits=st.lists(st.integers(2, 30), min_size=1, max_size=5), data=st.data())
def test_pages_are_complete_and_repeat_nothing_while_others_publish(
    aws: dict[str, Any], batches: list[list[str]], limits: list[int], data: st.DataObject
) -> None:
    tenant = new_id("tok", now_ms()).replace("_", "")
    clock = iter(range(1_700_000_000_000, 1_800_000_000_000))
    published: list[str] = []

    def store(kinds: list[str], now: int) -> None:
        names = {"own": None, "repeated": "again"}
        events = [
            Event(tenant, id_, "a.b", "t", "{}", external_id=names.get(kind, id_))
            for kind, id_ in zip(kinds, new_ids("evt", now, len(kinds)), strict=True)
        ]
        EventStore(tenant).put_events(events, now)
        kept = {EventStore(tenant).put_event(event, "00", now).id for event in events if event.external_id}
        published.extend(event.id for event in events if not event.external_id or event.id in kept)

    for kinds in batches:
        store(kinds, next(clock))
    before = published[::-1]
    found: list[str] = []
    position: str | None = None
    for number in range(10_000):
        now = next(clock)
        page, position = EventLists(tenant).page(
            EventFilter(), limit=limits[number % len(limits)], position=position, now=now
        )
        found += [event.id for event in page]
        if position is None:
            break
        if data.draw(st.booleans()):
            store(["own", "named"], now)

    assert found == before
