"""Events of one batch are packed into items: fewer writes, and each is still found, resent and replayed by itself."""

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobsprint.core import aws as clients
from jobsprint.core.ids import new_ids
from jobsprint.domain.events import Event
from jobsprint.repositories import events
from jobsprint.repositories.events import EventStore, event_key, item_key
from jobsprint.repositories.replay_candidates import ReplayCandidates
from tests.support.call import call
from tests.support.deliveries import Outbox, dispatch, record, subscribe, work
from tests.support.receiver import Receiver


@pytest.fixture
def outbox(outbox: Outbox, calm: None) -> Outbox:
    return outbox


def rows() -> list[dict[str, Any]]:
    return [dict(item) for item in clients.dynamodb().scan(TableName="EventsTable")["Items"]]


def publish_all(*drafts: dict[str, Any]) -> list[dict[str, Any]]:
    answer = call("POST", "/events", body={"events": [{"event": "order.paid", **draft} for draft in drafts]})
    assert answer.status == 202, answer.body
    found: list[dict[str, Any]] = answer.data
    return found


def numbered(count: int) -> list[dict[str, Any]]:
    return [{"data": {"n": n}} for n in range(count)]


def test_a_batch_is_one_item_whose_key_is_the_last_id(outbox: Outbox) -> None:
    ids = [answer["id"] for answer in publish_all(*numbered(25))]
    [row] = rows()
    assert row["sk"]["S"] == ids[-1]
    assert ids == sorted(ids)


def test_events_with_an_id_of_the_callers_are_stored_alone_and_the_answers_keep_their_order(outbox: Outbox) -> None:
    named = {"id": "mine", "data": {"n": 1}}
    answers = publish_all({"data": {"n": 0}}, named, {"data": {"n": 2}}, named, {**named, "data": {"n": 4}})
    assert len(rows()) == 2
    assert answers[1]["id"] == answers[3]["id"]
    assert answers[4]["error"]["code"] == "event_id_reused"
    assert len({answer["id"] for answer in answers[:4]}) == 3


def test_long_data_is_spread_over_items(outbox: Outbox) -> None:
    text = "x" * (events.MAX_PACKED // 2 - 100)
    ids = [answer["id"] for answer in publish_all(*({"data": {"n": n, "text": text}} for n in range(5)))]
    assert {row["sk"]["S"] for row in rows()} == {ids[1], ids[3], ids[4]}


def test_each_delivery_shows_the_data_of_its_own_event(outbox: Outbox, endpoint: Receiver) -> None:
    webhook = subscribe(endpoint.url)["id"]
    ids = [answer["id"] for answer in publish_all(*numbered(7))]
    messages = outbox.take()
    assert dispatch(*(record(message.body) for message in messages)) == []
    path = f"/integrations/webhooks/{webhook}/deliveries/"
    shown = {message.json["eventId"]: call("GET", path + message.json["deliveryId"]).data for message in messages}
    assert {id_: found["data"] for id_, found in shown.items()} == {id_: {"n": n} for n, id_ in enumerate(ids)}


def test_a_message_without_data_is_sent_with_that_of_its_event(outbox: Outbox, endpoint: Receiver) -> None:
    subscribe(endpoint.url)
    publish_all(*numbered(3))
    bodies = [{name: value for name, value in message.json.items() if name != "data"} for message in outbox.take()]
    assert dispatch(*(record(json.dumps(body)) for body in bodies)) == []
    assert sorted(request.json["data"]["n"] for request in endpoint.received) == [0, 1, 2]


def test_a_replay_goes_on_in_the_middle_of_an_item(outbox: Outbox, endpoint: Receiver) -> None:
    ids = [answer["id"] for _ in range(3) for answer in publish_all(*numbered(25))]
    webhook = subscribe(endpoint.url)["id"]
    path = f"/integrations/webhooks/{webhook}/recover"
    since = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
    assert call("POST", path, body={"since": since, "states": ["missing"], "perSecond": 1}).status == 202
    while steps := outbox.take("RecoveryQueue"):
        assert work("recover_deliveries", *(record(step.body) for step in steps)) == []
    assert Counter(message.json["eventId"] for message in outbox.take()) == Counter(ids)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.text(max_size=40), min_size=2, max_size=30), most=st.integers(0, 80))
def test_packed_events_are_read_as_they_were_stored(aws: dict[str, Any], texts: list[str], most: int) -> None:
    ids = new_ids("evt", 1_700_000_000_000, len(texts))
    published = [Event("acme", id_, "a.b", "t", text) for id_, text in zip(ids, texts, strict=True)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(events, "MAX_PACKED", most)
        stored = EventStore("acme").put_events(published, 1_700_000_000_000)
    assert [replace(event, packed_key=None) for event in stored] == published
    keys = {event_key(event): event for event in stored}
    assert len(keys) == len(stored)
    found = ReplayCandidates("acme").stored(keys, 1_700_000_000_000)
    assert {key: one.event for key, one in found.items()} == keys
    sizes = Counter[str]()
    for event in stored:
        sizes[item_key("acme", event_key(event))["sk"]] += len(event.data)
    counts = Counter(item_key("acme", event_key(event))["sk"] for event in stored)
    assert all(counts[sk] == 1 or size <= most for sk, size in sizes.items())


def test_storing_an_event_again_is_no_conflict(aws: dict[str, Any]) -> None:
    [id_] = new_ids("evt", 1_700_000_000_000, 1)
    event = Event("acme", id_, "a.b", "t", "{}")
    assert EventStore("acme").put_event(event, "", 1) == EventStore("acme").put_event(event, "", 1) == event
