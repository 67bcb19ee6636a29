"""Polling endpoints through the API: creating them, polling, leases, acknowledging, and how they end."""

import hashlib
import hmac
import json
import time
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from jobsprint.core import aws as clients
from jobsprint.core.errors import Conflict
from jobsprint.delivery import polling
from jobsprint.delivery.attempt import Report
from jobsprint.delivery.polling import Acknowledgement, Message, PollRequest
from jobsprint.domain.deliveries import DeliveryRow
from jobsprint.repositories import poll_slots
from jobsprint.repositories.dynamodb import unmarshal_item
from tests.conftest import forget_settings
from tests.support.call import call
from tests.support.deliveries import Outbox, deliveries, dispatch, publish, record, subscribe, work
from tests.support.polling import acknowledge, acknowledged, poll, polling_endpoint, report
from tests.support.rows import rows, subscribed

pytestmark = pytest.mark.usefixtures("aws")

MINUTE, DAY = 60_000, 86_400_000


def now() -> int:
    return int(time.time() * 1000)


def polled_at(webhook: str, at: int, **asked: int) -> list[Message]:
    """The messages of a poll at another time (ms), at which no time passes."""
    return polling.poll("acme", webhook, PollRequest(**asked), clock=lambda: at, sleep=lambda _: None)


def item(webhook: str, delivery: str) -> dict[str, Any]:
    key = {"pk": {"S": f"acme#{webhook}"}, "sk": {"S": delivery}}
    return unmarshal_item(clients.dynamodb().get_item(TableName="EventsTable", Key=key)["Item"])


# --- creating ---------------------------------------------------------------------------------------------------------


def test_a_polling_endpoint_is_a_webhook_without_an_address(outbox: Outbox) -> None:
    made = polling_endpoint("order.*", retrySchedule=[0, 60], filter={"data": {"n": [1]}})

    assert made["id"].startswith("wh_")
    assert (made["type"], made["active"], made["events"]) == ("polling", True, ["order.*"])
    assert made["secret"].startswith("whsec_")
    assert not {"url", "headers", "lastPolledAt", "expiresIn"} & made.keys()
    path = f"/integrations/webhooks/{made['id']}"
    shown = call("GET", path).data
    assert shown == {name: value for name, value in made.items() if name != "secret"}
    assert call("GET", "/integrations/webhooks").data == [shown]
    assert call("GET", f"/integrations/{made['id']}").data["type"] == "webhook"
    assert call("PATCH", path, body={"events": ["a"], "name": "New"}).data["events"] == ["a"]
    assert outbox.sent == []
    assert call("DELETE", path).status == 200
    assert call("GET", path).status == 404


def test_an_ordinary_webhook_is_what_it_was() -> None:
    plain = subscribed()
    assert not {"type", "expiresIn", "lastPolledAt"} & plain.keys()
    assert subscribed(type="webhook").keys() == plain.keys()
    missing = call("POST", "/integrations/webhooks", body={"events": ["a"]})
    assert {detail["field"]: detail["message"] for detail in missing.error["details"]} == {
        "body.name": "is required",
        "body.url": "is required",
    }
    refused = call("POST", "/integrations/webhooks", body={"name": "n", "events": ["a"], "url": "", "expiresIn": 60})
    assert [detail["field"] for detail in refused.error["details"]] == ["body.url", "body.expiresIn"]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"url": "https://hooks.example.com/"}, ["body.url"]),
        ({"headers": {}}, ["body.headers"]),
        ({"rateLimit": 5}, ["body.rateLimit"]),
        ({"url": None, "events": []}, ["body.events", "body.url"]),
        ({"expiresIn": 59}, ["body.expiresIn"]),
        ({"expiresIn": 30 * 86_400 + 1}, ["body.expiresIn"]),
        ({"expiresIn": "60"}, ["body.expiresIn"]),
        ({"type": "poll"}, ["body.type"]),
        ({"type": None}, ["body.type"]),
        ({"no": 1}, ["body.no"]),
    ],
)
def test_what_a_polling_endpoint_cannot_have_is_named(fields: dict[str, Any], wrong: list[str]) -> None:
    body = {"type": "polling", "name": "n", "events": ["a"], **fields}
    before = rows()

    refused = call("POST", "/integrations/webhooks", body=body)

    assert (refused.status, refused.error["code"]) == (422, "invalid_fields")
    assert [detail["field"] for detail in refused.error["details"]] == wrong
    assert rows() == before


