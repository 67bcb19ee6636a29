"""Sending one delivery again: the real handlers and dispatcher, to a real HTTP receiver."""

import json
import time
from typing import Any

import pytest

from jobsprint.core import aws as clients
from jobsprint.domain.deliveries import REENQUEUE_DELAY_MS
from jobsprint.repositories.deliveries import DeliveryStore
from jobsprint.repositories.dynamodb import marshal_item
from jobsprint.repositories.events import item_key
from tests.support.call import Answer, call
from tests.support.deliveries import Outbox, deliveries, dispatch, due, publish, record, subscribe
from tests.support.receiver import Receiver, Reply
from tests.support.rows import rows


@pytest.fixture
def webhook(outbox: Outbox, endpoint: Receiver) -> str:
    return str(subscribe(endpoint.url + "/hook")["id"])


def resend(webhook: str, delivery: str, **options: Any) -> Answer:
    return call("POST", f"/integrations/webhooks/{webhook}/deliveries/{delivery}/resend", **options)


def drain(outbox: Outbox) -> None:
    """Dispatches what is in the queue, with no waiting, until nothing is left."""
    while messages := outbox.take():
        for message in messages:
            assert dispatch(record(due(message))) == []


def delivered_once(outbox: Outbox, webhook: str) -> dict[str, Any]:
    publish()
    drain(outbox)
    [delivery] = deliveries(webhook)
    return delivery


def raw(webhook: str, delivery: str) -> dict[str, Any]:
    key = {"pk": {"S": f"acme#{webhook}"}, "sk": {"S": delivery}}
    return dict(clients.dynamodb().get_item(TableName="EventsTable", Key=key)["Item"])


def numbers(endpoint: Receiver) -> list[int]:
    return [int(request.headers["x-jobsprint-attempt"]) for request in endpoint.received]


