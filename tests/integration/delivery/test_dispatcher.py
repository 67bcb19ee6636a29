"""The dispatcher, as Lambda calls it: rows on moto, deliveries to a real HTTP receiver on 127.0.0.1."""

import base64
import hashlib
import hmac
import json
import threading
import time
import zlib
from typing import Any

import pytest
from botocore.exceptions import ClientError

from jobsprint.core import aws as clients
from jobsprint.core.clock import iso_millis
from jobsprint.core.config import settings
from jobsprint.core.ids import made_at
from jobsprint.delivery import attempt as attempts
from jobsprint.delivery import endpoints, queue
from jobsprint.domain.actions import LogFilter
from jobsprint.domain.deliveries import LEASE_MS, REENQUEUE_DELAY_MS, Lease
from jobsprint.repositories.deliveries import DeliveryStore
from jobsprint.repositories.delivery_lists import DeliveryLists
from jobsprint.repositories.delivery_stats import StatsStore
from jobsprint.repositories.integrations import IntegrationStore
from tests.support.call import call
from tests.support.deliveries import Outbox, deliveries, dispatch, due, publish, record, subscribe
from tests.support.receiver import Receiver, Reply, receiving

DATA = {"workflowId": "wf_abc123", "duration": 5234, "9": 1.50}
CANONICAL = '{"9":1.5,"workflowId":"wf_abc123","duration":5234}'
SECRET = "webhook_secret_key"


@pytest.fixture
def webhook(outbox: Outbox, receiver: Receiver) -> dict[str, Any]:
    return subscribe(receiver.url + "/hook", "workflow.*", secret=SECRET, headers={"X-Custom-Header": "own value"})


def broken(operation: str) -> ClientError:
    return ClientError({"Error": {"Code": "InternalServerError", "Message": "no"}}, operation)


def raw_row(webhook_id: str) -> dict[str, Any]:
    """The only delivery of a webhook as DynamoDB holds it."""
    [item] = clients.dynamodb().query(
        TableName="EventsTable",
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"acme#{webhook_id}"}},
    )["Items"]
    return dict(item)


def size(item: dict[str, Any]) -> int:
    """An item's size as DynamoDB bills it: names and values in UTF-8, 3 bytes per list and 1 per element."""

    def of(value: dict[str, Any]) -> int:
        [(kind, content)] = value.items()
        if kind == "L":
            return 3 + sum(1 + of(element) for element in content)
        return len(content.encode()) if kind == "S" else (len(content) + 1) // 2 + 1

    return sum(len(name) + of(value) for name, value in item.items())


def publish_one(outbox: Outbox, **fields: Any) -> str:
    """Publishes an event; the body of its only message."""
    publish(data=DATA, **fields)
    [message] = outbox.take()
    return message.body


def answering(*replies: Reply) -> Any:
    """Answers with each reply in turn, and with the last one from then on."""
    waiting = list(replies)
    return lambda _: waiting.pop(0) if len(waiting) > 1 else waiting[0]


# --- what a receiver gets ---


def test_a_receiver_gets_the_seeds_body_and_the_contracts_headers(
    outbox: Outbox, receiver: Receiver, webhook: dict[str, Any]
) -> None:
    event = publish(data=DATA, timestamp="2025-01-06T12:00:00Z")
    assert dispatch(record(outbox.take()[0].body)) == []
    [got] = receiver.received

    payload = f'{{"event":"workflow.executed","timestamp":"2025-01-06T12:00:00Z","data":{CANONICAL}}}'
    signature = "sha256=" + hmac.new(SECRET.encode(), payload.encode(), hashlib.sha256).hexdigest()
    assert got.body.decode() == f'{payload[:-1]},"signature":"{signature}"}}'
    assert got.path == "/hook"

    stamp = got.headers["webhook-timestamp"]
    assert abs(int(stamp) - time.time()) < 5
    signed = f"{event['id']}.{stamp}.".encode() + got.body
    expected = {
        "content-type": "application/json",
        "user-agent": "Jobsprint-Webhooks/1.0",
        "x-jobsprint-event": "workflow.executed",
        "x-jobsprint-attempt": "1",
        "x-jobsprint-signature": "sha256=" + hmac.new(SECRET.encode(), got.body, hashlib.sha256).hexdigest(),
        "webhook-id": event["id"],
        "webhook-timestamp": stamp,
        "webhook-signature": "v1," + base64.b64encode(hmac.digest(SECRET.encode(), signed, "sha256")).decode(),
        "x-custom-header": "own value",
    }
    assert {name: got.headers.get(name) for name in expected} == expected


