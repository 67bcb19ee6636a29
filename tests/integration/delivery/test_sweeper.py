"""The sweeper, as the schedule calls it: what is due goes into the queue, once, in time, and never in a flood."""

import json
import time
from collections import Counter
from typing import Any

import pytest
from botocore.exceptions import ClientError

from jobsprint.core import aws as clients
from jobsprint.delivery import dispatcher as dispatching
from jobsprint.delivery import queue, sweeper
from jobsprint.domain.deliveries import LEASE_MS, REENQUEUE_DELAY_MS, Lease
from jobsprint.repositories import delivery_items
from jobsprint.repositories.deliveries import DeliveryStore
from jobsprint.repositories.delivery_items import DUE_SHARDS
from jobsprint.repositories.due_index import DueShard
from tests.support.call import Context, handler
from tests.support.deliveries import Outbox, Sent, deliveries, dispatch, due, publish, record, subscribe
from tests.support.receiver import Receiver, Reply
from tests.support.template import functions, resources

HOUR_MS = 3_600_000
MINUTE_MS = 60_000


@pytest.fixture
def receiver(receiver: Receiver) -> Receiver:
    receiver.answer = lambda _: Reply(500)
    return receiver


@pytest.fixture
def webhook(outbox: Outbox, receiver: Receiver) -> str:
    return str(subscribe(receiver.url, retrySchedule=[0, 3600, 5, 3600])["id"])


def waiting(outbox: Outbox, number: int = 1) -> int:
    """Makes deliveries whose second attempt is an hour away; when (ms) the first of them is due."""
    for n in range(number):
        publish(data={"n": n})
    assert dispatch(*(record(message.body) for message in outbox.take())) == []
    assert outbox.take() == []
    return first_due()


def first_due() -> int:
    items = clients.dynamodb().scan(TableName="EventsTable", IndexName="byDue")["Items"]
    return min(int(item["dueAt"]["N"]) for item in items)


def swept(outbox: Outbox, at: int) -> list[Sent]:
    """What a run at `at` (ms) puts into the queue."""
    sweeper.sweep(lambda: at)
    return outbox.take()


def calls() -> Counter[str]:
    """Counts the calls to AWS from now on."""
    counted: Counter[str] = Counter()

    def count(event_name: str, **_: Any) -> None:
        counted[event_name.rpartition(".")[2]] += 1

    for client in (clients.dynamodb(), clients.sqs()):
        client.meta.events.register("before-call", count, unique_id="counting")
    return counted


def test_nothing_due_costs_one_read_per_shard(outbox: Outbox, webhook: str) -> None:
    at = waiting(outbox) - 3 * MINUTE_MS
    counted = calls()
    assert handler("sweep_deliveries")({}, Context()) == {"enqueued": 0, "held": 0}
    assert swept(outbox, at) == []
    assert counted == {"Query": 2 * DUE_SHARDS}


def test_what_is_due_soon_comes_to_the_second_and_once(outbox: Outbox, receiver: Receiver, webhook: str) -> None:
    due_at = waiting(outbox)
    [message] = swept(outbox, due_at - 90_500)
    assert (message.delay, message.group) == (91, "acme")
    assert message.json["notBefore"] == due_at
    assert message.json["attempt"] == 2
    assert "data" not in message.json
    for minutes in range(1, 4):
        assert swept(outbox, due_at - 90_500 + minutes * MINUTE_MS) == []

    receiver.answer = lambda _: Reply(200)
    assert dispatching.dispatch([record(message.body)], clock=lambda: due_at) == []
    [delivery] = deliveries(webhook)
    assert (delivery["state"], len(delivery["attempts"])) == ("delivered", 2)
    assert receiver.received[0].body == receiver.received[1].body
    assert clients.dynamodb().scan(TableName="EventsTable", IndexName="byDue")["Items"] == []


def test_many_go_in_batches_of_ten_page_by_page(outbox: Outbox, webhook: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery_items, "DUE_SHARDS", 1)
    monkeypatch.setattr(sweeper, "PAGE", 20)
    waiting(outbox, 25)
    counted = calls()
    found = swept(outbox, first_due() + HOUR_MS)
    assert len({message.json["deliveryId"] for message in found}) == len(found) == 25
    assert counted["SendMessageBatch"] == 3
    assert counted["UpdateItem"] == 25


