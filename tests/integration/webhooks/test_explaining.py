"""Deliveries that explain themselves: one whole, lists by every filter, the webhook's own test, and its figures."""

import json
import time
from typing import Any

import pytest

from jobsprint.core import aws as clients
from jobsprint.core.clock import iso_millis, iso_seconds, now_ms, parse_iso
from jobsprint.core.ids import new_id
from jobsprint.core.redaction import MASK
from jobsprint.domain import delivery_failures, delivery_stats
from jobsprint.domain.endpoint_health import Totals
from jobsprint.repositories.delivery_stats import HOUR_MS, StatsStore
from jobsprint.repositories.integrations import IntegrationStore
from jobsprint.webhooks import stats
from tests.support.call import call
from tests.support.deliveries import Outbox, deliveries, dispatch, due, publish, record, subscribe
from tests.support.receiver import Receiver, Reply
from tests.support.rows import rows

SECRET = "webhook_secret_key"
OWN = {"Authorization": "Bearer own-token-1234", "X-Custom": "own value"}


@pytest.fixture
def outbox(outbox: Outbox, calm: None) -> Outbox:
    return outbox


@pytest.fixture
def webhook(outbox: Outbox, endpoint: Receiver) -> dict[str, Any]:
    return subscribe(endpoint.url + "/hook?token=url-token-1234", secret=SECRET, headers=OWN)


def send(outbox: Outbox, event: str = "workflow.executed", data: Any = None, attempts: int = 1) -> str:
    """Publishes an event and works that many attempts; the id of its delivery."""
    publish(event, data)
    [message] = outbox.take()
    body = message.body
    for number in range(attempts):
        assert dispatch(record(body)) == []
        retries = outbox.take()
        if number + 1 < attempts:
            body = due(retries[0])
    return str(message.json["deliveryId"])


def detail(webhook_id: str, delivery_id: str) -> Any:
    answer = call("GET", f"/integrations/webhooks/{webhook_id}/deliveries/{delivery_id}")
    assert answer.status == 200, answer.body
    return answer.data


def masked(headers: dict[str, str]) -> dict[str, str]:
    """Headers as they came in, without those of the connection, masked here and not by the code under test."""
    ours = {name: value for name, value in headers.items() if name not in CONNECTION}
    signatures = " ".join(f"v1,{MASK}" for _ in ours["webhook-signature"].split(" "))
    own = {name.lower(): MASK for name in OWN}
    return {**ours, **own, "webhook-signature": signatures, "x-jobsprint-signature": f"sha256={MASK}"}


CONNECTION = {"host", "accept", "accept-encoding", "content-length"}


# --- one delivery -----------------------------------------------------------------------------------------------------


def test_a_delivery_shows_what_was_sent_and_what_came_back(
    outbox: Outbox, endpoint: Receiver, webhook: dict[str, Any]
) -> None:
    replies = [Reply(503, {"try": "later"}), Reply(200, {"ok": True})]
    endpoint.answer = lambda _: replies.pop(0)
    data = {"n": 1.5, "ü": [None, 1e21]}
    delivery_id = send(outbox, data=data)
    call("POST", f"/integrations/webhooks/{webhook['id']}/rotate-secret")
    [listed] = deliveries(webhook["id"])
    message = {**_next_task(webhook["id"], delivery_id), "attempt": 2}
    assert dispatch(record(json.dumps(message))) == []

    shown = detail(webhook["id"], delivery_id)

    [entry] = deliveries(webhook["id"])
    assert {name: shown[name] for name in entry if name != "attempts"} == {
        name: value for name, value in entry.items() if name != "attempts"
    }
    assert (shown["state"], shown["data"]) == ("delivered", data)
    assert shown["timestamp"] == json.loads(endpoint.received[0].body)["timestamp"]
    for attempt, in_list, got in zip(shown["attempts"], entry["attempts"], endpoint.received, strict=True):
        assert {name: attempt[name] for name in in_list} == in_list
        assert attempt["url"] == f"{endpoint.url}/hook?token={MASK}"
        assert {name.lower(): value for name, value in attempt["requestHeaders"].items()} == masked(got.headers)
        assert set(attempt["timings"]) == {"dns", "connect", "tls", "first_byte", "total"}
    first, second = shown["attempts"]
    assert listed["attempts"][0]["failure"] == first["failure"] == "http_5xx"
    assert (first["explanation"], first["nextStep"]) == (
        delivery_failures.meaning("http_5xx").explanation,
        delivery_failures.meaning("http_5xx").next_step,
    )
    assert not {"failure", "explanation", "nextStep"} & second.keys()
    assert first["requestHeaders"]["webhook-signature"].count("v1,") == 1
    assert second["requestHeaders"]["webhook-signature"].count("v1,") == 2
    whole = json.dumps(shown)
    assert not [secret for secret in (SECRET, "own-token-1234", "own value", "url-token-1234") if secret in whole]