def test_an_exhausted_delivery_restarts_its_retry_schedule(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    endpoint.answer = lambda _: Reply(500)
    delivery = delivered_once(outbox, webhook)
    assert (delivery["state"], len(delivery["attempts"])) == ("exhausted", 4)

    answer = resend(webhook, delivery["id"])
    assert answer.status == 202
    assert (answer.data["id"], answer.data["state"], len(answer.data["attempts"])) == (
        delivery["id"],
        "retrying",
        4,
    )
    assert answer.data["nextAttemptAt"]
    row = raw(webhook, delivery["id"])
    assert row["listed"]["S"].endswith("#retrying")
    assert {"dueAt", "dueShard"} <= row.keys()  # swept up, should the message be lost
    [message] = outbox.tasks
    assert (message.json["attempt"], message.json["base"], message.delay, message.group) == (5, 4, 0, "acme")

    drain(outbox)
    [again] = deliveries(webhook)
    assert (again["state"], [attempt["attempt"] for attempt in again["attempts"]]) == ("exhausted", list(range(1, 9)))
    assert numbers(endpoint) == list(range(1, 9))
    assert len({request.headers["webhook-id"] for request in endpoint.received}) == 1
    assert not {"dueAt", "dueShard"} & raw(webhook, delivery["id"]).keys()


def test_a_delivered_one_is_sent_again_with_the_same_body_data(
    outbox: Outbox, endpoint: Receiver, webhook: str
) -> None:
    delivery = delivered_once(outbox, webhook)
    assert resend(webhook, delivery["id"]).status == 202
    drain(outbox)
    first, second = endpoint.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.json == second.json
    assert deliveries(webhook)[0]["state"] == "delivered"


def test_what_was_discarded_before_its_first_attempt_starts_with_it(
    outbox: Outbox, endpoint: Receiver, webhook: str
) -> None:
    publish()
    [message] = outbox.take()
    path = f"/integrations/webhooks/{webhook}"
    call("PATCH", path, body={"active": False})
    dispatch(record(message.body))
    [delivery] = deliveries(webhook)
    assert (delivery["state"], delivery["attempts"]) == ("discarded", [])
    made = delivery["createdAt"]

    refused = resend(webhook, delivery["id"])
    assert (refused.status, refused.error["code"]) == (409, "webhook_paused")
    assert "active" in refused.error["message"]
    call("PATCH", path, body={"active": True})
    assert resend(webhook, delivery["id"]).status == 202
    drain(outbox)
    [delivery] = deliveries(webhook)
    assert (delivery["state"], len(delivery["attempts"]), delivery["createdAt"]) == ("delivered", 1, made)
    assert numbers(endpoint) == [1]
    assert not {"listed", "dueAt", "dueShard", "nextAttemptAt"} & raw(webhook, delivery["id"]).keys()


def test_one_that_waits_for_a_retry_has_it_now_and_once(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    endpoint.answer = lambda _: Reply(500 if len(endpoint.received) == 1 else 200)
    publish()
    [first] = outbox.take()
    dispatch(record(first.body))
    [waiting] = outbox.take()
    [delivery] = deliveries(webhook)
    answer = resend(webhook, delivery["id"])
    assert (answer.status, answer.data["state"]) == (202, "retrying")
    assert answer.data["nextAttemptAt"] < delivery["nextAttemptAt"]
    again = resend(webhook, delivery["id"])
    assert again.status == 202  # told, not swallowed; the attempt stays one
    assert [message.json["attempt"] for message in outbox.sent] == [2, 2]
    assert all(message.json["base"] == 0 for message in outbox.sent)
    drain(outbox)
    assert dispatch(record(due(waiting))) == []
    assert numbers(endpoint) == [1, 2]
    assert deliveries(webhook)[0]["state"] == "delivered"


def test_each_resend_is_a_round_of_its_own(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    delivery = delivered_once(outbox, webhook)
    for _ in range(3):
        assert resend(webhook, delivery["id"]).status == 202
        drain(outbox)
    assert numbers(endpoint) == [1, 2, 3, 4]


def test_one_that_is_being_delivered_is_a_conflict(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    seen: list[Answer] = []

    def answer(_: Any) -> Reply:
        [row] = deliveries(webhook)
        seen.append(resend(webhook, row["id"]))
        return Reply(200)

    endpoint.answer = answer
    publish()
    drain(outbox)
    [conflict] = seen
    assert (conflict.status, conflict.error["code"]) == (409, "delivery_in_progress")
    assert numbers(endpoint) == [1]


def test_an_old_message_does_not_take_the_new_round_over(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    endpoint.answer = lambda _: Reply(500)
    publish()
    last = ""
    while messages := outbox.take():
        last = due(messages[0])
        dispatch(record(last))
    [delivery] = deliveries(webhook)
    assert resend(webhook, delivery["id"]).status == 202
    outbox.take()  # lost
    # The message of the last attempt comes once more, and puts the next one into the queue in its place.
    dispatch(record(last, received=2))
    [message] = outbox.tasks
    assert (message.json["attempt"], message.json["base"]) == (5, 4)
    drain(outbox)
    assert numbers(endpoint) == list(range(1, 9))


def test_a_message_from_before_a_discard_does_not_shorten_the_new_round(
    outbox: Outbox, endpoint: Receiver, webhook: str
) -> None:
    endpoint.answer = lambda _: Reply(500)
    publish()
    dispatch(*(record(message.body) for message in outbox.take()))
    [retry] = outbox.take()
    path = f"/integrations/webhooks/{webhook}"
    call("PATCH", path, body={"active": False})
    dispatch(record(due(retry)))
    call("PATCH", path, body={"active": True})
    [delivery] = deliveries(webhook)
    assert resend(webhook, delivery["id"]).status == 202
    [again] = outbox.take()
    assert (again.json["attempt"], again.json["base"]) == (retry.json["attempt"], 1)
    assert dispatch(record(due(retry))) == []
    assert numbers(endpoint) == [1], "its round is over"
    dispatch(record(again.body))
    drain(outbox)
    assert numbers(endpoint) == list(range(1, 6)), "the whole schedule from the second attempt on"


def test_an_expired_event_is_a_conflict_that_names_the_field(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    delivery = delivered_once(outbox, webhook)
    key = item_key("acme", raw(webhook, delivery["id"])["eventKey"]["S"])
    clients.dynamodb().delete_item(TableName="EventsTable", Key=marshal_item(dict(key)))
    before = rows()
    answer = resend(webhook, delivery["id"])
    assert (answer.status, answer.error["code"]) == (409, "event_expired")
    assert answer.error["details"][0]["field"] == "path.deliveryId"
    assert rows() == before
    assert outbox.take() == []


def test_an_event_outlives_the_round_that_a_resend_begins(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    delivery = delivered_once(outbox, webhook)
    key = marshal_item(dict(item_key("acme", raw(webhook, delivery["id"])["eventKey"]["S"])))
    soon = int(time.time()) + 60
    clients.dynamodb().update_item(
        TableName="EventsTable",
        Key=key,
        UpdateExpression="SET expiresAt = :soon",
        ExpressionAttributeValues={":soon": {"N": str(soon)}},
    )
    assert resend(webhook, delivery["id"]).status == 202
    item = clients.dynamodb().get_item(TableName="EventsTable", Key=key)["Item"]
    assert int(item["expiresAt"]["N"]) >= soon + 86400


def test_unknown_and_foreign_ids_are_not_found(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    delivery = delivered_once(outbox, webhook)["id"]
    other = subscribe(endpoint.url)["id"]
    for target in (
        (webhook, "dlv_01jgxs7m5n8q2w4r6t8v0x2z4b"),
        (webhook, "nonsense"),
        (other, delivery),
        ("wh_01jgxs7m5n8q2w4r6t8v0x2z4b", delivery),
        ("nonsense", delivery),
    ):
        assert resend(*target).status == 404
    assert resend(webhook, delivery, tenant="other").status == 404
    assert resend(webhook, delivery, scopes="webhooks:read").status == 403
    assert outbox.take() == []


def test_a_key_keeps_the_answer_of_a_resend(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    delivery = delivered_once(outbox, webhook)
    key = {"headers": {"Idempotency-Key": "once"}}
    first = resend(webhook, delivery["id"], **key)
    drain(outbox)
    assert resend(webhook, delivery["id"], **key).body == first.body
    drain(outbox)
    assert numbers(endpoint) == [1, 2]


def test_a_lost_message_leaves_the_delivery_due(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    delivery = delivered_once(outbox, webhook)
    outbox.refuse = [OSError("no queue")] * 3
    assert resend(webhook, delivery["id"]).status == 500
    outbox.refuse = []
    row = raw(webhook, delivery["id"])
    assert int(row["dueAt"]["N"]) <= time.time() * 1000 + REENQUEUE_DELAY_MS  # then the sweeper brings it
    assert json.loads(row["attempts"]["L"][0]["S"])["number"] == 1
    assert DeliveryStore("acme").rows(webhook, [delivery["id"]], 0)[delivery["id"]].base == 1
    assert resend(webhook, delivery["id"]).status == 202
    drain(outbox)
    assert numbers(endpoint) == [1, 2]