def test_a_delivered_event_is_listed_with_its_attempt(
    outbox: Outbox, receiver: Receiver, webhook: dict[str, Any]
) -> None:
    receiver.answer = answering(Reply(200, {"ok": True}))
    event = publish(data=DATA)
    [message] = outbox.take()
    dispatch(record(message.body))
    [delivery] = deliveries(webhook["id"])
    [attempt] = delivery["attempts"]
    assert delivery == {
        "id": message.json["deliveryId"],
        "eventId": event["id"],
        "event": "workflow.executed",
        "state": "delivered",
        "createdAt": iso_millis(made_at(event["id"])),
        "attempts": [attempt],
    }
    assert attempt == {
        "attempt": 1,
        "status": "success",
        "httpStatus": 200,
        "durationMs": attempt["durationMs"],
        "startedAt": attempt["startedAt"],
        "response": '{"ok": true}',
        "timings": attempt["timings"],
    }
    assert set(attempt["timings"]) == {"dns", "connect", "tls", "first_byte", "total"}
    assert len(attempt["startedAt"]) == len("2025-01-06T12:00:00.123Z")
    assert outbox.take() == []


def test_a_long_payload_is_fetched_by_its_key(outbox: Outbox, receiver: Receiver, webhook: dict[str, Any]) -> None:
    data = {"text": "é" * 40_000}
    publish(data=data, id="mine")
    [message] = outbox.take()
    assert "data" not in message.json
    assert dispatch(record(message.body)) == []
    assert receiver.received[0].json["data"] == data
    assert deliveries(webhook["id"])[0]["state"] == "delivered"


def test_a_first_try_takes_one_write_unit_for_claim_and_one_for_result(
    outbox: Outbox, receiver: Receiver, webhook: dict[str, Any]
) -> None:
    receiver.answer = answering(Reply(200, ("<p>" + "ü" * 4000).encode()))
    dispatch(record(publish_one(outbox, id="execution-01jgxs7m5n8q2w4r6t8v0x2z4b")))
    row = raw_row(webhook["id"])
    assert json.loads(row["attempts"]["L"][0]["S"])["response"].endswith("…")
    assert size(row) <= 1024
    assert not {"leaseToken", "claimedAt", "leaseUntil", "nextAttemptAt", "listed", "dueAt", "dueShard"} & row.keys()


def test_what_was_sent_does_not_cost_a_first_try_another_write_unit(outbox: Outbox, receiver: Receiver) -> None:
    receiver.answer = answering(Reply(200, ("<p>" + "ü" * 4000).encode()))
    long_names = {f"X-{'Long-' * 8}{number}": "own value" for number in range(20)}
    webhook = subscribe(f"{receiver.url}/{'long/' * 300}", "workflow.*", headers=long_names)
    for _ in range(10):
        call("POST", f"/integrations/webhooks/{webhook['id']}/rotate-secret")
    dispatch(record(publish_one(outbox, id="execution-01jgxs7m5n8q2w4r6t8v0x2z4b")))
    row = raw_row(webhook["id"])
    kept = json.loads(row["attempts"]["L"][0]["S"])
    assert kept["response"].endswith("…")
    assert kept["url"].startswith(receiver.url + "/long/")
    assert (len(kept["headerNames"]), kept["headerNames"][-1], kept["signatures"]) == (4, "…", 11)
    assert size(row) <= 1024


# --- retries ---


