"""Claims and results several to a call: what one call does for many, and what becomes of each when part of it fails."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError

from jobsprint.core import aws as clients
from jobsprint.delivery import dispatcher as dispatching
from jobsprint.delivery import queue
from jobsprint.domain.deliveries import Claim
from jobsprint.repositories import statements
from jobsprint.repositories.deliveries import DeliveryStore
from jobsprint.repositories.statements import Statement
from tests.support.deliveries import Outbox, deliveries, dispatch, due, publish, record, subscribe, watching_sqs
from tests.support.receiver import Receiver, Reply

KEY = {"pk": "acme#wh", "sk": "dlv"}


@pytest.fixture
def outbox(aws: dict[str, Any]) -> Iterator[Outbox]:
    with watching_sqs() as box:
        yield box
    if dispatching._client.cache_info().currsize:
        dispatching._client().close()
        dispatching._client.cache_clear()


@pytest.fixture
def webhook(outbox: Outbox, endpoint: Receiver) -> str:
    return str(subscribe(endpoint.url, "workflow.*")["id"])


def bodies(outbox: Outbox, count: int) -> list[str]:
    for n in range(count):
        publish(data={"n": n})
    return [message.body for message in outbox.take()]


def sent(endpoint: Receiver) -> list[int]:
    return sorted(request.json["data"]["n"] for request in endpoint.received)


def states(webhook: str) -> list[str]:
    return sorted(delivery["state"] for delivery in deliveries(webhook))


def let_leases_run_out(webhook: str) -> None:
    late = {"N": str(int(time.time() * 1000) - 1)}
    for row in rows(webhook):
        if "claim" in row:
            clients.dynamodb().put_item(TableName="EventsTable", Item={**row, "leaseUntil": late})


def rows(webhook: str) -> list[dict[str, Any]]:
    found = clients.dynamodb().query(
        TableName="EventsTable",
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"acme#{webhook}"}},
    )["Items"]
    return [dict(row) for row in found]


def broken(operation: str) -> ClientError:
    return ClientError({"Error": {"Code": "InternalServerError", "Message": "no"}}, operation)


Run = Callable[[Sequence[Statement]], list[bool]]


def instead(
    monkeypatch: pytest.MonkeyPatch, kind: str, change: Callable[[Run, Sequence[Statement]], list[bool]]
) -> None:
    """Has `change` run the calls of one kind (INSERT or UPDATE)."""
    real = statements.run

    def changed(given: Sequence[Statement], on_fault: Callable[[str], None]) -> list[bool]:
        return change(real, given) if given and given[0].text.startswith(kind) else real(given, on_fault)

    monkeypatch.setattr(statements, "run", changed)


# --- the statements ---


def test_an_item_is_made_once_and_changed_only_by_who_holds_it(aws: dict[str, Any]) -> None:
    insert = statements.insert("EventsTable", KEY, {"claim": "a", "n": 1})
    assert statements.run([insert]) == [True]
    assert statements.run([insert]) == [False]

    def change(claim: str) -> Statement:
        return statements.update(
            "EventsTable", KEY, {"n": 2, "list": ["it's"]}, remove=("claim", "missing"), where={"claim": claim}
        )

    assert statements.run([change("b")]) == [False]
    assert statements.run([change("a")]) == [True]
    assert statements.run([change("a")]) == [False]
    found = clients.dynamodb().get_item(TableName="EventsTable", Key={k: {"S": v} for k, v in KEY.items()})["Item"]
    assert found == {**{k: {"S": v} for k, v in KEY.items()}, "n": {"N": "2"}, "list": {"L": [{"S": "it's"}]}}


def test_of_two_writes_to_one_item_the_first_is_made(aws: dict[str, Any]) -> None:
    one, other = statements.insert("EventsTable", KEY, {"n": 1}), statements.insert("EventsTable", KEY, {"n": 2})
    another = statements.insert("EventsTable", {**KEY, "sk": "other"}, {})
    assert statements.run([one, other, another]) == [True, False, True]
    assert rows("wh")[0]["n"] == {"N": "1"}


def test_what_failed_by_no_condition_is_told(aws: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    codes = ["ConditionalCheckFailed", "AccessDenied", None, "DuplicateItem", "ThrottlingError"]
    answers = [{"Error": {"Code": code, "Message": "no"}} if code else {"TableName": "EventsTable"} for code in codes]
    monkeypatch.setattr(clients.dynamodb(), "batch_execute_statement", lambda **_: {"Responses": answers})
    told: list[str] = []
    inserts = [statements.insert("EventsTable", {**KEY, "sk": str(n)}, {}) for n in range(5)]
    assert statements.run(inserts, told.append) == [code is None for code in codes]
    assert told == ["AccessDenied", "ThrottlingError"]


def test_more_than_a_call_takes_goes_in_several(aws: dict[str, Any]) -> None:
    many = [statements.insert("EventsTable", {**KEY, "sk": str(n)}, {}) for n in range(60)]
    assert statements.run([]) == []
    assert statements.run(many) == [True] * 60
    assert statements.run(many[:30]) == [False] * 30


def test_a_claim_is_taken_once_however_many_come_at_once(aws: dict[str, Any]) -> None:
    insert = statements.insert("EventsTable", KEY, {})
    taken: list[bool] = []
    threads = [threading.Thread(target=lambda: taken.extend(statements.run([insert]))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False] * 7 + [True]


# --- a batch ---


def test_the_batches_of_two_tenants_share_a_call_and_nothing_else(outbox: Outbox, endpoint: Receiver) -> None:
    ours, theirs = subscribe(endpoint.url)["id"], subscribe(endpoint.url, tenant="other")["id"]
    publish(data={"n": 1})
    publish(data={"n": 2}, tenant="other")
    assert dispatch(*(record(message.body) for message in outbox.take())) == []
    assert sent(endpoint) == [1, 2]
    assert [d["state"] for d in deliveries(ours)] == ["delivered"]
    assert [d["state"] for d in deliveries(theirs, tenant="other")] == ["delivered"]


def test_a_delivery_that_stands_twice_in_a_batch_is_sent_once(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    first, second = bodies(outbox, 2)
    assert dispatch(record(first, "a"), record(first, "b"), record(second, "c")) == []
    assert sent(endpoint) == [0, 1]
    assert states(webhook) == ["delivered", "delivered"]
    assert [len(delivery["attempts"]) for delivery in deliveries(webhook)] == [1, 1]


def test_of_a_batch_only_what_failed_is_tried_again(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    endpoint.answer = lambda request: Reply(500 if request.json["data"]["n"] % 2 else 200)
    assert dispatch(*map(record, bodies(outbox, 10))) == []
    assert states(webhook) == ["delivered"] * 5 + ["retrying"] * 5
    assert [message.json["attempt"] for message in outbox.take()] == [2] * 5
    for row in rows(webhook):
        assert ("dueAt" in row) == ("listed" in row) == ("nextAttemptAt" in row) == (row["state"]["S"] == "retrying")
        assert "claim" not in row


def test_retries_that_the_queue_does_not_take_come_back_alone(
    outbox: Outbox, endpoint: Receiver, webhook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatching, "GATHER_SECONDS", 10)
    endpoint.answer = lambda request: Reply(500 if request.json["data"]["n"] == 1 else 200)
    found = bodies(outbox, 3)
    outbox.refuse.append(broken("SendMessageBatch"))
    messages = [record(body, f"m{place}") for place, body in enumerate(found)]
    assert dispatch(*messages) == ["m1"]
    assert states(webhook) == ["delivered", "delivered", "retrying"]
    assert dispatch(record(found[1], "m1", received=2)) == []
    assert [message.json["attempt"] for message in outbox.take()] == [2]
    assert sent(endpoint) == [0, 1, 2]


# --- what fails in part ---


def test_a_claim_that_was_not_taken_in_the_batch_is_taken_by_itself(
    outbox: Outbox, endpoint: Receiver, webhook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One statement was throttled: not written, or written and nobody knows."""
    instead(monkeypatch, "INSERT", lambda run, given: [False, *run(given[1:-1]), run(given[-1:]) == []])
    assert dispatch(*map(record, bodies(outbox, 4))) == []
    assert sent(endpoint) == [0, 1, 2, 3]
    assert states(webhook) == ["delivered"] * 4