def test_a_polling_endpoint_gets_no_address_later() -> None:
    path = f"/integrations/webhooks/{polling_endpoint()['id']}"

    refused = call("PATCH", path, body={"url": "https://hooks.example.com/", "headers": {}, "rateLimit": 1})

    assert refused.status == 422
    fields = [detail["field"] for detail in refused.error["details"]]
    assert fields == ["body.url", "body.headers", "body.rateLimit"]


# --- publishing and polling -------------------------------------------------------------------------------------------


def test_publishing_writes_one_row_and_no_message(outbox: Outbox) -> None:
    endpoint = polling_endpoint()
    before = set(rows())

    event = publish(data={"n": 1})

    assert event["deliveries"] == 1
    assert outbox.sent == []
    written = set(rows()) - before
    assert len(written) == 2, "the event and the delivery"
    [delivery] = deliveries(endpoint["id"])
    assert (delivery["state"], delivery["attempts"], delivery["eventId"]) == ("pending", [], event["id"])
    assert "nextAttemptAt" not in delivery
    states = call("GET", f"/events/{event['id']}").data["deliveries"]
    assert (states["total"], states["pending"], states["queued"]) == (1, 1, 0)


def test_a_message_is_what_an_endpoint_would_get() -> None:
    endpoint = polling_endpoint()
    secret = endpoint["secret"]
    event = publish("order.paid", {"text": 'Grüße "☃"', "n": 1.5}, timestamp="2026-01-06T12:00:00Z")

    began = now()
    [message] = poll(endpoint["id"], "?lease=30")

    headers, body = message["headers"], message["body"]
    assert (message["eventId"], message["event"], message["attempt"]) == (event["id"], "order.paid", 1)
    assert headers.keys() == {
        "Content-Type",
        "User-Agent",
        "X-Jobsprint-Event",
        "X-Jobsprint-Attempt",
        "X-Jobsprint-Signature",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    }
    assert headers["webhook-id"] == event["id"]
    assert Webhook(secret).verify(body.encode(), headers)["data"] == {"text": 'Grüße "☃"', "n": 1.5}
    expected = hmac.digest(secret.encode(), body.encode(), "sha256").hex()
    assert headers["X-Jobsprint-Signature"] == f"sha256={expected}"
    payload = json.loads(body)
    signature = payload.pop("signature")
    signed = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    assert signature == f"sha256={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"
    assert began // 1000 <= int(headers["webhook-timestamp"]) <= now() // 1000
    assert message["leaseUntil"].endswith("Z")
    shown = call("GET", f"/integrations/webhooks/{endpoint['id']}").data
    assert shown["lastPolledAt"] >= "2026"
    assert call("GET", "/integrations/webhooks").data == [shown]


def test_a_rotated_secret_signs_at_once() -> None:
    endpoint = polling_endpoint()
    publish()
    rotated = call("POST", f"/integrations/webhooks/{endpoint['id']}/rotate-secret", body={}).data

    [message] = poll(endpoint["id"])

    assert len(message["headers"]["webhook-signature"].split(" ")) == 2
    for secret in (endpoint["secret"], rotated["secret"]):
        Webhook(secret).verify(message["body"].encode(), message["headers"])


def test_subscription_and_filter_count() -> None:
    endpoint = polling_endpoint("order.*", filter={"data": {"n": [{"numeric": [">", 1]}]}})

    assert publish("other", {"n": 2})["deliveries"] == 0
    assert publish("order.paid", {"n": 1})["deliveries"] == 0
    assert publish("order.paid", {"n": 2})["deliveries"] == 1
    assert [message["event"] for message in poll(endpoint["id"])] == ["order.paid"]


