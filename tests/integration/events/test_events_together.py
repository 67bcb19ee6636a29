"""Events of one publish are kept together: fewer writes, and each is still found, resent and recovered by itself."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobsprint.core import aws as clients
from jobsprint.core.ids import new_ids
from jobsprint.domain.events import Event
from jobsprint.repositories import events
from jobsprint.repositories.events import EventStore, event_key, events_of, item_key
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


def test_those_that_the_caller_named_stand_alone_and_the_answers_keep_their_order(outbox: Outbox) -> None:
    named = {"id": "mine", "data": {"n": 1}}
    answers = publish_all({"data": {"n": 0}}, named, {"data": {"n": 2}}, named, {**named, "data": {"n": 4}})
    assert len(rows()) == 2
    assert answers[1]["id"] == answers[3]["id"]
    assert answers[4]["error"]["code"] == "event_id_reused"
    assert len({answer["id"] for answer in answers[:4]}) == 3


def test_long_data_is_spread_over_items(outbox: Outbox) -> None:
    text = "x" * (events.MOST_TOGETHER // 2 - 100)
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


def test_a_recovery_goes_on_in_the_middle_of_an_item(outbox: Outbox, endpoint: Receiver) -> None:
    ids = [answer["id"] for _ in range(3) for answer in publish_all(*numbered(25))]
    webhook = subscribe(endpoint.url)["id"]
    path = f"/integrations/webhooks/{webhook}/recover"
    since = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
    assert call("POST", path, body={"since": since, "states": ["missing"], "perSecond": 1}).status == 202
    while steps := outbox.take("RecoveryQueue"):
        assert work("recover_deliveries", *(record(step.body) for step in steps)) == []
    assert Counter(message.json["eventId"] for message in outbox.take()) == Counter(ids)


@pytest.mark.parametrize("kept_as", [lambda group: group[-1].id, lambda group: f"ext#of/{group[0].id}"])
@given(texts=st.lists(st.text(max_size=40), min_size=2, max_size=30), most=st.integers(0, 80))
def test_what_is_kept_together_comes_apart_again(kept_as: Any, texts: list[str], most: int) -> None:
    ids = new_ids("evt", 1_700_000_000_000, len(texts))
    given_events = [Event("acme", id_, "a.b", "t", text) for id_, text in zip(ids, texts, strict=True)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(events, "MOST_TOGETHER", most)
        groups = list(events._groups(given_events))
    assert [event for group in groups for event in group] == given_events
    for group in groups:
        assert len(group) == 1 or sum(len(event.data) for event in group) <= most
        placed = events._placed(group, kept_as(group))
        key = item_key("acme", event_key(placed[0]))
        assert {tuple(item_key("acme", event_key(event)).items()) for event in placed} == {tuple(key.items())}
        found = events_of("acme", {**key, "together": events._together(placed)})
        assert found == [(event_key(event), event) for event in placed]


def test_an_answer_that_was_lost_is_no_conflict(aws: dict[str, Any]) -> None:
    [id_] = new_ids("evt", 1_700_000_000_000, 1)
    event = Event("acme", id_, "a.b", "t", "{}")
    assert EventStore("acme").keep(event, "", 1) == EventStore("acme").keep(event, "", 1) == event


def test_a_row_of_before_still_answers_for_its_id(outbox: Outbox, endpoint: Receiver) -> None:
    """Before data was compressed, a row told its fingerprint as text and named both ids."""
    subscribe(endpoint.url)
    draft = {"id": "mine", "event": "order.paid", "data": {"n": 1, "text": "x" * 300}}
    first = call("POST", "/events", body=draft)
    [row], [message] = rows(), outbox.take()
    kept = {"id": first.data["id"], "externalId": "mine", "data": message.json["data"]}
    kept["fingerprint"] = row["fingerprint"]["B"].hex()
    before = {name: {"S": value} for name, value in kept.items()}
    clients.dynamodb().put_item(TableName="EventsTable", Item={**row, **before})
    again = call("POST", "/events", body=draft)
    assert (again.status, again.data) == (202, first.data)
    assert [message.json["data"] for message in outbox.take()] == [kept["data"]]
    assert call("POST", "/events", body={**draft, "data": {"n": 2}}).status == 409