def _next_task(webhook_id: str, delivery_id: str) -> dict[str, Any]:
    """The task of a delivery's next attempt, as a message without its attempt number."""
    item = clients.dynamodb().get_item(
        TableName="EventsTable", Key={"pk": {"S": f"acme#{webhook_id}"}, "sk": {"S": delivery_id}}
    )["Item"]
    names = ("event", "eventId", "eventKey", "timestamp")
    return {
        "kind": "delivery",
        "tenant": "acme",
        "webhookId": webhook_id,
        "deliveryId": delivery_id,
        **{name: item[name]["S"] for name in names},
    }


def test_the_url_and_headers_are_those_of_then(outbox: Outbox, endpoint: Receiver, webhook: dict[str, Any]) -> None:
    delivery_id = send(outbox)
    call(
        "PATCH",
        f"/integrations/webhooks/{webhook['id']}",
        body={"url": endpoint.url + "/elsewhere", "headers": {"X-New": "new value"}},
    )

    [attempt] = detail(webhook["id"], delivery_id)["attempts"]

    assert attempt["url"].startswith(endpoint.url + "/hook")
    assert "X-Custom" in attempt["requestHeaders"]
    assert "X-New" not in attempt["requestHeaders"]


def test_a_failure_without_an_answer_says_what_it_means(outbox: Outbox, endpoint: Receiver) -> None:
    webhook = subscribe("https://nobody.invalid/hook")
    delivery_id = send(outbox)

    [attempt] = detail(webhook["id"], delivery_id)["attempts"]

    assert (attempt["failure"], "httpStatus" in attempt) == ("dns", False)
    assert attempt["explanation"] == "The host name of the URL has no address"
    assert attempt["nextStep"].endswith("; the event is sent again")


@pytest.mark.parametrize("status", [500, 404, 302])
def test_the_next_step_after_the_last_attempt_is_to_resend(outbox: Outbox, endpoint: Receiver, status: int) -> None:
    webhook = subscribe(endpoint.url, retrySchedule=[0])
    endpoint.answer = lambda _: Reply(status)
    shown = detail(webhook["id"], send(outbox))

    assert shown["state"] == "exhausted"
    assert shown["attempts"][0]["nextStep"].endswith("; then resend the delivery")
    assert "again" not in shown["attempts"][0]["nextStep"]


def test_the_data_is_left_out_once_the_event_is_gone(
    outbox: Outbox, endpoint: Receiver, webhook: dict[str, Any]
) -> None:
    delivery_id = send(outbox)
    for item in clients.dynamodb().scan(TableName="EventsTable")["Items"]:
        if item["sk"]["S"].startswith("evt_"):
            clients.dynamodb().delete_item(TableName="EventsTable", Key={"pk": item["pk"], "sk": item["sk"]})

    shown = detail(webhook["id"], delivery_id)

    assert "data" not in shown
    assert shown["state"] == "delivered"