def test_a_repeated_event_is_handed_out_once() -> None:
    endpoint = polling_endpoint()
    publish(id="order-1")
    publish(id="order-1")
    [message] = poll(endpoint["id"])
    acknowledged(endpoint["id"], report(message))
    publish(id="order-1")

    assert poll(endpoint["id"]) == []
    assert len(deliveries(endpoint["id"])) == 1


def test_messages_come_in_the_order_of_publishing_at_most_a_hundred() -> None:
    endpoint = polling_endpoint()
    for start in range(0, 150, 25):
        events = [{"event": "a", "data": {"n": start + number}} for number in range(25)]
        assert call("POST", "/events", body={"events": events}).status == 202
        time.sleep(0.002)

    first, second = poll(endpoint["id"]), poll(endpoint["id"])

    numbers = [json.loads(message["body"])["data"]["n"] for message in [*first, *second]]
    assert numbers == list(range(150))
    assert (len(first), len(second), poll(endpoint["id"])) == (100, 50, [])
    assert len({message["leaseToken"] for message in [*first, *second]}) == 150


def test_what_was_leased_comes_before_what_was_published_later() -> None:
    endpoint = polling_endpoint()
    for number in range(6):
        publish(data={"n": number})
        time.sleep(0.002)
    began = now()
    assert len(polled_at(endpoint["id"], began, limit=2, lease=10)) == 2
    assert len(polled_at(endpoint["id"], began, limit=2, lease=900)) == 2

    messages = polled_at(endpoint["id"], began + 10_000, limit=3)

    assert [json.loads(message.body)["data"]["n"] for message in messages] == [0, 1, 4]


