"""An event published by itself that goes to one webhook is kept in its message until the dispatcher keeps it, with the
others of its batch; it is found, sent again and recovered like any other."""

import json
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobsprint.core import aws as clients
from jobsprint.core.ids import new_id
from jobsprint.delivery import queue, schema_check
from jobsprint.delivery.publisher import MOST_CARRIED
from jobsprint.domain.events import Event
from jobsprint.repositories.events import EventStore
from jobsprint.repositories.replay_candidates import Recoverable
from tests.support.call import call
from tests.support.deliveries import Outbox, deliveries, dispatch, publish, record, subscribe, work
from tests.support.receiver import Receiver, Reply


@pytest.fixture
def outbox(outbox: Outbox, calm: None) -> Outbox:
    return outbox


def kept(tenant: str = "acme") -> list[str]:
    """Sort keys of the items that hold a tenant's events."""
    items = clients.dynamodb().scan(TableName="EventsTable")["Items"]
    shards = {f"{tenant}#{shard}" for shard in range(16)}
    return [item["sk"]["S"] for item in items if item["pk"]["S"] in shards]


def published(outbox: Outbox, count: int, **fields: Any) -> list[dict[str, Any]]:
    """The messages of events that were published one by one."""
    for n in range(count):
        publish(data={"n": n}, **fields)
    return [message.json for message in outbox.take()]


def recovered(outbox: Outbox, webhook: str, **wanted: Any) -> Counter[str]:
    """Ids of the events that a recovery of what is missing sends, and how often."""
    body = {"since": (datetime.now(UTC) - timedelta(minutes=5)).isoformat(), "states": ["missing"], **wanted}
    assert call("POST", f"/integrations/webhooks/{webhook}/recover", body=body).status == 202
    while steps := outbox.take("RecoveryQueue"):
        assert work("recover_deliveries", *(record(step.body) for step in steps)) == []
    return Counter(message.json["eventId"] for message in outbox.take())


def test_ten_events_are_kept_by_one_write_before_they_are_sent(outbox: Outbox, endpoint: Receiver) -> None:
    webhook = subscribe(endpoint.url)["id"]
    at_arrival: list[int] = []
    endpoint.answer = lambda _: (at_arrival.append(len(kept())), Reply(200))[1]
    messages = published(outbox, 10)
    assert kept() == []
    assert not any("eventKey" in message for message in messages)
    assert dispatch(*(record(json.dumps(message)) for message in messages)) == []
    [item] = kept()
    assert item.startswith("kept_")
    assert at_arrival == [1] * 10
    for message in messages:
        shown = call("GET", f"/integrations/webhooks/{webhook}/deliveries/{message['deliveryId']}").data
        assert (shown["state"], shown["data"]) == ("delivered", json.loads(message["data"]))


def test_events_of_two_tenants_are_kept_apart(outbox: Outbox, endpoint: Receiver) -> None:
    subscribe(endpoint.url)
    subscribe(endpoint.url, tenant="other")
    messages = published(outbox, 2) + published(outbox, 3, tenant="other")
    assert dispatch(*(record(json.dumps(message)) for message in messages)) == []
    assert (len(kept("acme")), len(kept("other"))) == (1, 1)
    assert len(endpoint.received) == 5


@pytest.mark.parametrize(
    ("webhooks", "fields"),
    [
        ([], {}),
        ([{}, {}], {}),
        ([{}], {"id": "mine"}),
        ([{}], {"data": {"text": "x" * MOST_CARRIED}}),
        ([{"retrySchedule": [60, 5]}], {}),
    ],
    ids=["no webhook", "two webhooks", "an id of the caller's", "long data", "a wait before the first attempt"],
)
def test_what_is_kept_at_once(
    outbox: Outbox, endpoint: Receiver, webhooks: list[dict[str, Any]], fields: dict[str, Any]
) -> None:
    for webhook in webhooks:
        subscribe(endpoint.url, **webhook)
    publish(**fields)
    assert len(kept()) == 1
    assert all("eventKey" in message.json for message in outbox.take())


def test_an_event_that_breaks_its_type_is_kept_at_once_with_its_warnings(outbox: Outbox, endpoint: Receiver) -> None:
    subscribe(endpoint.url)
    schema = {"type": "object", "required": ["total"]}
    body = {"name": "order.paid", "schema": schema, "mode": "warn"}
    assert call("PUT", "/event-types", body=body).status == 201
    schema_check.forget()
    assert publish("order.paid")["warnings"]
    assert len(kept()) == 1


