"""Batches of deliveries: each is claimed, sent and recorded by itself, whatever happens to the writes of another."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from jobsprint.core import aws as clients
from jobsprint.delivery import queue
from jobsprint.domain.deliveries import DeliveryTask, Lease
from jobsprint.repositories.deliveries import DeliveryStore
from tests.support.deliveries import Outbox, deliveries, dispatch, due, publish, record, subscribe
from tests.support.receiver import Receiver, Reply

Write = Callable[[], Any]


@pytest.fixture
def webhook(outbox: Outbox, endpoint: Receiver) -> str:
    return str(subscribe(endpoint.url, "workflow.*")["id"])


def bodies(outbox: Outbox, count: int) -> list[str]:
    for n in range(count):
        publish(data={"n": n})
    return [message.body for message in outbox.take()]


def records(found: list[str], received: int = 1) -> list[dict[str, Any]]:
    """The messages m0, m1, … with these bodies."""
    return [record(body, f"m{index}", received) for index, body in enumerate(found)]


def task_of(body: str) -> DeliveryTask:
    task = queue.from_text(body)
    assert isinstance(task, DeliveryTask)
    return task


def sent(endpoint: Receiver) -> list[int]:
    return sorted(request.json["data"]["n"] for request in endpoint.received)


def states(webhook: str) -> list[str]:
    return sorted(delivery["state"] for delivery in deliveries(webhook))


def let_leases_expire(webhook: str) -> None:
    late = {"N": str(int(time.time() * 1000) - 1)}
    for row in rows(webhook):
        if "leaseToken" in row:
            clients.dynamodb().put_item(TableName="EventsTable", Item={**row, "leaseUntil": late})


def rows(webhook: str) -> list[dict[str, Any]]:
    found = clients.dynamodb().query(
        TableName="EventsTable",
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"acme#{webhook}"}},
    )["Items"]
    return [dict(row) for row in found]


def broken(operation: str = "UpdateItem") -> ClientError:
    return ClientError({"Error": {"Code": "InternalServerError", "Message": "no"}}, operation)


def on_write(
    monkeypatch: pytest.MonkeyPatch, kind: str, change: Callable[[Write], Any], only: set[str] | None = None
) -> None:
    """Make the claims or the results (`kind`) of these deliveries, or of all, by `change`."""
    value = {"claim": ":leaseToken", "result": ":attempts"}[kind]
    real = clients.dynamodb().update_item

    def update_item(**given: Any) -> Any:
        ours = value in given.get("ExpressionAttributeValues", {})
        if ours and (only is None or given["Key"]["sk"]["S"] in only):
            return change(lambda: real(**given))
        return real(**given)

    monkeypatch.setattr(clients.dynamodb(), "update_item", update_item)


def fails(_: Write) -> Any:
    raise broken()


def loses_the_response(write: Write) -> Any:
    write()
    raise broken()


def repeats(write: Write) -> Any:
    """Write twice, as botocore does when the response to a call was lost."""
    write()
    return write()


# --- a batch ---


def test_the_batches_of_two_tenants_share_a_call_and_nothing_else(outbox: Outbox, endpoint: Receiver) -> None:
    ours, theirs = subscribe(endpoint.url)["id"], subscribe(endpoint.url, tenant="other")["id"]
    publish(data={"n": 1})
    publish(data={"n": 2}, tenant="other")
    assert dispatch(*(record(message.body) for message in outbox.take())) == []
    assert sent(endpoint) == [1, 2]
    assert [d["state"] for d in deliveries(ours)] == ["delivered"]
    assert [d["state"] for d in deliveries(theirs, tenant="other")] == ["delivered"]


def test_a_delivery_that_is_in_a_batch_twice_is_sent_once(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    first, second = bodies(outbox, 2)
    assert dispatch(record(first, "a"), record(first, "b"), record(second, "c")) == []
    assert sent(endpoint) == [0, 1]
    assert states(webhook) == ["delivered", "delivered"]
    assert [len(delivery["attempts"]) for delivery in deliveries(webhook)] == [1, 1]


def test_an_attempt_is_claimed_once_however_many_claim_it_at_once(aws: dict[str, Any]) -> None:
    store = DeliveryStore("acme")
    task = DeliveryTask("acme", "wh_1", "dlv_1", "evt_1", "a.b", "2026-01-01T00:00:00Z", "0#evt_1")
    taken: list[bool] = []

    def claim(number: int) -> None:
        taken.append(store.claim(task, Lease(f"m{number}", "00"), 1)[0])

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False] * 7 + [True]


def test_of_a_batch_only_what_failed_is_tried_again(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    endpoint.answer = lambda request: Reply(500 if request.json["data"]["n"] % 2 else 200)
    assert dispatch(*map(record, bodies(outbox, 10))) == []
    assert states(webhook) == ["delivered"] * 5 + ["retrying"] * 5
    assert [message.json["attempt"] for message in outbox.take()] == [2] * 5
    for row in rows(webhook):
        assert ("dueAt" in row) == ("listed" in row) == ("nextAttemptAt" in row) == (row["state"]["S"] == "retrying")
        assert "leaseToken" not in row


def test_a_retry_that_the_queue_does_not_accept_is_scheduled_when_its_message_returns(
    outbox: Outbox, endpoint: Receiver, webhook: str
) -> None:
    endpoint.answer = lambda request: Reply(500 if request.json["data"]["n"] == 1 else 200)
    found = bodies(outbox, 3)
    outbox.refuse.append(broken("SendMessage"))
    assert dispatch(*records(found)) == ["m1"]
    assert states(webhook) == ["delivered", "delivered", "retrying"]
    assert dispatch(record(found[1], "m1", received=2)) == []
    assert [message.json["attempt"] for message in outbox.take()] == [2]
    assert sent(endpoint) == [0, 1, 2]


# --- writes that fail ---


def test_a_claim_that_is_throttled_returns_its_message_alone(
    outbox: Outbox, endpoint: Receiver, webhook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = bodies(outbox, 3)
    with monkeypatch.context() as patch:
        on_write(patch, "claim", fails, only={task_of(found[0]).delivery_id})
        assert dispatch(*records(found)) == ["m0"]
    assert sent(endpoint) == [1, 2]
    assert dispatch(record(found[0], "m0", received=2)) == []
    assert sent(endpoint) == [0, 1, 2]
    assert states(webhook) == ["delivered"] * 3


def test_claims_that_fail_before_they_are_written_are_made_again(
    outbox: Outbox, endpoint: Receiver, webhook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = bodies(outbox, 3)
    with monkeypatch.context() as patch:
        on_write(patch, "claim", fails)
        assert sorted(dispatch(*records(found))) == ["m0", "m1", "m2"]
    assert sent(endpoint) == []
    assert rows(webhook) == []
    assert dispatch(*records(found, received=2)) == []
    assert sent(endpoint) == [0, 1, 2]


def test_claims_without_a_response_are_treated_like_a_crashed_worker(
    outbox: Outbox, endpoint: Receiver, webhook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows say "may have been sent" until the lease expires; then the schedule goes on."""
    found = bodies(outbox, 3)
    with monkeypatch.context() as patch:
        on_write(patch, "claim", loses_the_response)
        assert len(dispatch(*records(found))) == 3
    again = records(found, received=2)
    assert sorted(dispatch(*again)) == ["m0", "m1", "m2"]  # still leased by these very messages
    let_leases_expire(webhook)
    assert dispatch(*again) == []
    assert sent(endpoint) == []
    assert states(webhook) == ["retrying"] * 3
    retries = outbox.take()
    assert [message.json["attempt"] for message in retries] == [2] * 3
    assert dispatch(*(record(due(message)) for message in retries)) == []
    assert sent(endpoint) == [0, 1, 2]
    statuses = [[attempt["status"] for attempt in delivery["attempts"]] for delivery in deliveries(webhook)]
    assert statuses == [["unknown", "success"]] * 3