def test_an_answer_has_at_most_four_megabytes_and_one_message_at_least() -> None:
    endpoint = polling_endpoint()
    for _ in range(22):
        publish(data={"text": "x" * 199_000})
    publish(data={"text": '\\"' * 49_000})

    sizes = []
    while messages := poll(endpoint["id"]):
        sizes.append(sum(len(message["body"]) for message in messages))
        assert sizes[-1] <= 4_000_000
    assert (len(sizes), sizes[0]) == (2, 20 * (sizes[0] // 20))
    assert len(deliveries(endpoint["id"], "?limit=100")) == 23


@pytest.mark.parametrize("query", ["?wait=21", "?wait=-1", "?lease=9", "?lease=901", "?limit=0", "?limit=101", "?x=1"])
def test_bounds_of_a_poll(query: str) -> None:
    refused = call("GET", f"/integrations/webhooks/{polling_endpoint()['id']}/poll{query}")
    assert refused.status == 422


def test_a_poll_waits_for_a_message_and_looks_once_a_second() -> None:
    endpoint = polling_endpoint()
    clock = [now()]
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock[0] += round(seconds * 1000)
        if len(slept) == 3:
            publish()

    request = PollRequest(wait=20)
    messages = polling.poll("acme", endpoint["id"], request, clock=lambda: clock[0], sleep=sleep)
    assert (len(messages), slept) == (1, [1.0, 1.0, 1.0])
    slept.clear()
    assert polling.poll("acme", endpoint["id"], PollRequest(wait=2), clock=lambda: clock[0], sleep=sleep) == []
    assert slept == [1.0, 1.0]


# --- leases and acknowledging -----------------------------------------------------------------------------------------


def test_what_is_acknowledged_is_delivered() -> None:
    endpoint = polling_endpoint()
    publish()
    [message] = poll(endpoint["id"])
    [leased] = deliveries(endpoint["id"])
    assert (leased["state"], leased["nextAttemptAt"]) == ("pending", message["leaseUntil"])

    [outcome] = acknowledged(endpoint["id"], report(message, statusCode=204, message="stored"))

    assert outcome == {"deliveryId": message["deliveryId"], "status": 200, "state": "delivered"}
    path = f"/integrations/webhooks/{endpoint['id']}/deliveries/{message['deliveryId']}"
    delivery = call("GET", path).data
    [attempt] = delivery["attempts"]
    assert (delivery["state"], attempt["attempt"], attempt["status"]) == ("delivered", 1, "success")
    assert (attempt["httpStatus"], attempt["response"]) == (204, "stored")
    assert "url" not in attempt
    assert not {"dueShard", "dueAt", "endsAt", "leaseToken", "listed"} & item(endpoint["id"], delivery["id"]).keys()
    assert poll(endpoint["id"]) == []
    stats = call("GET", f"/integrations/webhooks/{endpoint['id']}/stats").data
    assert (stats["last24Hours"]["successful"], stats["pending"]["count"]) == (1, 0)
    logs = call("GET", f"/integrations/{endpoint['id']}/logs").data
    assert [(log["status"], log["action"]) for log in logs] == [("success", "workflow.executed")]


def test_acknowledging_is_idempotent() -> None:
    endpoint = polling_endpoint()
    publish()
    [message] = poll(endpoint["id"])
    first = acknowledged(endpoint["id"], report(message))
    before = rows()

    assert acknowledged(endpoint["id"], report(message)) == first
    assert acknowledged(endpoint["id"], report(message, "error"), report(message)) == first * 2
    assert rows() == before


def test_two_reports_of_one_message_are_one_attempt() -> None:
    endpoint = polling_endpoint()
    publish()
    [message] = poll(endpoint["id"])

    outcomes = acknowledged(endpoint["id"], *[report(message)] * 10)

    assert {outcome["state"] for outcome in outcomes} == {"delivered"}
    assert len(deliveries(endpoint["id"])[0]["attempts"]) == 1
    stats = call("GET", f"/integrations/webhooks/{endpoint['id']}/stats").data
    assert stats["last24Hours"]["attempts"] == 1


def test_what_is_not_acknowledged_is_handed_out_again_after_its_lease() -> None:
    endpoint = polling_endpoint()
    publish()
    began = now()
    [first] = polled_at(endpoint["id"], began, lease=10)
    assert polled_at(endpoint["id"], began + 9_999) == []

    [again] = polled_at(endpoint["id"], began + 10_000, lease=900)

    assert (again.due.task.attempt, again.headers["X-Jobsprint-Attempt"]) == (1, "1")
    assert again.lease != first.lease
    assert deliveries(endpoint["id"])[0]["attempts"] == []
    late, known = acknowledged(
        endpoint["id"],
        {"deliveryId": first.due.task.delivery_id, "leaseToken": first.lease, "status": "success"},
        {"deliveryId": again.due.task.delivery_id, "leaseToken": again.lease, "status": "success"},
    )
    assert (late["status"], late["error"]["code"]) == (409, "lease_ended")
    assert (known["status"], known["state"]) == (200, "delivered")


def test_a_lease_that_ended_counts_until_the_message_is_handed_out_again() -> None:
    endpoint = polling_endpoint()
    publish()
    [message] = polled_at(endpoint["id"], now(), lease=10)
    said = Acknowledgement(message.due.task.delivery_id, message.lease, Report("success"))

    [row] = polling.acknowledge("acme", endpoint["id"], [said], now() + DAY)

    assert isinstance(row, DeliveryRow)
    assert row.delivery.state == "delivered"


def test_what_nobody_knows_is_not_found() -> None:
    endpoint, other = polling_endpoint(), polling_endpoint()
    publish()
    [message] = poll(endpoint["id"])
    unknown = {**report(message), "deliveryId": "dlv_01jgzq4x8m7v2c5k9t3w6y0n1p"}

    outcomes = acknowledged(endpoint["id"], unknown, {**unknown, "deliveryId": "x"}, report(message))

    assert [outcome["status"] for outcome in outcomes] == [404, 404, 200]
    assert outcomes[0]["error"]["code"] == "delivery_not_found"
    [outcome] = acknowledged(other["id"], report(message))
    assert outcome["status"] == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messages": []},
        {"messages": [{}]},
        {"messages": [{"deliveryId": "d", "leaseToken": "t", "status": "ok"}]},
        {"messages": [{"deliveryId": "d", "leaseToken": "t", "status": "error", "statusCode": 600}]},
        {"messages": [{"deliveryId": "d", "leaseToken": "t", "status": "error", "message": "x" * 2049}]},
        {"messages": [{"deliveryId": "d", "leaseToken": "t", "status": "error"}] * 101},
    ],
)
def test_reports_that_cannot_be(body: Any) -> None:
    refused = call("POST", f"/integrations/webhooks/{polling_endpoint()['id']}/ack", body=body)
    assert refused.status == 422