def test_what_cannot_be_kept_is_not_sent_and_comes_back(
    outbox: Outbox, endpoint: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(endpoint.url)
    subscribe(endpoint.url, tenant="other")
    [ours], [theirs] = published(outbox, 1), published(outbox, 1, tenant="other")
    real = EventStore.keep_later

    def failing(self: EventStore, events: Any, now: int) -> Any:
        if self._tenant == "acme":
            raise ClientError({"Error": {"Code": "InternalServerError", "Message": "no"}}, "PutItem")
        return real(self, events, now)

    with monkeypatch.context() as patch:
        patch.setattr(EventStore, "keep_later", failing)
        assert dispatch(record(json.dumps(ours), "ours"), record(json.dumps(theirs))) == ["ours"]
    assert [request.headers["webhook-id"] for request in endpoint.received] == [theirs["eventId"]]
    assert dispatch(record(json.dumps(ours), "ours", received=2)) == []
    assert [request.headers["webhook-id"] for request in endpoint.received] == [theirs["eventId"], ours["eventId"]]


def test_a_message_that_alone_keeps_its_event_holds_all_of_it(
    outbox: Outbox, endpoint: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it gets: beyond the BMP a character of the data takes twelve in the message."""
    monkeypatch.setattr(queue, "MAX_INLINE_BYTES", 40_000)
    subscribe(endpoint.url)
    data = {"text": "\U0001f600" * (MOST_CARRIED - 20)}
    publish(data=data)
    [message] = outbox.take()
    assert "eventKey" not in message.json
    assert dispatch(record(message.body)) == []
    assert [request.json["data"] for request in endpoint.received] == [data]


def test_a_message_that_keeps_nothing_comes_back(outbox: Outbox, endpoint: Receiver) -> None:
    subscribe(endpoint.url)
    [message] = published(outbox, 1)
    del message["data"]
    assert dispatch(record(json.dumps(message), "broken")) == ["broken"]
    assert not endpoint.received


def test_a_message_handed_out_again_is_sent_once(outbox: Outbox, endpoint: Receiver) -> None:
    webhook = subscribe(endpoint.url)["id"]
    [message] = published(outbox, 1)
    for received in (1, 2):
        assert dispatch(record(json.dumps(message), "m", received)) == []
    assert len(endpoint.received) == 1
    [delivery] = deliveries(webhook)
    assert [attempt["attempt"] for attempt in delivery["attempts"]] == [1]


def test_the_next_message_of_a_kept_event_has_its_key(outbox: Outbox, endpoint: Receiver) -> None:
    subscribe(endpoint.url)
    endpoint.answer = lambda _: Reply(500)
    [message] = published(outbox, 1)
    assert dispatch(record(json.dumps(message))) == []
    [retry] = outbox.take()
    assert retry.json["eventKey"].partition("#")[2].startswith("kept_")
    assert len(kept()) == 1


def test_it_is_sent_again_by_hand(outbox: Outbox, endpoint: Receiver) -> None:
    webhook = subscribe(endpoint.url)["id"]
    first, second = published(outbox, 2)
    assert dispatch(record(json.dumps(first)), record(json.dumps(second))) == []
    path = f"/integrations/webhooks/{webhook}/deliveries/{second['deliveryId']}/resend"
    assert call("POST", path).status == 202
    [again] = outbox.take()
    assert dispatch(record(again.body)) == []
    assert Counter(request.headers["webhook-id"] for request in endpoint.received) == {
        first["eventId"]: 1,
        second["eventId"]: 2,
    }
    assert endpoint.received[-1].json["data"] == {"n": 1}


def test_a_webhook_made_later_recovers_them_in_the_middle_of_an_item(outbox: Outbox, endpoint: Receiver) -> None:
    subscribe(endpoint.url, "order.*")
    messages = published(outbox, 27, event="order.paid")
    for batch in (messages[:9], messages[9:18], messages[18:]):
        assert dispatch(*(record(json.dumps(message)) for message in batch)) == []
    assert len(kept()) == 3
    later = subscribe(endpoint.url)["id"]
    found = recovered(outbox, later, perSecond=1)
    assert found == Counter(message["eventId"] for message in messages)


def test_an_event_that_stands_in_two_items_is_recovered_once(outbox: Outbox, endpoint: Receiver) -> None:
    subscribe(endpoint.url, "order.*")
    messages = published(outbox, 3, event="order.paid")
    for received, batch in ((1, messages[:2]), (2, messages)):
        assert dispatch(*(record(json.dumps(message), message["eventId"], received) for message in batch)) == []
    assert len(kept()) == 2
    later = subscribe(endpoint.url)["id"]
    assert recovered(outbox, later) == {message["eventId"]: 1 for message in messages}


def test_a_recovery_takes_them_by_the_time_of_publishing(outbox: Outbox, endpoint: Receiver) -> None:
    subscribe(endpoint.url, "order.*")
    early = published(outbox, 3, event="order.paid")
    time.sleep(0.01)
    between = datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds")
    time.sleep(0.01)
    late = published(outbox, 3, event="order.paid")
    assert dispatch(*(record(json.dumps(message)) for message in early + late)) == []
    webhook = subscribe(endpoint.url)["id"]
    assert recovered(outbox, webhook, until=between) == Counter(message["eventId"] for message in early)
    assert recovered(outbox, webhook, since=between) == Counter(message["eventId"] for message in late)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.integers(1, 10), min_size=1, max_size=12), page=st.integers(1, 30), limit=st.integers(1, 5))
def test_reading_on_from_any_event_leaves_none_out_and_none_twice(
    aws: dict[str, Any], sizes: list[int], page: int, limit: int
) -> None:
    """However many are taken from each answer, as a recovery does that goes on behind the last it took."""
    tenant = new_id("t", 1).replace("_", "-")
    now = 1_800_000_000_000
    ids: list[str] = []
    for number, size in enumerate(sizes):
        events = [Event(tenant, new_id("evt", now - 5_000), "a.b", "t", "{}") for _ in range(size)]
        ids += [event.id for event in EventStore(tenant).keep_later(events, now + number)]
    found: list[str] = []
    after: str | None = ""
    while after is not None:
        events_now, until = Recoverable(tenant).kept_later(
            since=now, after=after, limit=limit, with_data=False, now=now + 60_000
        )
        found += [one.event.id for one in events_now[:page]]
        after = events_now[page - 1].sort if len(events_now) > page else until
    assert sorted(found) == sorted(ids)
    assert len(set(found)) == len(ids)
