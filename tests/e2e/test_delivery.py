"""Events on their way to real receivers, on the deployed stack."""

import hashlib
import hmac
import json
import time
from typing import Any

from standardwebhooks import Webhook

from tests.e2e.api import Api, eventually
from tests.e2e.local_stack import Stack
from tests.support.receiver import Receiver, Reply
from tools.local.options import PROJECT

SECRET = "my_secret_key"
EVENT = {"event": "workflow.executed", "data": {"workflowId": "wf_abc123", "duration": 5234}}


def deliveries(api: Api, webhook: str, state: str | None = None) -> Any:
    query = f"?state={state}" if state else ""
    return api.data("GET", f"/integrations/webhooks/{webhook}/deliveries{query}")


def test_an_event_arrives_signed_in_every_way(api: Api, receiver: Receiver) -> None:
    webhook = api.create_webhook(receiver.url + "/in", events=["workflow.*"], headers={"X-Custom-Header": "value"})
    published = api.call("POST", "/events", EVENT)
    assert published.status_code == 202
    assert published.json()["data"]["deliveries"] == 1

    [got] = receiver.wait_for(1)
    body = got.json
    assert list(body) == ["event", "timestamp", "data", "signature"]
    assert body["data"] == EVENT["data"]
    secret = webhook["secret"]
    payload = json.dumps({k: body[k] for k in ("event", "timestamp", "data")}, separators=(",", ":"))
    digest = hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
    assert body["signature"] == f"sha256={digest}"
    whole = hmac.new(secret.encode(), got.body, hashlib.sha256).hexdigest()
    assert got.headers["x-jobsprint-signature"] == f"sha256={whole}"
    assert Webhook(secret).verify(got.body, got.headers)
    assert got.headers["webhook-id"] == published.json()["data"]["id"]
    assert got.headers["x-jobsprint-event"] == "workflow.executed"
    assert got.headers["x-custom-header"] == "value"


def test_a_delivery_shows_its_attempt_in_deliveries_and_logs(api: Api, receiver: Receiver) -> None:
    receiver.answer = lambda _: Reply(200, {"thanks": True})
    webhook = api.create_webhook(receiver.url)["id"]
    api.data("POST", "/events", EVENT)
    [delivery] = eventually(lambda: deliveries(api, webhook, "delivered"))
    [attempt] = delivery["attempts"]
    assert (attempt["attempt"], attempt["status"], attempt["httpStatus"]) == (1, "success", 200)
    assert "thanks" in attempt["response"]
    [entry] = api.data("GET", f"/integrations/{webhook}/logs")
    assert (entry["action"], entry["status"]) == ("workflow.executed", "success")


def test_a_failing_receiver_is_retried_until_it_recovers(api: Api, receiver: Receiver) -> None:
    receiver.answer = lambda _: Reply(200 if len(receiver.received) > 2 else 500)
    webhook = api.create_webhook(receiver.url)["id"]
    api.data("POST", "/events", EVENT)
    [delivery] = eventually(lambda: deliveries(api, webhook, "delivered"), seconds=60)
    assert [attempt["httpStatus"] for attempt in delivery["attempts"]] == [500, 500, 200]
    assert len({request.headers["webhook-id"] for request in receiver.received}) == 1
    assert [request.headers["x-jobsprint-attempt"] for request in receiver.received] == ["1", "2", "3"]


def test_a_receiver_that_never_recovers_ends_as_exhausted(api: Api, receiver: Receiver) -> None:
    receiver.answer = lambda _: Reply(503)
    webhook = api.create_webhook(receiver.url)["id"]
    api.data("POST", "/events", EVENT)
    [delivery] = eventually(lambda: deliveries(api, webhook, "exhausted"), seconds=60)
    assert len(delivery["attempts"]) == 4
    assert "nextAttemptAt" not in delivery


def test_a_long_wait_is_ended_by_the_sweeper(stack: Stack, receiver: Receiver) -> None:
    api = Api.of(stack, tenant="patient")
    receiver.answer = lambda _: Reply(200 if len(receiver.received) > 1 else 503)
    webhook = api.create_webhook(receiver.url, retrySchedule=[0, 3600])["id"]
    api.data("POST", "/events", EVENT)
    [waiting] = eventually(lambda: deliveries(api, webhook, "retrying"))
    assert waiting["nextAttemptAt"] > waiting["createdAt"]

    # The hour is over, and the sweeper has enqueued it before: so it also asks how late the queue is.
    stack.client("dynamodb").update_item(
        TableName=stack.env["JOBSPRINT_EVENTS_TABLE"],
        Key={"pk": {"S": f"patient#{webhook}"}, "sk": {"S": waiting["id"]}},
        UpdateExpression="SET dueAt = :now, sweeps = :one",
        ExpressionAttributeValues={":now": {"N": str(int(time.time() * 1000))}, ":one": {"N": "1"}},
    )
    function = stack.env["JOBSPRINT_SWEEP_DELIVERIES_FUNCTION"]
    event = (PROJECT / "events" / "sweep_deliveries.json").read_bytes()
    answer = stack.client("lambda").invoke(FunctionName=function, Payload=event)
    assert "FunctionError" not in answer, answer["Payload"].read()

    [delivery] = eventually(lambda: deliveries(api, webhook, "delivered"), seconds=60)
    assert [attempt["httpStatus"] for attempt in delivery["attempts"]] == [503, 200]
    assert [request.headers["x-jobsprint-attempt"] for request in receiver.received] == ["1", "2"]