def test_a_reported_failure_is_handed_out_again_by_the_schedule() -> None:
    endpoint = polling_endpoint(retrySchedule=[0, 60, 120])
    publish()
    at = now()
    for number, status_code in ((1, 500), (2, None), (3, 204)):
        [message] = polled_at(endpoint["id"], at)
        assert message.headers["X-Jobsprint-Attempt"] == str(number)
        said = {"deliveryId": message.due.task.delivery_id, "leaseToken": message.lease, "status": "error"}
        [outcome] = acknowledged(endpoint["id"], said | ({"statusCode": status_code} if status_code else {}))
        assert acknowledged(endpoint["id"], said) == [outcome]
        if number < 3:
            assert outcome["state"] == "retrying"
            wait = 60_000 * number
            assert polled_at(endpoint["id"], now() + wait - 5_000) == []
            at = now() + wait * 12 // 10

    assert outcome["state"] == "exhausted"
    assert polled_at(endpoint["id"], at + DAY) == []
    [delivery] = deliveries(endpoint["id"], "?state=exhausted")
    assert [(one["attempt"], one["failure"]) for one in delivery["attempts"]] == [
        (1, "http_5xx"),
        (2, "reported"),
        (3, "reported"),
    ]
    detail = call("GET", f"/integrations/webhooks/{endpoint['id']}/deliveries/{delivery['id']}").data
    assert all("reported" in one["explanation"] or "failed" in one["explanation"] for one in detail["attempts"])
    webhook = call("GET", f"/integrations/webhooks/{endpoint['id']}").data
    assert webhook["active"] is True


def test_the_first_attempt_waits_as_the_schedule_says() -> None:
    endpoint = polling_endpoint(retrySchedule=[600])
    publish()

    assert poll(endpoint["id"]) == []
    [delivery] = deliveries(endpoint["id"])
    assert (delivery["state"], "nextAttemptAt" in delivery) == ("pending", True)
    assert len(polled_at(endpoint["id"], now() + 600_000)) == 1


def test_what_a_client_says_is_masked_and_cut() -> None:
    endpoint = polling_endpoint()
    publish()
    [message] = poll(endpoint["id"])
    acknowledged(endpoint["id"], report(message, "error", message=f"{endpoint['secret']} {'☃' * 1900}"))

    [attempt] = deliveries(endpoint["id"])[0]["attempts"]

    assert endpoint["secret"] not in attempt["response"]
    assert len(attempt["response"].encode()) <= 2048
    assert endpoint["secret"] not in "\n".join(rows())


# --- limits -----------------------------------------------------------------------------------------------------------


def test_five_polls_of_a_tenant_may_be_under_way() -> None:
    endpoint, other = polling_endpoint(), polling_endpoint()
    theirs = polling_endpoint(tenant="globex")
    until = now() + 15_000
    slots = [poll_slots.take(poll_slots.of_tenant("acme"), 5, until, now()) for _ in range(5)]
    assert len({slot.number for slot in slots if isinstance(slot, poll_slots.Slot)}) == 5

    for one in (endpoint, other):
        refused = call("GET", f"/integrations/webhooks/{one['id']}/poll")
        assert (refused.status, refused.error["code"]) == (429, "too_many_polls")
        assert 1 <= int(refused.headers["Retry-After"]) <= 15
    assert poll(theirs["id"], tenant="globex") == []
    assert isinstance(slots[3], poll_slots.Slot)
    poll_slots.give_back(slots[3])
    for _ in range(6):
        assert poll(endpoint["id"]) == [], "each poll gives its slot back"
    later = poll_slots.take(poll_slots.of_tenant("acme"), 5, until + 1, until)
    assert isinstance(later, poll_slots.Slot), "a slot of a poll that died ends by itself"