def test_a_delivery_belongs_to_its_webhook_and_tenant(
    outbox: Outbox, endpoint: Receiver, webhook: dict[str, Any]
) -> None:
    delivery_id = send(outbox)
    other = subscribe(endpoint.url)["id"]
    theirs = subscribe(endpoint.url, tenant="other")["id"]
    path = "/integrations/webhooks/{}/deliveries/{}"

    for target, tenant, code in (
        (path.format(other, delivery_id), "acme", "delivery_not_found"),
        (path.format(webhook["id"], new_id("dlv", 1)), "acme", "delivery_not_found"),
        (path.format(webhook["id"], "nonsense"), "acme", "delivery_not_found"),
        (path.format(webhook["id"], delivery_id), "other", "webhook_not_found"),
        (path.format(theirs, delivery_id), "other", "delivery_not_found"),
    ):
        answer = call("GET", target, tenant=tenant)
        assert (answer.status, answer.error["code"]) == (404, code), target
    key = {"pk": {"S": f"acme#{webhook['id']}"}, "sk": {"S": delivery_id}}
    row = clients.dynamodb().get_item(TableName="EventsTable", Key=key)["Item"]
    clients.dynamodb().put_item(TableName="EventsTable", Item={**row, "expiresAt": {"N": "1"}})
    assert call("GET", path.format(webhook["id"], delivery_id)).status == 404


# --- lists ------------------------------------------------------------------------------------------------------------


def found(webhook_id: str, query: str, limit: int = 2) -> list[str]:
    """The ids of all deliveries that a list shows, over all of its pages."""
    path = f"/integrations/webhooks/{webhook_id}/deliveries?limit={limit}{query}"
    answer = call("GET", path)
    assert answer.status == 200, answer.body
    ids = [delivery["id"] for delivery in answer.data]
    while answer.body["pagination"]["hasMore"]:
        answer = call("GET", f"{path}&cursor={answer.body['pagination']['nextCursor']}")
        assert len(answer.data) <= limit
        ids += [delivery["id"] for delivery in answer.data]
    return ids