def test_a_rotated_secret_and_the_one_before_both_verify(api: Api, receiver: Receiver) -> None:
    webhook = api.create_webhook(receiver.url + "/in")
    path = f"/integrations/webhooks/{webhook['id']}"
    rotated = api.data("POST", f"{path}/rotate-secret", {"overlapSeconds": 3600})
    assert api.data("POST", f"{path}/test", {"event": "workflow.executed"})["status"] == "healthy"
    api.data("POST", "/events", EVENT)

    for got in receiver.wait_for(2):
        for secret in (webhook["secret"], rotated["secret"]):
            assert Webhook(secret).verify(got.body, got.headers)["event"] == "workflow.executed"


def test_a_failure_explains_itself(api: Api, receiver: Receiver) -> None:
    receiver.answer = lambda _: Reply(503)
    webhook = api.create_webhook(receiver.url, headers={"X-Own": "own value"})["id"]
    path = f"/integrations/webhooks/{webhook}"
    api.data("POST", "/events", EVENT)
    [failed] = eventually(lambda: deliveries(api, webhook, "exhausted"), seconds=60)

    shown = api.data("GET", f"{path}/deliveries/{failed['id']}")
    first = shown["attempts"][0]
    assert shown["data"] == EVENT["data"]
    assert first["requestHeaders"]["webhook-id"] == receiver.received[0].headers["webhook-id"]
    assert first["requestHeaders"]["webhook-timestamp"] == receiver.received[0].headers["webhook-timestamp"]
    assert "own value" not in json.dumps(shown)
    assert first["failure"] == "http_5xx"
    assert first["nextStep"]
    stats = eventually(lambda: (s := api.data("GET", f"{path}/stats"))["last24Hours"]["failed"] >= 4 and s)
    assert stats["last7Days"]["codeClasses"] == {"5xx": 4}
    assert stats["retrying"] == {"count": 0, "more": False}
    found = api.data("GET", f"{path}/deliveries?state=exhausted&codeClass=5xx&event=workflow.executed")
    assert [delivery["id"] for delivery in found] == [failed["id"]]


def test_a_deleted_webhook_gets_nothing_more(api: Api, receiver: Receiver) -> None:
    receiver.answer = lambda _: Reply(500)
    webhook = api.create_webhook(receiver.url)["id"]
    api.data("POST", "/events", EVENT)
    receiver.wait_for(1)
    api.data("DELETE", f"/integrations/webhooks/{webhook}")
    before = len(receiver.received)
    api.create_webhook(receiver.url + "/other")
    assert len(receiver.received) <= before + 1


def test_gone_disables_the_webhook(api: Api, receiver: Receiver) -> None:
    receiver.answer = lambda _: Reply(410)
    webhook = api.create_webhook(receiver.url)["id"]
    api.data("POST", "/events", EVENT)
    shown = eventually(lambda: (w := api.data("GET", f"/integrations/webhooks/{webhook}"))["active"] is False and w)
    assert shown["disabledReason"]


def test_the_same_event_over_the_bus(stack: Stack, receiver: Receiver) -> None:
    api = Api.of(stack, tenant="bus-tenant")
    api.create_webhook(receiver.url)
    detail = {"tenant": "bus-tenant", "data": EVENT["data"], "id": "from-the-bus"}
    entry = {
        "Source": "jobsprint",
        "DetailType": "workflow.executed",
        "Detail": json.dumps(detail),
        "EventBusName": stack.env["JOBSPRINT_EVENT_BUS_NAME"],
    }
    answer = stack.client("events").put_events(Entries=[entry, entry])
    assert answer["FailedEntryCount"] == 0
    [first, *rest] = receiver.wait_for(1)
    assert first.json["data"] == EVENT["data"]
    assert {request.headers["webhook-id"] for request in rest} <= {first.headers["webhook-id"]}


def test_what_the_bus_refuses_is_kept_with_its_reason(stack: Stack) -> None:
    entry = {
        "Source": "jobsprint",
        "DetailType": "not a name!",
        "Detail": json.dumps({"tenant": "bus-tenant", "data": {}}),
        "EventBusName": stack.env["JOBSPRINT_EVENT_BUS_NAME"],
    }
    stack.client("events").put_events(Entries=[entry])
    sqs, url = stack.client("sqs"), stack.env["JOBSPRINT_REFUSED_EVENTS_URL"]
    [message] = eventually(lambda: sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages"))
    assert json.loads(message["Body"])["reason"]


def test_a_batch_is_judged_event_by_event(api: Api, receiver: Receiver) -> None:
    api.create_webhook(receiver.url)
    answer = api.call("POST", "/events", {"events": [{**EVENT, "id": "one"}, {"event": "no good!", "data": {}}]})
    assert answer.status_code == 202
    taken, refused = answer.json()["data"]
    assert (taken["externalId"], taken["deliveries"]) == ("one", 1)
    assert refused["error"]["code"]
    receiver.wait_for(1)


def test_the_same_id_is_one_event(api: Api, receiver: Receiver) -> None:
    api.create_webhook(receiver.url)
    first = api.data("POST", "/events", {**EVENT, "id": "once"})
    assert api.data("POST", "/events", {**EVENT, "id": "once"}) == first
    assert api.call("POST", "/events", {"event": "other", "data": {}, "id": "once"}).status_code == 409
    receiver.wait_for(1)


def test_every_one_of_a_hundred_events_arrives_once(api: Api, receiver: Receiver) -> None:
    api.create_webhook(receiver.url)
    for batch in range(4):
        events = [{"event": "load.test", "data": {"n": batch * 25 + n}, "id": f"n{batch * 25 + n}"} for n in range(25)]
        assert api.call("POST", "/events", {"events": events}).status_code == 202
    receiver.wait_for(100, seconds=60)
    assert sorted(request.json["data"]["n"] for request in receiver.received) == list(range(100))