def test_a_failure_is_tried_again_by_the_schedule_with_the_same_id(
    outbox: Outbox, receiver: Receiver, webhook: dict[str, Any]
) -> None:
    receiver.answer = answering(Reply(500, {"oops": 1}), Reply(204))
    before = time.time() * 1000
    assert dispatch(record(publish_one(outbox))) == []

    [retry] = outbox.take()
    assert (retry.json["attempt"], retry.group) == (2, "acme")
    assert retry.delay in (5, 6)
    assert before + 5_000 <= retry.json["notBefore"] <= time.time() * 1000 + 5_500
    [delivery] = deliveries(webhook["id"])
    assert delivery["state"] == "retrying"
    assert delivery["nextAttemptAt"].endswith("Z")
    assert delivery["attempts"][0]["failure"] == "http_5xx"
    row = raw_row(webhook["id"])
    assert row["listed"]["S"] == f"acme#{webhook['id']}#retrying"
    assert int(row["dueAt"]["N"]) == retry.json["notBefore"] + REENQUEUE_DELAY_MS

    assert dispatch(record(due(retry))) == []
    assert not {"listed", "dueAt", "dueShard"} & raw_row(webhook["id"]).keys()
    [delivery] = deliveries(webhook["id"])
    assert delivery["state"] == "delivered"
    assert "nextAttemptAt" not in delivery
    assert [attempt["status"] for attempt in delivery["attempts"]] == ["error", "success"]
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert (first.headers["x-jobsprint-attempt"], second.headers["x-jobsprint-attempt"]) == ("1", "2")
    assert first.body == second.body
    assert outbox.take() == []


def test_a_message_that_comes_too_early_waits_on_without_using_up_an_attempt(
    outbox: Outbox, receiver: Receiver, webhook: dict[str, Any]
) -> None:
    body = json.loads(publish_one(outbox))
    not_before = int(time.time() * 1000) + 7200_000
    assert dispatch(record(json.dumps({**body, "notBefore": not_before}))) == []
    [again] = outbox.take()
    assert again.json == {**body, "notBefore": not_before}
    assert again.delay == 900
    assert receiver.received == []
    assert deliveries(webhook["id"]) == []


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured(outbox: Outbox, receiver: Receiver, webhook: dict[str, Any], status: int) -> None:
    receiver.answer = answering(Reply(status, headers={"Retry-After": "120"}))
    dispatch(record(publish_one(outbox)))
    [retry] = outbox.take()
    assert 120 <= retry.delay <= 133


def test_a_redirect_is_a_failure_and_never_followed(
    outbox: Outbox, receiver: Receiver, webhook: dict[str, Any]
) -> None:
    receiver.answer = answering(Reply(302, headers={"Location": receiver.url + "/elsewhere"}))
    dispatch(record(publish_one(outbox)))
    assert [request.path for request in receiver.received] == ["/hook"]
    [attempt] = deliveries(webhook["id"])[0]["attempts"]
    assert (attempt["httpStatus"], attempt["failure"]) == (302, "http_3xx")