def test_so_many_polls_may_be_under_way_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLL_CONCURRENCY", "2")
    forget_settings()
    endpoint = polling_endpoint()
    for _ in range(2):
        poll_slots.take(poll_slots.ALL_TENANTS, 2, now() + 60_000, now())

    refused = call("GET", f"/integrations/webhooks/{endpoint['id']}/poll")

    assert (refused.status, refused.error["code"], refused.headers["Retry-After"]) == (429, "too_many_polls", "20")
    own = poll_slots.take(poll_slots.of_tenant("acme"), 1, now() + 1, now())
    assert isinstance(own, poll_slots.Slot), "the tenant's slot was given back"


def test_a_poll_passes_while_the_limit_cannot_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = polling_endpoint()
    publish()
    monkeypatch.setenv("LIMITS_TABLE", "none")
    forget_settings()

    assert len(poll(endpoint["id"])) == 1


# --- states -----------------------------------------------------------------------------------------------------------


def test_what_waits_outlives_a_pause() -> None:
    endpoint = polling_endpoint()
    path = f"/integrations/webhooks/{endpoint['id']}"
    publish()
    [message] = poll(endpoint["id"], "?limit=1")
    publish()
    call("PATCH", path, body={"active": False})

    refused = call("GET", f"{path}/poll")
    assert (refused.status, refused.error["code"]) == (409, "webhook_paused")
    assert publish()["deliveries"] == 0
    assert acknowledged(endpoint["id"], report(message))[0]["state"] == "delivered"
    call("PATCH", path, body={"active": True})
    assert len(poll(endpoint["id"])) == 1


def test_a_pause_counts_for_a_poll_that_waits() -> None:
    endpoint = polling_endpoint()
    clock = [now()]

    def sleep(seconds: float) -> None:
        clock[0] += round(seconds * 1000)
        publish()
        call("PATCH", f"/integrations/webhooks/{endpoint['id']}", body={"active": False})

    with pytest.raises(Conflict):
        polling.poll("acme", endpoint["id"], PollRequest(wait=20), clock=lambda: clock[0], sleep=sleep)


def test_what_waits_is_exhausted_when_its_retention_ends() -> None:
    endpoint = polling_endpoint()
    publish(data={"n": 1})
    [delivery] = deliveries(endpoint["id"])
    row = item(endpoint["id"], delivery["id"])
    assert row["endsAt"] - now() == pytest.approx(30 * DAY, abs=MINUTE)
    assert row["expiresAt"] * 1000 == pytest.approx(row["endsAt"] + 30 * DAY, abs=MINUTE)
    later = now() + 30 * DAY

    key = {"pk": {"S": f"acme#{endpoint['id']}"}, "sk": {"S": delivery["id"]}}
    clients.dynamodb().update_item(
        TableName="EventsTable",
        Key=key,
        UpdateExpression="SET endsAt = :past",
        ExpressionAttributeValues={":past": {"N": str(now())}},
    )
    for query in ("", "?state=exhausted"):
        assert [one["state"] for one in deliveries(endpoint["id"], query)] == ["exhausted"], "though nobody polled"
    assert deliveries(endpoint["id"], "?state=pending") == []
    assert polled_at(endpoint["id"], later) == []
    assert [one["id"] for one in deliveries(endpoint["id"], "?state=exhausted")] == [delivery["id"]]
    assert not {"dueShard", "endsAt"} & item(endpoint["id"], delivery["id"]).keys()


def test_what_waits_at_a_deleted_endpoint_is_discarded() -> None:
    endpoint = polling_endpoint()
    publish()
    publish()
    [message] = poll(endpoint["id"], "?limit=1")
    acknowledged(endpoint["id"], report(message))
    call("DELETE", f"/integrations/webhooks/{endpoint['id']}")

    assert sorted(one["state"] for one in deliveries(endpoint["id"])) == ["delivered", "discarded"]
    assert call("GET", f"/integrations/webhooks/{endpoint['id']}/poll").status == 404
    assert acknowledge(endpoint["id"], report(message)).status == 404