def test_lists_find_by_every_filter_and_their_pages_lose_nothing(
    outbox: Outbox, endpoint: Receiver, webhook: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    statuses = {"good": 200, "bad": 404, "down": 503, "moved": 301}
    endpoint.answer = lambda request: Reply(statuses[request.json["data"]["is"]])
    sent: list[tuple[str, str, str]] = []
    for number, kind in enumerate(["good", "bad", "down", "moved", "bad", "good", "down", "bad"]):
        event = "a.even" if number % 2 == 0 else "a.odd"
        attempts = 4 if kind == "down" else 1
        sent.append((send(outbox, event, {"is": kind}, attempts=attempts), kind, event))
        time.sleep(0.002)  # ids of one millisecond have no order
    newest = sent[::-1]

    def those(*kinds: str, event: str = "") -> list[str]:
        return [id_ for id_, kind, name in newest if kind in kinds and event in name]

    for limit in (2, 100):
        for query, expected in (
            ("", [id_ for id_, *_ in newest]),
            ("&state=delivered", those("good")),
            ("&state=retrying", those("bad", "moved")),
            ("&state=exhausted", those("down")),
            ("&state=discarded", []),
            ("&state=pending", []),
            ("&event=a.odd", those("good", "bad", "down", "moved", event="odd")),
            ("&state=retrying&event=a.odd", those("bad", "moved", event="odd")),
            ("&codeClass=2xx", those("good")),
            ("&codeClass=3xx", those("moved")),
            ("&codeClass=4xx", those("bad")),
            ("&codeClass=5xx&state=exhausted", those("down")),
            ("&codeClass=none", []),
            ("&failure=http_4xx", those("bad")),
            ("&failure=http_4xx&codeClass=5xx", []),
        ):
            assert found(webhook["id"], query, limit) == expected, (limit, query)

    # Time is that of publishing, and both ends are in.
    middle = parse_iso(detail(webhook["id"], sent[3][0])["timestamp"])
    published = {id_: _published_at(id_) for id_, *_ in sent}
    for state in ("", "&state=retrying"):
        all_of_them = found(webhook["id"], state)
        for ms in (published[sent[2][0]], published[sent[5][0]], middle):
            later = found(webhook["id"], f"{state}&fromDate={iso_millis(ms)}")
            assert later == [id_ for id_ in all_of_them if published[id_] >= ms]
            sooner = found(webhook["id"], f"{state}&toDate={iso_millis(ms)}")
            assert sooner == [id_ for id_ in all_of_them if published[id_] <= ms]
            to_the_second = found(webhook["id"], f"{state}&toDate={iso_seconds(ms)}")
            assert to_the_second == [id_ for id_ in all_of_them if published[id_] // 1000 <= ms // 1000]
    assert found(webhook["id"], "&fromDate=2030-01-02&toDate=2030-01-01") == []
    assert found(webhook["id"], f"&toDate={iso_seconds(min(published.values()) - 1000)}") == []


def _published_at(delivery_id: str) -> int:
    digits = "0123456789abcdefghjkmnpqrstvwxyz"
    ms = 0
    for character in delivery_id.removeprefix("dlv_")[:10]:
        ms = ms * 32 + digits.index(character)
    return ms


@pytest.mark.parametrize(
    "query",
    ["state=lost", "codeClass=6xx", "codeClass=200", "fromDate=yesterday", "toDate=1969-12-31", f"event={'x' * 201}"],
)
def test_a_filter_that_makes_no_sense_is_refused(webhook: dict[str, Any], query: str) -> None:
    answer = call("GET", f"/integrations/webhooks/{webhook['id']}/deliveries?{query}")
    assert (answer.status, answer.error["details"][0]["field"]) == (422, f"query.{query.partition('=')[0]}")


def test_a_cursor_belongs_to_its_filters(outbox: Outbox, endpoint: Receiver, webhook: dict[str, Any]) -> None:
    endpoint.answer = lambda _: Reply(500)
    for _ in range(2):
        send(outbox)
    path = f"/integrations/webhooks/{webhook['id']}/deliveries?limit=1"
    cursor = call("GET", f"{path}&state=retrying&codeClass=5xx").body["pagination"]["nextCursor"]

    assert call("GET", f"{path}&state=retrying&codeClass=5xx&cursor={cursor}").status == 200
    for other in ("", "&state=retrying", "&state=retrying&codeClass=4xx", "&state=exhausted&codeClass=5xx"):
        assert call("GET", f"{path}{other}&cursor={cursor}").error["code"] == "invalid_cursor"


def test_a_list_by_state_trusts_the_rows_and_not_the_index(
    outbox: Outbox, endpoint: Receiver, webhook: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.answer = lambda _: Reply(500)
    ids = []
    for _ in range(3):
        ids.append(send(outbox))
        time.sleep(0.002)
    # What the index would still say for a moment: one row has moved on, one is gone.
    _, gone, moved = ids
    table, pk = clients.dynamodb(), f"acme#{webhook['id']}"
    table.update_item(
        TableName="EventsTable",
        Key={"pk": {"S": pk}, "sk": {"S": moved}},
        UpdateExpression="SET #state = :delivered",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":delivered": {"S": "delivered"}},
    )
    real = type(table).batch_get_item

    def without_one(self: Any, **request: Any) -> Any:
        answer = real(self, **request)
        for table_name, items in answer["Responses"].items():
            answer["Responses"][table_name] = [item for item in items if item["sk"]["S"] != gone]
        return answer

    monkeypatch.setattr(type(table), "batch_get_item", without_one)

    assert found(webhook["id"], "&state=retrying", 1) == [ids[0]]


# --- the webhook's own test -------------------------------------------------------------------------------------------


def test_a_test_sends_a_signed_sample_and_leaves_no_trace(
    outbox: Outbox, endpoint: Receiver, webhook: dict[str, Any]
) -> None:
    before = rows()

    answer = call("POST", f"/integrations/webhooks/{webhook['id']}/test")

    result = answer.data.pop("testResult")
    assert answer.data == {"id": webhook["id"], "status": "healthy"}
    assert (result["passed"], result["message"]) == (True, "Connection successful")
    [got] = endpoint.received
    assert (got.json["event"], got.json["data"]) == ("ping", {"webhookId": webhook["id"], "test": True})
    assert list(got.json) == ["event", "timestamp", "data", "signature"]
    assert got.headers["x-jobsprint-event"] == "ping"
    assert got.headers["x-custom"] == "own value"
    assert got.headers["user-agent"] == "Jobsprint-Webhooks/1.0"
    assert {"webhook-id", "webhook-timestamp", "webhook-signature", "x-jobsprint-signature"} <= got.headers.keys()
    assert (rows(), outbox.take()) == (before, [])


def test_a_test_may_name_an_event(endpoint: Receiver, webhook: dict[str, Any]) -> None:
    path = f"/integrations/webhooks/{webhook['id']}/test"

    assert call("POST", path, body={"event": "workflow.executed"}).data["status"] == "healthy"
    assert call("POST", path, body={"event": "my.own-event"}).data["status"] == "healthy"

    known, own = (got.json for got in endpoint.received)
    assert (known["event"], known["data"]["workflowId"], known["data"]["test"]) == (
        "workflow.executed",
        "wf_abc123",
        True,
    )
    assert (own["event"], own["data"]) == ("my.own-event", {"webhookId": webhook["id"], "test": True})
    for body, field in (
        ({"event": "workflow.*"}, "body.event"),
        ({"events": []}, "body.events"),
        ({"event": 1}, "body.event"),
    ):
        answer = call("POST", path, body=body)
        assert (answer.status, answer.error["details"][0]["field"]) == (422, field)


@pytest.mark.parametrize(
    ("status", "reason"), [(500, "http_5xx"), (404, "http_4xx"), (302, "redirect"), (401, "credential_rejected")]
)
def test_a_failed_test_says_why_and_changes_nothing(
    endpoint: Receiver, webhook: dict[str, Any], status: int, reason: str
) -> None:
    endpoint.answer = lambda _: Reply(status)
    before = rows()

    answer = call("POST", f"/integrations/webhooks/{webhook['id']}/test")

    assert (answer.status, answer.data["status"]) == (200, "unhealthy")
    result = answer.data["testResult"]
    assert (result["passed"], result["reason"]) == (False, reason)
    assert result["nextStep"]
    assert rows() == before


def test_a_test_of_what_cannot_be_tested(webhook: dict[str, Any], endpoint: Receiver) -> None:
    path = f"/integrations/webhooks/{webhook['id']}/test"
    assert call("POST", path, tenant="other").status == 404
    assert call("POST", path, scopes="webhooks:read").status == 403
    call("PATCH", f"/integrations/webhooks/{webhook['id']}", body={"active": False})
    paused = call("POST", path)
    assert (paused.status, paused.error["code"]) == (409, "webhook_paused")
    assert endpoint.received == []


def test_a_host_that_is_not_there_fails_the_test(outbox: Outbox) -> None:
    webhook_id = subscribe("https://nobody.invalid/hook")["id"]

    result = call("POST", f"/integrations/webhooks/{webhook_id}/test").data["testResult"]

    assert (result["reason"], result["nextStep"]) == ("dns", delivery_failures.meaning("dns").next_step)


# --- figures ----------------------------------------------------------------------------------------------------------


def test_figures_of_what_was_delivered_and_what_waits(
    outbox: Outbox, endpoint: Receiver, webhook: dict[str, Any]
) -> None:
    endpoint.answer = lambda request: Reply(request.json["data"]["status"])
    sent = [200, 200, 204, 404, 500]
    for status in sent:
        send(outbox, data={"status": status})
    call("POST", f"/integrations/webhooks/{webhook['id']}/test", body={"event": "not.counted"})
    took = [a["durationMs"] for delivery in deliveries(webhook["id"]) for a in delivery["attempts"]]

    answer = call("GET", f"/integrations/webhooks/{webhook['id']}/stats")

    assert answer.status == 200
    day = answer.data["last24Hours"]
    since = parse_iso(day["from"])
    assert since % HOUR_MS == 0
    assert 23 * HOUR_MS <= now_ms() - since <= 24 * HOUR_MS
    assert day == {
        "from": day["from"],
        "attempts": 5,
        "successful": 3,
        "failed": 2,
        "successRate": 0.6,
        "durations": day["durations"],
        "codeClasses": {"2xx": 3, "4xx": 1, "5xx": 1},
        "failures": {"http_4xx": 1, "http_5xx": 1},
    }
    assert abs(day["durations"]["p50"] - sorted(took)[2]) <= delivery_stats.MAX_ERROR * sorted(took)[2] + 0.5
    assert abs(day["durations"]["p95"] - max(took)) <= delivery_stats.MAX_ERROR * max(took) + 0.5
    assert {**answer.data["last7Days"], "from": day["from"]} == day
    assert [hour["attempts"] for hour in answer.data["hours"]] in ([5], [*range(1, 5)])
    assert answer.data["retrying"] == {"count": 2, "more": False}
    assert answer.data["pending"] == {"count": 0, "more": False}
    usage = call("GET", f"/integrations/{webhook['id']}").data["usageStats"]
    assert (usage["totalCalls"], usage["successfulCalls"]) == (5, 3)


def test_a_webhook_that_got_nothing_has_figures_of_nothing(webhook: dict[str, Any]) -> None:
    path = f"/integrations/webhooks/{webhook['id']}/stats"

    week = call("GET", path).data["last7Days"]

    assert (week["attempts"], week["successRate"], "durations" in week) == (0, 0, False)
    assert call("GET", path, tenant="other").status == 404
    assert call("GET", path, scopes="integrations:read").status == 403


def test_waiting_deliveries_are_counted_up_to_a_limit(
    outbox: Outbox, endpoint: Receiver, webhook: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.answer = lambda _: Reply(500)
    for _ in range(3):
        send(outbox)
    monkeypatch.setattr(stats, "MAX_COUNTED", 2)

    assert call("GET", f"/integrations/webhooks/{webhook['id']}/stats").data["retrying"] == {"count": 2, "more": True}


def test_a_batch_is_one_write_and_three_in_the_first_of_an_hour(webhook: dict[str, Any]) -> None:
    writes: list[str] = []
    events = clients.dynamodb().meta.events
    for operation in ("UpdateItem", "PutItem"):
        events.register(f"provide-client-params.dynamodb.{operation}", lambda model, **_: writes.append(model.name))
    store, start = StatsStore("acme"), 500_000 * HOUR_MS
    taken = []
    for at in (start, start + 1000, start + HOUR_MS - 1, start + HOUR_MS, start + HOUR_MS + 1, start + 5 * HOUR_MS):
        store.count(webhook["id"], {"ok": 1, "c2xx": 1, "t9": 1}, at)
        taken.append(len(writes))
        writes.clear()

    assert taken == [1, 1, 1, 3, 1, 3]


def test_hours_move_on_and_each_count_stands_in_its_own(webhook: dict[str, Any]) -> None:
    store, hour = StatsStore("acme"), 500_000
    store.count(webhook["id"], {"ok": 2, "c2xx": 2, "t9": 2}, hour * HOUR_MS)
    store.count(webhook["id"], {"bad": 1, "c5xx": 1, "fhttp_5xx": 1}, hour * HOUR_MS + 1)
    store.count(webhook["id"], {"ok": 1, "c2xx": 1}, (hour + 3) * HOUR_MS)
    store.count(webhook["id"], {"ok": 4}, (hour + 2) * HOUR_MS)  # a clock that is behind
    assert store.count(webhook["id"], {"bad": 1}, (hour + 190) * HOUR_MS) == Totals(7, 2)
    assert store.count(webhook["id"], {"bad": 0}, (hour + 190) * HOUR_MS) == Totals(7, 2)

    assert store.hours(webhook["id"], hour) == {
        hour: {"ok": 2, "c2xx": 2, "t9": 2, "bad": 1, "c5xx": 1, "fhttp_5xx": 1},
        hour + 3: {"ok": 5, "c2xx": 1},
        hour + 190: {"bad": 1},
    }
    assert store.hours(webhook["id"], hour + 4) == {hour + 190: {"bad": 1}}
    activity = IntegrationStore("acme").activity([webhook["id"]])[webhook["id"]]
    assert (activity.successful, activity.failed) == (7, 2)
    assert StatsStore("other").hours(webhook["id"], 0) == {}
    week = stats.of("acme", webhook["id"], (hour + 169) * HOUR_MS).week
    assert (week.since, week.metrics.successful) == ((hour + 2) * HOUR_MS, 5)


@pytest.mark.parametrize("operation", ["PutItem", "UpdateItem"])
def test_what_others_count_while_an_hour_ends_is_not_lost(
    webhook: dict[str, Any], monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    store, hour = StatsStore("acme"), 500_000
    store.count(webhook["id"], {"ok": 1, "t1": 1}, hour * HOUR_MS)
    busy: list[str] = []

    def another_first(params: Any, **_: Any) -> None:
        """Another container counts for the old hour, right before our `operation` that ends it."""
        if not busy and (operation == "PutItem" or "REMOVE" in params.get("UpdateExpression", "")):
            busy.append(operation)
            StatsStore("acme").count(webhook["id"], {"ok": 10, "t2": 10}, hour * HOUR_MS + 1)

    clients.dynamodb().meta.events.register(f"provide-client-params.dynamodb.{operation}", another_first)
    store.count(webhook["id"], {"bad": 1}, (hour + 1) * HOUR_MS)

    assert busy == [operation]
    assert store.hours(webhook["id"], 0) == {hour: {"ok": 11, "t1": 1, "t2": 10}, hour + 1: {"bad": 1}}


def test_counters_from_before_there_were_hours_go_on(webhook: dict[str, Any]) -> None:
    clients.dynamodb().put_item(
        TableName="TenantsTable",
        Item={
            "pk": {"S": "acme#activity"},
            "sk": {"S": webhook["id"]},
            "successful": {"N": "7"},
            "failed": {"N": "1"},
            "lastUsed": {"N": "1"},
        },
    )

    StatsStore("acme").count(webhook["id"], {"ok": 1}, 500_000 * HOUR_MS)

    activity = IntegrationStore("acme").activity([webhook["id"]])[webhook["id"]]
    assert (activity.successful, activity.failed) == (8, 1)
    assert StatsStore("acme").hours(webhook["id"], 0) == {500_000: {"ok": 1}}


def test_the_item_that_every_batch_writes_is_one_write_unit(webhook: dict[str, Any]) -> None:
    """Attempts all over the scale, and every kind of failure: the worst hour there can be, but for its numbers."""
    counts = {f"t{number}": 99_999 for number in range(0, 57, 2)} | {"ok": 99_999, "bad": 99_999}
    counts |= {f"c{name}": 99_999 for name in ("2xx", "4xx", "5xx", "none")}
    counts |= {f"f{kind}": 99_999 for kind in ("dns", "connect", "tls", "timeout_headers", "http_4xx", "http_5xx")}

    StatsStore("acme").count(webhook["id"], counts, 500_000 * HOUR_MS)

    key = {"pk": {"S": "acme#activity"}, "sk": {"S": webhook["id"]}}
    item = clients.dynamodb().get_item(TableName="TenantsTable", Key=key)["Item"]
    size = sum(len(name) + len(value.get("S", "")) + (len(value["N"]) // 2 + 2 if "N" in value else 0)
               for name, value in item.items())  # fmt: skip
    assert size <= 600  # 1,024 less what health, breaker and circuit take