def test_a_backlog_is_not_amplified(outbox: Outbox, webhook: str) -> None:
    """Nobody works the queue for hours: each time the same attempt is enqueued, it gets twice the time."""
    due_at = waiting(outbox)
    times = [minute for minute in range(0, 160, 5) if swept(outbox, due_at + minute * MINUTE_MS)]
    assert times == [0, 5, 15, 35, 75, 155]


def test_what_was_enqueued_waits_while_the_queue_is_late(
    outbox: Outbox, webhook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    due_at = waiting(outbox, 2)
    visible = [sweeper.LATE_MESSAGES + 1]
    monkeypatch.setattr(queue, "visible", lambda: visible[0])
    assert len(swept(outbox, due_at + HOUR_MS)) == 2  # a first time always goes
    for hours in (2, 3):
        assert sweeper.sweep(lambda hours=hours: due_at + hours * HOUR_MS) == sweeper.Swept(enqueued=0, held=2)
    visible[0] = sweeper.LATE_MESSAGES
    assert sweeper.sweep(lambda: due_at + 4 * HOUR_MS) == sweeper.Swept(enqueued=2, held=0)


def test_how_late_the_queue_is_shows_in_its_backlog(outbox: Outbox, webhook: str) -> None:
    before = queue.visible()
    publish()
    assert queue.visible() == before + 1


def test_one_sweeper_at_a_time_for_each_shard(outbox: Outbox, webhook: str) -> None:
    due_at = waiting(outbox)
    at = due_at + HOUR_MS
    held = [DueShard(number, "another") for number in range(DUE_SHARDS)]
    assert all(shard.take(at, at + sweeper.LEASE_MS) for shard in held)
    assert swept(outbox, at) == []
    # The other one died: the next run follows.
    assert len(swept(outbox, at + MINUTE_MS)) == 1
    for shard in held:
        shard.give_back()  # too late, and harmless


def test_what_moved_since_it_was_read_stays_as_it_is(outbox: Outbox, webhook: str) -> None:
    due_at = waiting(outbox)
    shards = [DueShard(number, "me") for number in range(DUE_SHARDS)]
    [(shard, found)] = [(shard, page[0]) for shard in shards if (page := shard.page(due_at, 10)[0])]
    assert shard.postpone(found, due_at + 1) is True
    assert shard.postpone(found, due_at + 2) is False
    assert first_due() == due_at + 1


def test_a_run_ends_in_time_and_the_next_one_goes_on(
    outbox: Outbox, webhook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_items, "DUE_SHARDS", 1)
    waiting(outbox, 30)
    clock = [first_due() + HOUR_MS]
    real = queue.send_all

    def slow(*given: Any) -> None:
        clock[0] += sweeper.RUN_MS // 2 + 1
        real(*given)

    monkeypatch.setattr(queue, "send_all", slow)
    assert sweeper.sweep(lambda: clock[0]).enqueued == 20
    assert sweeper.sweep(lambda: clock[0]).enqueued == 10
    assert len({message.json["deliveryId"] for message in outbox.take()}) == 30


def test_a_shard_that_fails_delays_no_other_and_is_reported(
    outbox: Outbox, webhook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    due_at = waiting(outbox, 20)
    real, failing = DueShard.page, iter([True])

    def page(self: DueShard, *given: Any) -> Any:
        if next(failing, False):
            raise ClientError({"Error": {"Code": "InternalServerError", "Message": "no"}}, "Query")
        return real(self, *given)

    monkeypatch.setattr(DueShard, "page", page)
    with pytest.raises(sweeper.NotSwept, match="1 of 16"):
        sweeper.sweep(lambda: due_at + HOUR_MS)
    first = len(outbox.take())
    assert 0 < first <= 20
    assert first + len(swept(outbox, due_at + HOUR_MS + 1)) == 20


# --- what the queue has lost ---


def test_a_next_attempt_that_never_got_into_the_queue_is_found(outbox: Outbox, receiver: Receiver) -> None:
    webhook = subscribe(receiver.url, retrySchedule=[0, 60, 60])["id"]
    publish()
    [first] = outbox.take()
    outbox.refuse.append(ClientError({"Error": {"Code": "InternalServerError", "Message": "no"}}, "SendMessage"))
    assert dispatch(record(first.body, "dead-letter")) == ["dead-letter"]  # and it never comes back
    next_at = first_due() - REENQUEUE_DELAY_MS
    assert swept(outbox, next_at) == []
    [found] = swept(outbox, next_at + REENQUEUE_DELAY_MS)
    assert found.json["attempt"] == 2
    receiver.answer = lambda _: Reply(200)
    dispatching.dispatch([record(found.body)], clock=lambda: next_at + REENQUEUE_DELAY_MS)
    assert deliveries(webhook)[0]["state"] == "delivered"


def test_a_retry_whose_worker_and_message_are_lost_is_unknown_and_the_next_one_follows(
    outbox: Outbox, receiver: Receiver, webhook: str
) -> None:
    due_at = waiting(outbox)
    [message] = swept(outbox, due_at)
    taken, _ = DeliveryStore("acme").claim(queue.from_text(message.body), Lease("dead-letter", "x"), due_at)
    assert taken
    lost_at = due_at + LEASE_MS + REENQUEUE_DELAY_MS
    assert first_due() == lost_at
    [found] = swept(outbox, lost_at)
    assert found.json["attempt"] == 2
    assert dispatching.dispatch([record(found.body)], clock=lambda: lost_at) == []
    assert len(receiver.received) == 1
    [delivery] = deliveries(webhook)
    assert [attempt["status"] for attempt in delivery["attempts"]] == ["error", "unknown"]
    assert delivery["state"] == "retrying"
    [third] = outbox.take()
    assert third.json["attempt"] == 3
    receiver.answer = lambda _: Reply(200)
    dispatching.dispatch([record(due(third))], clock=lambda: lost_at + 6_000)
    assert deliveries(webhook)[0]["state"] == "delivered"


def test_a_retry_in_progress_is_left_alone(outbox: Outbox, webhook: str) -> None:
    due_at = waiting(outbox)
    [message] = swept(outbox, due_at)
    DeliveryStore("acme").claim(queue.from_text(message.body), Lease("m", "x"), due_at)
    assert swept(outbox, due_at + LEASE_MS) == []


# --- what the template says ---


def test_a_lease_outlives_its_function_and_not_the_rate() -> None:
    properties = functions()["sweep_deliveries"]
    schedule = properties["Events"]["Schedule"]["Properties"]["ScheduleExpression"]
    assert schedule == "rate(1 minute)"
    assert sweeper.RUN_MS < properties["Timeout"] * 1000 < sweeper.LEASE_MS < MINUTE_MS
    assert sweeper.LOOK_AHEAD_MS >= 2 * MINUTE_MS


def test_the_reenqueue_delay_is_longer_than_a_crashed_workers_message_is_hidden() -> None:
    hidden = resources("AWS::SQS::Queue")["DeliveryQueue"]["VisibilityTimeout"] * 1000
    assert hidden <= REENQUEUE_DELAY_MS - sweeper.LOOK_AHEAD_MS


def test_the_index_has_what_a_task_needs() -> None:
    [index] = [
        one
        for one in resources("AWS::DynamoDB::Table")["EventsTable"]["GlobalSecondaryIndexes"]
        if one["IndexName"] == "byDue"
    ]
    read = {"event", "eventId", "eventKey", "timestamp", "attempt", "base", "leaseToken", "sweeps"}
    assert set(index["Projection"]["NonKeyAttributes"]) == read


def test_a_sweeper_that_stops_raises_an_alarm() -> None:
    alarm = resources("AWS::CloudWatch::Alarm")["SweepDeliveriesStoppedAlarm"]
    assert (alarm["MetricName"], alarm["TreatMissingData"]) == ("Invocations", "breaching")


def test_a_task_of_the_sweeper_is_small(outbox: Outbox, webhook: str) -> None:
    [message] = swept(outbox, waiting(outbox))
    assert len(json.dumps(message.json)) < 1024
    assert time.time() * 1000 < message.json["notBefore"]