def test_after_the_last_step_a_delivery_is_exhausted(
    outbox: Outbox, receiver: Receiver, webhook: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETRY_SCHEDULE", "0,5,300,600")
    settings.cache_clear()
    receiver.answer = answering(Reply(404))
    body = publish_one(outbox)
    for _ in range(3):
        dispatch(record(body))
        [retry] = outbox.take()
        body = due(retry)
    dispatch(record(body))
    assert outbox.take() == []
    [delivery] = deliveries(webhook["id"])
    assert delivery["state"] == "exhausted"
    assert "nextAttemptAt" not in delivery
    assert [attempt["attempt"] for attempt in delivery["attempts"]] == [1, 2, 3, 4]


def test_no_receiver_at_all_is_retried_and_says_why(outbox: Outbox, aws: dict[str, Any]) -> None:
    with receiving() as gone:
        webhook = subscribe(gone.url + "/T0aB1cD2eF3gH4iJ5kL6mN7")
    dispatch(record(publish_one(outbox)))
    [delivery] = deliveries(webhook["id"])
    [attempt] = delivery["attempts"]
    assert (delivery["state"], attempt["status"], attempt["failure"]) == ("retrying", "error", "connect")
    assert "httpStatus" not in attempt
    assert "T0aB1" not in json.dumps(delivery)


# --- ends ---


def test_410_disables_the_webhook_and_what_was_queued_is_discarded(
    outbox: Outbox, receiver: Receiver, webhook: dict[str, Any]
) -> None:
    receiver.answer = answering(Reply(410))
    first, second = publish_one(outbox), publish_one(outbox)
    assert dispatch(record(first)) == []
    shown = call("GET", f"/integrations/webhooks/{webhook['id']}").data
    assert (shown["active"], shown["disabledReason"]) == (False, "gone")
    assert dispatch(record(second)) == []
    assert len(receiver.received) == 1
    assert [delivery["state"] for delivery in deliveries(webhook["id"])] == ["discarded", "exhausted"]
    assert outbox.take() == []


def test_410_from_an_address_that_was_changed_meanwhile_disables_nothing(
    outbox: Outbox, receiver: Receiver, webhook: dict[str, Any]
) -> None:
    path = f"/integrations/webhooks/{webhook['id']}"

    def changing(_: Any) -> Reply:
        assert call("PATCH", path, body={"url": receiver.url + "/new"}).status == 200
        return Reply(410)

    receiver.answer = changing
    dispatch(record(publish_one(outbox)))
    assert call("GET", path).data["active"] is True


def test_a_paused_webhook_ends_its_deliveries_visibly(
    outbox: Outbox, receiver: Receiver, webhook: dict[str, Any]
) -> None:
    receiver.answer = answering(Reply(500))
    dispatch(record(publish_one(outbox)))
    [retry] = outbox.take()
    call("PATCH", f"/integrations/webhooks/{webhook['id']}", body={"active": False})
    assert dispatch(record(due(retry))) == []
    [delivery] = deliveries(webhook["id"])
    assert (delivery["state"], len(delivery["attempts"])) == ("discarded", 1)
    assert "nextAttemptAt" not in delivery
    assert len(receiver.received) == 1
    # A late second copy changes nothing, whatever the webhook is by then.
    call("PATCH", f"/integrations/webhooks/{webhook['id']}", body={"active": True})
    assert dispatch(record(due(retry))) == []
    assert len(receiver.received) == 1


def test_a_deleted_webhook_ends_its_deliveries(outbox: Outbox, receiver: Receiver, webhook: dict[str, Any]) -> None:
    body = publish_one(outbox)
    call("DELETE", f"/integrations/webhooks/{webhook['id']}")
    assert dispatch(record(body)) == []
    assert receiver.received == []
    [delivery] = deliveries(webhook["id"])
    assert delivery["state"] == "discarded"
    assert deliveries(webhook["id"], "?state=discarded") == [delivery]
    path = f"/integrations/webhooks/{webhook['id']}/deliveries"
    assert call("GET", f"{path}/{delivery['id']}").data["state"] == "discarded"
    for tenant, wanted in (("acme", "dlv_01jgxs7m5n8q2w4r6t8v0x2z4b"), ("other", delivery["id"])):
        refused = call("GET", f"{path}/{wanted}", tenant=tenant)
        assert (refused.status, refused.error["code"]) == (404, "webhook_not_found")
    assert call("GET", path, tenant="other").status == 404


def test_an_event_that_is_gone_ends_its_delivery(outbox: Outbox, receiver: Receiver, webhook: dict[str, Any]) -> None:
    body = json.loads(publish_one(outbox))
    del body["data"]
    assert dispatch(record(json.dumps({**body, "eventKey": "0#evt_unknown"}))) == []
    assert receiver.received == []
    assert deliveries(webhook["id"])[0]["state"] == "discarded"


# --- duplicates and crashes ---


def test_a_message_that_comes_twice_is_sent_once(outbox: Outbox, receiver: Receiver, webhook: dict[str, Any]) -> None:
    body = publish_one(outbox)
    same = record(body, "same")
    assert dispatch(same) == []
    assert dispatch(record(body, "same", received=2)) == []
    assert dispatch(record(body, "another")) == []
    assert len(receiver.received) == 1
    assert len(deliveries(webhook["id"])[0]["attempts"]) == 1


def test_a_second_copy_while_the_first_is_under_way_is_not_sent(
    outbox: Outbox, receiver: Receiver, webhook: dict[str, Any]
) -> None:
    body = publish_one(outbox)
    came, go = threading.Event(), threading.Event()

    def slow(_: Any) -> Reply:
        came.set()
        assert go.wait(10)
        return Reply(200)

    receiver.answer = slow
    # A thread of its own for the one under way; the client is one container's, so the other is a second container.
    under_way = threading.Thread(target=dispatch, args=(record(body, "same"),))
    under_way.start()
    assert came.wait(10)
    assert dispatch(record(body, "same", received=2)) == ["same"]
    assert dispatch(record(body, "another")) == []
    go.set()
    under_way.join(10)
    assert len(receiver.received) == 1
    assert deliveries(webhook["id"])[0]["state"] == "delivered"


def test_a_repeated_publish_does_not_multiply_retries(
    outbox: Outbox, receiver: Receiver, webhook: dict[str, Any]
) -> None:
    receiver.answer = answering(Reply(500))
    dispatch(record(publish_one(outbox, id="mine")))
    assert len(outbox.take()) == 1
    for _ in range(3):
        assert dispatch(record(publish_one(outbox, id="mine"))) == []
    assert outbox.take() == []
    assert len(receiver.received) == 1


def claim_and_die(body: str, message_id: str) -> None:
    """A claim whose worker never says another word."""
    task = queue.from_text(body)
    taken, _ = DeliveryStore("acme").claim(task, Lease(message_id, "dead"), int(time.time() * 1000))
    assert taken


def let_the_lease_run_out(webhook_id: str) -> None:
    row = raw_row(webhook_id)
    late = str(int(time.time() * 1000) - 1)
    clients.dynamodb().put_item(TableName="EventsTable", Item={**row, "leaseUntil": {"N": late}})


def test_an_attempt_whose_worker_died_is_unknown_and_the_next_one_follows(
    outbox: Outbox, receiver: Receiver, webhook: dict[str, Any]
) -> None:
    body = publish_one(outbox)
    claim_and_die(body, "same")
    assert deliveries(webhook["id"])[0]["state"] == "pending"
    assert dispatch(record(body, "same", received=2)) == ["same"]  # the lease is still alive: come back
    let_the_lease_run_out(webhook["id"])
    assert dispatch(record(body, "same", received=3)) == []
    assert receiver.received == []

    [retry] = outbox.take()
    assert (retry.json["attempt"], retry.delay in (5, 6)) == (2, True)
    [delivery] = deliveries(webhook["id"])
    assert delivery["state"] == "retrying"
    [attempt] = delivery["attempts"]
    assert (attempt["status"], attempt["failure"], attempt["durationMs"]) == ("unknown", "worker_died", 0)
    dispatch(record(due(retry)))
    [delivery] = deliveries(webhook["id"])
    assert delivery["state"] == "delivered"
    assert [attempt["status"] for attempt in delivery["attempts"]] == ["unknown", "success"]


def test_a_worker_that_died_in_the_last_attempt_exhausts_the_delivery(
    outbox: Outbox, receiver: Receiver, webhook: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETRY_SCHEDULE", "0")
    settings.cache_clear()
    body = publish_one(outbox)
    claim_and_die(body, "same")
    let_the_lease_run_out(webhook["id"])
    assert dispatch(record(body, "same", received=2)) == []
    assert deliveries(webhook["id"])[0]["state"] == "exhausted"
    assert outbox.take() == []


def test_a_result_that_comes_after_the_lease_changes_nothing(
    outbox: Outbox, receiver: Receiver, webhook: dict[str, Any]
) -> None:
    body = publish_one(outbox)

    def overtaken(_: Any) -> Reply:
        let_the_lease_run_out(webhook["id"])
        assert dispatch(record(body, "another")) == []
        return Reply(200)

    receiver.answer = overtaken
    assert dispatch(record(body, "same")) == []
    [delivery] = deliveries(webhook["id"])
    assert [attempt["status"] for attempt in delivery["attempts"]] == ["unknown"]
    assert delivery["state"] == "retrying"
    # Both workers queued attempt 2; its claim lets one of them through.
    first, second = outbox.take()
    receiver.answer = answering(Reply(200))
    assert dispatch(record(due(first))) == []
    assert dispatch(record(due(second))) == []
    assert len(receiver.received) == 2


def test_a_crash_between_the_record_and_the_next_message_loses_nothing(
    outbox: Outbox, receiver: Receiver, webhook: dict[str, Any]
) -> None:
    receiver.answer = answering(Reply(500))
    body = publish_one(outbox)
    outbox.refuse.append(broken("SendMessage"))
    assert dispatch(record(body, "same")) == ["same"]
    [recorded] = deliveries(webhook["id"])
    assert (recorded["state"], len(recorded["attempts"])) == ("retrying", 1)

    assert dispatch(record(body, "same", received=2)) == []
    [retry] = outbox.take()
    assert retry.json["attempt"] == 2
    assert len(receiver.received) == 1
    assert deliveries(webhook["id"]) == [recorded]


def test_the_lease_is_longer_than_the_function_and_shorter_than_the_queues_visibility() -> None:
    from tests.support.template import functions, resources

    timeout = functions()["dispatch_webhooks"]["Timeout"]
    visibility = resources("AWS::SQS::Queue")["DeliveryQueue"]["VisibilityTimeout"]
    assert attempts.BUDGET_SECONDS < timeout < LEASE_MS / 1000 < visibility


# --- our own faults ---


def test_a_fault_of_ours_before_the_claim_leaves_no_trace_and_comes_back(
    outbox: Outbox, receiver: Receiver, webhook: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: Any) -> Any:
        raise broken("Decrypt")

    body = publish_one(outbox)
    with monkeypatch.context() as patch:
        patch.setattr(endpoints, "decrypt_credentials", failing)
        assert dispatch(record(body, "same")) == ["same"]
    assert receiver.received == []
    assert deliveries(webhook["id"]) == []
    assert dispatch(record(body, "same", received=2)) == []
    assert len(receiver.received) == 1


def test_one_messages_fault_does_not_touch_the_others(
    outbox: Outbox, receiver: Receiver, webhook: dict[str, Any]
) -> None:
    bodies = [publish_one(outbox) for _ in range(9)]
    records = [record(body, f"m{place}") for place, body in enumerate(bodies)]
    assert dispatch(*records[:4], record("no task", "bad"), *records[4:]) == ["bad"]
    assert len(receiver.received) == 9
    assert {delivery["state"] for delivery in deliveries(webhook["id"])} == {"delivered"}


def test_counting_usage_is_one_write_per_webhook_and_its_failure_sends_nothing_again(
    outbox: Outbox, receiver: Receiver, webhook: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.answer = answering(Reply(200), Reply(500), Reply(200))
    calls: list[str] = []
    real = StatsStore.count

    def counting(self: StatsStore, webhook_id: str, counts: Any, at: int) -> None:
        calls.append(webhook_id)
        real(self, webhook_id, counts, at)

    def failing(*_: Any, **__: Any) -> None:
        raise broken("UpdateItem")

    monkeypatch.setattr(StatsStore, "count", counting)
    assert dispatch(*(record(publish_one(outbox)) for _ in range(3))) == []
    assert calls == [webhook["id"]]
    activity = IntegrationStore("acme").activity([webhook["id"]])[webhook["id"]]
    assert (activity.successful, activity.failed) == (2, 1)

    monkeypatch.setattr(StatsStore, "count", failing)
    outbox.take()
    assert dispatch(record(publish_one(outbox))) == []
    assert len(receiver.received) == 4


def test_a_hanging_receiver_holds_up_no_other_result(
    outbox: Outbox, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "BUDGET_SECONDS", 2.0)
    good = subscribe(receiver.url + "/good")
    hanging = subscribe(receiver.url + "/hang")
    early: list[str] = []

    def answer(request: Any) -> Reply:
        if request.path == "/hang":
            time.sleep(1)
            early.extend(delivery["state"] for delivery in deliveries(good["id"]))
            time.sleep(2)
        return Reply(200)

    receiver.answer = answer
    publish(data=DATA)
    assert dispatch(*(record(message.body) for message in outbox.take())) == []
    assert early == ["delivered"]
    [attempt] = deliveries(hanging["id"])[0]["attempts"]
    assert (attempt["status"], attempt["failure"]) == ("error", "timeout_headers")
    assert 1_900 <= attempt["durationMs"] <= 2_600


# --- secrets ---


def test_no_secret_stands_in_a_row_a_message_or_an_answer(
    outbox: Outbox, receiver: Receiver, webhook: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    secrets = (SECRET, "own value")
    receiver.answer = lambda request: Reply(500, f"{SECRET} {request.headers['x-custom-header']}".encode())
    body = publish_one(outbox)
    dispatch(record(body))
    items = clients.dynamodb().scan(TableName="EventsTable")["Items"]
    written = [items, body, [message.body for message in outbox.take()], deliveries(webhook["id"])]
    seen = json.dumps(written, default=lambda compressed: zlib.decompress(compressed).decode())
    assert "workflow.executed" in seen
    assert not [secret for secret in secrets if secret in seen + caplog.text]


# --- lists ---


def test_deliveries_belong_to_their_tenant(outbox: Outbox, receiver: Receiver, webhook: dict[str, Any]) -> None:
    dispatch(record(publish_one(outbox)))
    path = f"/integrations/webhooks/{webhook['id']}/deliveries"
    answer = call("GET", path, tenant="other")
    assert (answer.status, answer.error["code"]) == (404, "webhook_not_found")
    theirs = subscribe(receiver.url, tenant="other")
    assert deliveries(theirs["id"], tenant="other") == []
    assert call("GET", path, scopes="integrations:read").status == 403
    assert call("GET", "/integrations/webhooks/nonsense/deliveries").status == 404


def test_deliveries_come_newest_first_page_by_page_and_by_state(
    outbox: Outbox, receiver: Receiver, webhook: dict[str, Any]
) -> None:
    receiver.answer = lambda request: Reply(200 if request.json["data"]["n"] % 2 else 500)
    order = []
    for n in range(7):
        order.append(publish(data={"n": n})["id"])
        time.sleep(0.002)  # ids of one millisecond have no order
    messages = outbox.take()
    for message in reversed(messages):
        dispatch(record(message.body))
    path = f"/integrations/webhooks/{webhook['id']}/deliveries"
    page = call("GET", f"{path}?limit=3").body
    assert page["pagination"]["hasMore"] is True
    found = [delivery["eventId"] for delivery in page["data"]]
    while page["pagination"]["hasMore"]:
        page = call("GET", f"{path}?limit=3&cursor={page['pagination']['nextCursor']}").body
        found += [delivery["eventId"] for delivery in page["data"]]
    assert found == order[::-1]
    assert "nextCursor" not in page["pagination"]
    retrying = deliveries(webhook["id"], "?state=retrying")
    assert [delivery["eventId"] for delivery in retrying] == order[::-2]
    assert call("GET", f"{path}?state=lost").status == 422
    assert call("GET", f"{path}?limit=0").status == 422
    other = call("GET", f"{path}?limit=3").body["pagination"]["nextCursor"]
    assert call("GET", f"{path}?limit=3&state=retrying&cursor={other}").status == 400


def test_expired_deliveries_are_not_shown(outbox: Outbox, receiver: Receiver, webhook: dict[str, Any]) -> None:
    dispatch(record(publish_one(outbox)))
    row = raw_row(webhook["id"])
    clients.dynamodb().put_item(TableName="EventsTable", Item={**row, "expiresAt": {"N": "1"}})
    assert deliveries(webhook["id"]) == []


def attempts_pages(webhook_id: str, limit: int, **filters: Any) -> list[Any]:
    wanted, found, position = LogFilter(**filters), [], None
    while True:
        entries, position = DeliveryLists("acme").attempts_page(
            webhook_id, wanted, limit=limit, position=position, now=int(time.time() * 1000)
        )
        assert len(entries) <= limit
        found += entries
        if position is None:
            return found


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 100])
def test_attempts_are_log_entries_page_by_page(
    outbox: Outbox, receiver: Receiver, webhook: dict[str, Any], limit: int
) -> None:
    receiver.answer = lambda request: Reply(500 if request.json["data"]["n"] < 2 else 200, {"n": 1})
    ids = []
    for n in range(3):
        ids.append(publish("workflow.failed" if n == 1 else "workflow.executed", {"n": n})["id"])
        time.sleep(0.002)
    for message in outbox.take():
        dispatch(record(message.body))
        for _ in range(2):
            for retry in outbox.take():
                dispatch(record(due(retry)))
        outbox.take()
    entries = attempts_pages(webhook["id"], limit)
    found = [(json.loads(entry.input)["eventId"], json.loads(entry.input)["attempt"]) for entry in entries]
    assert found == [(ids[2], 1), *((ids[1], n) for n in (3, 2, 1)), *((ids[0], n) for n in (3, 2, 1))]
    assert len({entry.id for entry in entries}) == 7
    assert json.loads(entries[0].output) == {"httpStatus": 200, "response": '{"n": 1}'}
    assert json.loads(entries[1].output) == {"httpStatus": 500, "failure": "http_5xx", "response": '{"n": 1}'}
    assert [entry.status for entry in attempts_pages(webhook["id"], limit, status="success")] == ["success"]
    assert len(attempts_pages(webhook["id"], limit, action="workflow.failed")) == 3
    middle = entries[3].at
    assert [e.at >= middle for e in attempts_pages(webhook["id"], limit, from_ms=middle)] == [True] * sum(
        entry.at >= middle for entry in entries
    )
    assert len(attempts_pages(webhook["id"], limit, to_ms=middle)) == sum(entry.at <= middle for entry in entries)
    assert attempts_pages(webhook["id"], limit, to_ms=entries[-1].at - 100_000) == []
