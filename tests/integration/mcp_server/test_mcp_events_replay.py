"""MCP Events from a cursor on: polling, and what a subscription is sent of the events before it."""

from typing import Any

import pytest

from jobsprint.core.clock import now_ms
from jobsprint.core.config import settings
from jobsprint.core.ids import is_id
from jobsprint.delivery import event_cursors
from tests.support.call import call
from tests.support.deliveries import Outbox, deliveries, dispatch, publish, record
from tests.support.mcp_events import ORDER, ask, describe, error, events_of, new_secret, subscribed, verified
from tests.support.mcp_messages import result, token
from tests.support.receiver import Receiver

pytestmark = pytest.mark.usefixtures("aws")
DAY = 86_400_000


@pytest.fixture
def agent() -> str:
    """A token for events alone, of a tenant that has described one."""
    describe()
    return token("acme", "mcp:events")


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Polls show events at once."""
    monkeypatch.setattr(event_cursors, "SETTLE_MS", 0)


def poll(caller: str, cursor: str | None = None, **more: Any) -> dict[str, Any]:
    """The answer to a poll for orders."""
    return result(ask("poll", caller, **{"name": ORDER, "arguments": {}, "cursor": cursor, **more}))


def pay(**data: Any) -> str:
    """Publish an event; its id."""
    event: str = publish(ORDER, data or {"orderId": "o1"})["id"]
    return event


def ids(batch: dict[str, Any]) -> list[str]:
    return [event["eventId"] for event in batch["events"]]


@pytest.mark.usefixtures("settled")
def test_polls_give_each_event_once_and_in_order(agent: str) -> None:
    pay()
    start = poll(agent)
    assert (start["events"], start["hasMore"], start["truncated"]) == ([], False, False)
    published = [pay(orderId=f"o{number}") for number in range(5)]
    publish("order.sent")
    first = poll(agent, start["cursor"], maxEvents=3)
    second = poll(agent, first["cursor"])
    assert (ids(first), first["hasMore"]) == (published[:3], True)
    assert (ids(second), second["hasMore"]) == (published[3:], False)
    assert ids(poll(agent, second["cursor"])) == []
    assert list(first["events"][0]) == ["eventId", "name", "timestamp", "data", "cursor"]
    assert first["events"][0]["data"] == {"orderId": "o0"}
    assert (first["nextPollMs"], second["nextPollMs"]) == (0, 10_000)
    assert ids(poll(agent, published[3])) == published[4:]


@pytest.mark.usefixtures("settled")
def test_polls_take_arguments(agent: str) -> None:
    start = poll(agent)["cursor"]
    pay(orderId="o1", amount=1)
    wanted = pay(orderId="o1", amount=2)
    pay(orderId="o2", amount=2)
    asked = {"orderId": "o1", "where": {"data": {"amount": [{"numeric": [">", 1]}]}}}
    assert ids(poll(agent, start, arguments=asked)) == [wanted]
    assert error(ask("poll", agent, name=ORDER, arguments={"other": 1}))["code"] == -32602
    assert error(ask("poll", agent, name="order.lost"))["code"] == -32011
    for wrong in ({"cursor": "x"}, {"maxEvents": 0}, {"maxAgeMs": -1}):
        assert error(ask("poll", agent, **{"name": ORDER, **wrong}))["code"] == -32602


@pytest.mark.usefixtures("settled")
def test_events_of_a_batch_and_with_ids_of_the_callers_own_come_too(agent: str) -> None:
    start = poll(agent)["cursor"]
    batch = [{"event": ORDER, "data": {"orderId": f"o{number}"}} for number in range(10)]
    batch[4]["id"] = "mine-4"
    assert call("POST", "/events", body={"events": batch}).status in (200, 202)
    own = publish(ORDER, {"orderId": "own"}, id="mine")["id"]
    polled = poll(agent, start)
    assert [event["data"]["orderId"] for event in polled["events"]] == [f"o{number}" for number in range(10)] + ["own"]
    assert ids(polled)[-1] == own


@pytest.mark.usefixtures("settled")
def test_polls_get_through_more_events_than_one_reads(agent: str) -> None:
    start = poll(agent)["cursor"]
    for first in range(0, 250, 25):
        batch = [{"event": ORDER, "data": {"orderId": str(first + number)}} for number in range(25)]
        call("POST", "/events", body={"events": batch})
    got: list[str] = []
    cursor, more = start, True
    while more:
        page = poll(agent, cursor)
        got += [event["data"]["orderId"] for event in page["events"]]
        cursor, more = page["cursor"], page["hasMore"]
    assert got == [str(number) for number in range(250)]


@pytest.mark.usefixtures("settled")
def test_a_poll_stays_within_what_an_answer_may_have(agent: str) -> None:
    start = poll(agent)["cursor"]
    published = [pay(orderId="x" * (event_cursors.MAX_BATCH_BYTES // 11)) for _ in range(12)]
    first = poll(agent, start)
    second = poll(agent, first["cursor"])
    assert (len(first["events"]), first["hasMore"]) == (10, True)
    assert ids(first) + ids(second) == published


def test_a_poll_waits_until_no_earlier_event_can_come(agent: str) -> None:
    start = poll(agent)["cursor"]
    event = pay()
    early = poll(agent, start)
    assert (ids(early), early["cursor"]) == ([], start)
    later = event_cursors.poll(
        "acme", event_cursors.Start(start), ORDER, None, limit=10, now=now_ms() + event_cursors.SETTLE_MS
    )
    assert [found.id for found in later.events] == [event]


@pytest.mark.usefixtures("settled")
def test_a_cursor_from_before_what_is_kept_says_so(agent: str) -> None:
    now = now_ms()
    old = event_cursors.at(now - (settings().log_retention_days + 1) * DAY)
    event = pay()
    assert (ids(poll(agent, old)), poll(agent, old)["truncated"]) == ([event], True)
    recent = event_cursors.at(now - DAY)
    assert poll(agent, recent)["truncated"] is False
    limited = poll(agent, recent, maxAgeMs=3_600_000)
    assert (ids(limited), limited["truncated"]) == ([event], True)


@pytest.mark.usefixtures("settled")
def test_a_poll_sees_no_other_tenants_events(agent: str) -> None:
    start = poll(agent)["cursor"]
    mine = pay()
    describe(tenant="globex")
    theirs = token("globex", "mcp:events")
    for cursor in (start, mine, event_cursors.at(now_ms() - DAY)):
        assert ids(poll(theirs, cursor)) == []


def test_a_subscription_with_a_cursor_is_sent_what_was_kept(agent: str, endpoint: Receiver, outbox: Outbox) -> None:
    before, *after = [pay(orderId=f"o{number}") for number in range(4)]
    outbox.take()
    secret = new_secret()
    wanted = {"where": {"data": {"orderId": [{"anything-but": "o2"}]}}}
    granted = subscribed(endpoint, agent, secret, cursor=before, arguments=wanted)
    assert granted["truncated"] is False
    assert is_id(granted["cursor"], "evt")
    dispatch(*(record(sent.body) for sent in outbox.take() if not sent.is_expiry_check))
    got = [verified(request, secret)["eventId"] for request in events_of(endpoint)]
    assert sorted(got) == [after[0], after[2]]
    # A refresh from the same cursor sends none of them again.
    subscribed(endpoint, agent, secret, cursor=before, arguments=wanted)
    dispatch(*(record(sent.body) for sent in outbox.take() if not sent.is_expiry_check))
    assert len(events_of(endpoint)) == 2
    assert {delivery["state"] for delivery in deliveries(granted["id"])} == {"delivered"}


def test_without_a_cursor_nothing_from_before_comes(agent: str, endpoint: Receiver, outbox: Outbox) -> None:
    pay()
    outbox.take()
    subscribed(endpoint, agent, new_secret())
    assert [sent for sent in outbox.take() if not sent.is_expiry_check] == []


def test_more_than_is_sent_again_says_so(
    agent: str, endpoint: Receiver, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_cursors, "MAX_REPLAYED", 2)
    start = event_cursors.at(now_ms() - DAY)
    published = [pay(orderId=str(number)) for number in range(3)]
    outbox.take()
    granted = subscribed(endpoint, agent, new_secret(), cursor=start)
    assert granted["truncated"] is True
    assert [sent.json["eventId"] for sent in outbox.take() if not sent.is_expiry_check] == published[1:]