def test_a_claim_repeated_by_the_client_is_recognised(
    outbox: Outbox, endpoint: Receiver, webhook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_write(monkeypatch, "claim", repeats)
    assert dispatch(*map(record, bodies(outbox, 3))) == []
    assert sent(endpoint) == [0, 1, 2]
    assert states(webhook) == ["delivered"] * 3


def test_results_repeated_by_the_client_are_recorded_once_and_the_next_attempt_is_scheduled(
    outbox: Outbox, endpoint: Receiver, webhook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.answer = lambda _: Reply(500)
    on_write(monkeypatch, "result", repeats)
    assert dispatch(*map(record, bodies(outbox, 3))) == []
    assert [len(delivery["attempts"]) for delivery in deliveries(webhook)] == [1, 1, 1]
    assert [message.json["attempt"] for message in outbox.take()] == [2] * 3


def test_results_that_cannot_be_written_return_their_messages(
    outbox: Outbox, endpoint: Receiver, webhook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = bodies(outbox, 2)
    with monkeypatch.context() as patch:
        on_write(patch, "result", fails)
        assert sorted(dispatch(*records(found))) == ["m0", "m1"]
    assert sent(endpoint) == [0, 1]
    let_leases_expire(webhook)
    assert dispatch(*records(found, received=2)) == []
    assert states(webhook) == ["retrying"] * 2
    assert [delivery["attempts"][0]["failure"] for delivery in deliveries(webhook)] == ["worker_died"] * 2
    assert sent(endpoint) == [0, 1]


def test_a_row_that_waits_for_its_first_attempt_is_claimed_too(
    outbox: Outbox, endpoint: Receiver, webhook: str
) -> None:
    """The delivery was deferred, which the message does not know."""
    [body] = bodies(outbox, 1)
    now = int(time.time() * 1000)
    deferred, _ = DeliveryStore("acme").defer(task_of(body), now, now)
    assert deferred
    assert dispatch(record(body)) == []
    assert states(webhook) == ["delivered"]
    [row] = rows(webhook)
    assert not {"leaseToken", "listed", "dueAt", "dueShard", "nextAttemptAt"} & row.keys()


def test_an_attempt_of_another_worker_is_left_to_it(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    first, second = bodies(outbox, 2)
    claimed, _ = DeliveryStore("acme").claim(task_of(first), Lease("another", "x"), int(time.time() * 1000))
    assert claimed
    assert dispatch(record(first, "mine"), record(second)) == []
    assert sent(endpoint) == [1]