def test_operations_of_the_other_kind_are_refused(outbox: Outbox) -> None:
    endpoint, plain = polling_endpoint(), subscribe("https://hooks.example.com/")

    for path in (f"/integrations/webhooks/{endpoint['id']}/test", f"/integrations/{endpoint['id']}/test"):
        refused = call("POST", path)
        assert (refused.status, refused.error["code"]) == (409, "wrong_webhook_type")
        assert "publish an event" in refused.error["message"]
    said = {"deliveryId": "d", "leaseToken": "t", "status": "success"}
    for refused in (call("GET", f"/integrations/webhooks/{plain['id']}/poll"), acknowledge(plain["id"], said)):
        assert (refused.status, refused.error["code"]) == (409, "wrong_webhook_type")


# --- resending and recovering -----------------------------------------------------------------------------------------


def test_a_resent_message_is_handed_out_at_once(outbox: Outbox) -> None:
    endpoint = polling_endpoint(retrySchedule=[0, 3600])
    path = f"/integrations/webhooks/{endpoint['id']}/deliveries"
    publish()
    [delivery] = deliveries(endpoint["id"])
    assert call("POST", f"{path}/{delivery['id']}/resend").status == 202, "it waits already"

    for number, status in ((1, "error"), (2, "success"), (3, "success")):
        [message] = poll(endpoint["id"])
        assert message["attempt"] == number
        refused = call("POST", f"{path}/{delivery['id']}/resend")
        assert (refused.status, refused.error["code"]) == (409, "delivery_in_progress")
        acknowledged(endpoint["id"], report(message, status))
        assert poll(endpoint["id"]) == []
        assert call("POST", f"{path}/{delivery['id']}/resend").data["state"] == "retrying"
    assert [message["attempt"] for message in poll(endpoint["id"])] == [4]
    assert outbox.sent == []


def test_a_recovery_makes_rows_and_no_messages(outbox: Outbox) -> None:
    publish()
    publish(id="named")
    endpoint = polling_endpoint(retrySchedule=[0])
    publish()
    [message] = poll(endpoint["id"])
    acknowledged(endpoint["id"], report(message, "error"))
    path = f"/integrations/webhooks/{endpoint['id']}/recover"
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3600))

    job = call("POST", path, body={"since": since, "perSecond": 1000}).data
    while steps := outbox.take("RecoveryQueue"):
        assert work("recover_deliveries", *(record(step.body) for step in steps)) == []

    done = call("GET", f"{path}/{job['id']}").data
    assert (done["status"], done["sent"]) == ("done", 3)
    assert outbox.sent == []
    assert len(polled_at(endpoint["id"], now() + MINUTE)) == 3


# --- expiry -----------------------------------------------------------------------------------------------------------


def test_an_endpoint_that_nobody_polls_is_removed(outbox: Outbox) -> None:
    endpoint = polling_endpoint(expiresIn=3600)
    path = f"/integrations/webhooks/{endpoint['id']}"
    assert endpoint["expiresIn"] == 3600
    [check] = outbox.take_expiry_checks()
    assert check.json["notBefore"] == pytest.approx(now() + 3_600_000, abs=MINUTE)
    assert check.delay == 900
    poll(endpoint["id"])

    assert dispatch(record(json.dumps({**check.json, "notBefore": 0}))) == []
    [check] = outbox.take_expiry_checks()
    assert call("GET", path).status == 200, "it was polled since"

    clients.dynamodb().update_item(
        TableName="TenantsTable",
        Key={"pk": {"S": "acme#activity"}, "sk": {"S": endpoint["id"]}},
        UpdateExpression="SET lastPolled = :past",
        ExpressionAttributeValues={":past": {"N": str(now() - 3_600_001)}},
    )
    assert dispatch(record(json.dumps({**check.json, "notBefore": 0}))) == []
    assert call("GET", path).status == 404
    assert outbox.sent == []
    assert dispatch(record(json.dumps({**check.json, "notBefore": 0}))) == []


def test_an_endpoint_without_an_end_stays(outbox: Outbox) -> None:
    polling_endpoint()
    assert outbox.sent == []