def test_a_claim_that_is_throttled_by_itself_too_comes_back(
    outbox: Outbox, endpoint: Receiver, webhook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = bodies(outbox, 3)

    def throttled(*_: Any) -> Any:
        raise broken("UpdateItem")

    with monkeypatch.context() as patch:
        instead(patch, "INSERT", lambda run, given: [False, *run(given[1:])])
        patch.setattr(DeliveryStore, "claim", throttled)
        assert dispatch(*(record(body, f"m{place}") for place, body in enumerate(found))) == ["m0"]
    assert sent(endpoint) == [1, 2]
    assert dispatch(record(found[0], "m0", received=2)) == []
    assert sent(endpoint) == [0, 1, 2]
    assert states(webhook) == ["delivered"] * 3


def test_claims_that_fail_before_they_are_written_come_back_and_go_out(
    outbox: Outbox, endpoint: Receiver, webhook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = bodies(outbox, 3)

    def failing(_run: Run, _given: Sequence[Statement]) -> list[bool]:
        raise broken("BatchExecuteStatement")

    with monkeypatch.context() as patch:
        instead(patch, "INSERT", failing)
        back = dispatch(*(record(body, f"m{place}") for place, body in enumerate(found)))
    assert back == ["m0", "m1", "m2"]
    assert sent(endpoint) == []
    assert rows(webhook) == []
    assert dispatch(*(record(body, f"m{place}", received=2) for place, body in enumerate(found))) == []
    assert sent(endpoint) == [0, 1, 2]


def test_claims_whose_answer_is_lost_settle_as_a_worker_that_died(
    outbox: Outbox, endpoint: Receiver, webhook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows say "may have been sent" until the lease is over; then the schedule goes on."""
    found = bodies(outbox, 3)

    def lost(run: Run, given: Sequence[Statement]) -> list[bool]:
        run(given)
        raise broken("BatchExecuteStatement")

    with monkeypatch.context() as patch:
        instead(patch, "INSERT", lost)
        assert len(dispatch(*(record(body, f"m{place}") for place, body in enumerate(found)))) == 3
    again = [record(body, f"m{place}", received=2) for place, body in enumerate(found)]
    assert sorted(dispatch(*again)) == ["m0", "m1", "m2"]  # still held by these very messages: come back
    let_leases_run_out(webhook)
    assert dispatch(*again) == []
    assert sent(endpoint) == []
    assert states(webhook) == ["retrying"] * 3
    retries = outbox.take()
    assert [message.json["attempt"] for message in retries] == [2] * 3
    assert dispatch(*(record(due(message)) for message in retries)) == []
    assert sent(endpoint) == [0, 1, 2]
    assert [[a["status"] for a in delivery["attempts"]] for delivery in deliveries(webhook)] == [
        ["unknown", "success"]
    ] * 3


def test_a_claim_repeated_by_the_client_is_known_again(
    outbox: Outbox, endpoint: Receiver, webhook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """botocore repeats a call whose answer was lost; the repeat finds the rows of the first."""
    instead(monkeypatch, "INSERT", lambda run, given: (run(given), run(given))[1])
    assert dispatch(*map(record, bodies(outbox, 3))) == []
    assert sent(endpoint) == [0, 1, 2]
    assert states(webhook) == ["delivered"] * 3


def test_results_repeated_by_the_client_are_recorded_once_and_followed(
    outbox: Outbox, endpoint: Receiver, webhook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.answer = lambda _: Reply(500)
    instead(monkeypatch, "UPDATE", lambda run, given: (run(given), run(given))[1])
    assert dispatch(*map(record, bodies(outbox, 3))) == []
    assert [len(delivery["attempts"]) for delivery in deliveries(webhook)] == [1, 1, 1]
    assert [message.json["attempt"] for message in outbox.take()] == [2] * 3


def test_a_result_that_was_not_written_in_the_batch_is_written_by_itself(
    outbox: Outbox, endpoint: Receiver, webhook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    instead(monkeypatch, "UPDATE", lambda run, given: [False, *run(given[1:])])
    assert dispatch(*map(record, bodies(outbox, 4))) == []
    assert states(webhook) == ["delivered"] * 4
    assert [len(delivery["attempts"]) for delivery in deliveries(webhook)] == [1] * 4


def test_a_call_that_may_not_be_made_loses_nothing_and_is_counted(
    outbox: Outbox,
    endpoint: Receiver,
    webhook: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refused(Statements: list[Any]) -> Any:  # noqa: N803 - the parameter of the API
        return {"Responses": [{"Error": {"Code": "AccessDenied", "Message": "no"}}] * len(Statements)}

    found = bodies(outbox, 3)
    monkeypatch.setattr(clients.dynamodb(), "batch_execute_statement", refused)
    capsys.readouterr()
    assert dispatch(*map(record, found)) == []
    assert sent(endpoint) == [0, 1, 2]
    assert states(webhook) == ["delivered"] * 3
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["StatementsFailed"] for line in lines if "StatementsFailed" in line] == [6]


def test_results_that_cannot_be_written_bring_their_messages_back(
    outbox: Outbox, endpoint: Receiver, webhook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatching, "GATHER_SECONDS", 10)
    found = bodies(outbox, 2)

    def failing(_run: Run, _given: Sequence[Statement]) -> list[bool]:
        raise broken("BatchExecuteStatement")

    with monkeypatch.context() as patch:
        instead(patch, "UPDATE", failing)
        assert sorted(dispatch(*(record(body, f"m{place}") for place, body in enumerate(found)))) == ["m0", "m1"]
    assert sent(endpoint) == [0, 1]
    let_leases_run_out(webhook)
    assert dispatch(*(record(body, f"m{place}", received=2) for place, body in enumerate(found))) == []
    assert states(webhook) == ["retrying"] * 2
    assert [delivery["attempts"][0]["failure"] for delivery in deliveries(webhook)] == ["worker_died"] * 2
    assert sent(endpoint) == [0, 1]


def test_a_row_that_waits_for_its_first_attempt_is_taken_too(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    """It was put off and the message of the queue does not know: the insert is refused, the claim by itself is not."""
    [body] = bodies(outbox, 1)
    now = int(time.time() * 1000)
    assert DeliveryStore("acme").park(queue.to_ticket(body), now, now) == (True, None)
    assert dispatch(record(body)) == []
    assert states(webhook) == ["delivered"]
    [row] = rows(webhook)
    assert not {"claim", "listed", "dueAt", "dueShard", "nextAttemptAt"} & row.keys()


def test_an_attempt_of_another_worker_is_left_to_it(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    first, second = bodies(outbox, 2)
    ticket, now = queue.to_ticket(first), int(time.time() * 1000)
    claim = DeliveryStore("acme").first_claim(ticket, Claim("another", "x"), now)
    assert statements.run([claim]) == [True]
    assert dispatch(record(first, "mine"), record(second)) == []
    assert sent(endpoint) == [1]
