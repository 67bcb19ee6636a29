"""Events from the bus: one that comes again is the same event."""

import itertools
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobsprint.core import aws
from jobsprint.core.clock import iso_seconds, now_ms, parse_iso
from jobsprint.repositories import tenants
from tests.support.call import Context, call, handler
from tests.support.deliveries import Outbox, dispatch, record, subscribe, work
from tests.support.receiver import Receiver

_numbers = itertools.count()


@pytest.fixture
def outbox(outbox: Outbox, calm: None) -> Outbox:
    for tenant in ("acme", "other"):
        tenants.add(tenant)
    return outbox


def bus_event(number: int, tenant: str = "acme", *, seconds_ago: int = 0, **detail: Any) -> dict[str, Any]:
    """EventBridge's envelope; the same `number` is the same event."""
    return {
        "id": f"6a7e8feb-b491-4cf7-a9f1-{number:012}",
        "detail-type": "order.paid",
        "source": "jobsprint",
        "time": iso_seconds(_NOW - seconds_ago * 1000),
        "detail": {"tenant": tenant, "data": {"n": number}, **detail},
    }


_NOW = now_ms()


def rows() -> list[dict[str, str]]:
    """The key of everything in the events' table."""
    found = aws.dynamodb().scan(TableName="EventsTable")["Items"]
    return [{"pk": item["pk"]["S"], "sk": item["sk"]["S"]} for item in found]


def receive(*events: dict[str, Any]) -> None:
    assert work("receive_events", *(record(json.dumps(event)) for event in events)) == []


def test_each_event_is_an_item_of_its_tenant(outbox: Outbox) -> None:
    receive(*(bus_event(n) for n in range(9)), bus_event(9, "other"))
    assert all(row["sk"].startswith("evt_") for row in rows())
    assert Counter(row["pk"].partition("#")[0] for row in rows()) == {"acme": 9, "other": 1}


def test_what_comes_again_has_the_same_deliveries_whatever_comes_with_it(outbox: Outbox) -> None:
    subscribe("http://127.0.0.1:9009/hook")
    receive(*(bus_event(n) for n in range(5)))
    first = {message.json["deliveryId"]: message.json for message in outbox.take()}
    receive(*(bus_event(n) for n in range(5)))
    assert {message.json["deliveryId"]: message.json for message in outbox.take()} == first
    assert len(rows()) == 5
    receive(bus_event(4), bus_event(7), bus_event(4))
    again = {message.json["deliveryId"]: message.json for message in outbox.take()}
    assert len(again) == 2
    [repeated] = again.keys() & first.keys()
    assert (again[repeated]["eventId"], again[repeated]["data"]) == (first[repeated]["eventId"], '{"n":4}')


def test_each_delivery_is_sent_once_and_shows_its_own_event(outbox: Outbox, endpoint: Receiver) -> None:
    webhook = subscribe(endpoint.url)["id"]
    receive(*(bus_event(n) for n in range(6)))
    messages = outbox.take()
    receive(*(bus_event(n) for n in range(3, 6)))
    bodies = [message.body for message in (*messages, *outbox.take())]
    without_data = [
        json.dumps({name: value for name, value in json.loads(body).items() if name != "data"}) for body in bodies
    ]
    assert dispatch(*map(record, without_data)) == []
    assert sorted(request.json["data"]["n"] for request in endpoint.received) == list(range(6))
    path = f"/integrations/webhooks/{webhook}/deliveries/"
    for message in messages:
        shown = call("GET", path + message.json["deliveryId"]).data
        assert shown["data"] == json.loads(message.json["data"])


def test_the_id_has_the_time_on_the_bus(outbox: Outbox) -> None:
    subscribe("http://127.0.0.1:9009/hook")
    receive(bus_event(1, seconds_ago=3600), bus_event(2))
    early, late = sorted(outbox.take(), key=lambda message: str(message.json["data"]))
    assert early.json["eventId"] < late.json["eventId"]
    assert parse_iso(late.json["timestamp"]) - parse_iso(early.json["timestamp"]) == 3_600_000


@pytest.mark.parametrize("time", ["", "soon", "2001-01-01T00:00:00Z", "2101-01-01T00:00:00Z"])
def test_a_time_that_cannot_be_true_makes_no_id(outbox: Outbox, time: str) -> None:
    subscribe("http://127.0.0.1:9009/hook")
    for _ in range(2):
        receive(bus_event(1) | {"time": time})
    first, again = outbox.take()
    assert first == again
    named = [row["sk"] for row in rows() if not row["sk"].startswith("evt_")]
    assert named == ["ext#bus:6a7e8feb-b491-4cf7-a9f1-000000000001"]


def test_one_that_its_publisher_named_stands_alone(outbox: Outbox) -> None:
    receive(bus_event(1), bus_event(2, id="mine"), bus_event(3))
    # Two events, the reference to a third, and that one.
    assert Counter(row["sk"][:4] for row in rows()) == {"evt_": 3, "ext#": 1}


def test_a_tenants_event_is_not_anothers(outbox: Outbox) -> None:
    for tenant in ("acme", "other"):
        subscribe("http://127.0.0.1:9009/hook", tenant=tenant)
    receive(bus_event(1), bus_event(1, "other"))
    first, second = outbox.take()
    assert first.json["eventId"] != second.json["eventId"]


def test_a_replay_finds_them_all(outbox: Outbox, endpoint: Receiver) -> None:
    for batch in range(5):
        receive(*(bus_event(batch * 10 + n) for n in range(10)))
    receive(bus_event(50, id="mine"))
    webhook = subscribe(endpoint.url)["id"]
    path = f"/integrations/webhooks/{webhook}/recover"
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    answer = call("POST", path, body={"since": since, "states": ["missing"], "dryRun": True})
    assert answer.data["matched"] == 51
    assert call("POST", path, body={"since": since, "states": ["missing"], "perSecond": 1}).status == 202
    while steps := outbox.take("RecoveryQueue"):
        assert work("recover_deliveries", *(record(step.body) for step in steps)) == []
    found = Counter(json.loads(message.json["data"])["n"] for message in outbox.take())
    assert found == Counter(range(51))


def refusals(outbox: Outbox) -> list[tuple[str, str]]:
    """Reason and tenant of each refused event."""
    return [(one.json["reason"], one.json["event"]["detail"]["tenant"]) for one in outbox.take("RefusedEvents")]


def test_an_event_of_a_tenant_that_does_not_exist_is_put_aside_and_stops_no_other(outbox: Outbox) -> None:
    for tenant in ("acme", "nobody"):
        subscribe("http://127.0.0.1:9009/hook", tenant=tenant)
    receive(bus_event(1, "nobody"), bus_event(2), bus_event(3, "acm"), bus_event(4, "acme-2"))
    assert refusals(outbox) == [("tenant_not_found", tenant) for tenant in ("nobody", "acm", "acme-2")]
    assert [message.json["tenant"] for message in outbox.take()] == ["acme"]
    assert Counter(row["pk"].partition("#")[0] for row in rows()) == {"acme": 1}


def test_a_tenant_exists_from_its_first_token_on_and_without_a_valid_one(outbox: Outbox) -> None:
    receive(bus_event(1, "new"))
    assert refusals(outbox) == [("tenant_not_found", "new")]
    issued = handler("manage_tokens")({"action": "issue", "tenant": "new"}, Context())
    receive(bus_event(2, "new"))
    handler("manage_tokens")({"action": "revoke", "id": issued["id"]}, Context())
    receive(bus_event(3, "new"))
    assert refusals(outbox) == []
    assert Counter(row["pk"].partition("#")[0] for row in rows()) == {"new": 2}


@pytest.mark.parametrize("name", ["webhook.disabled", "integration.shipped", "jobsprint.x.y", "delivery.exhausted"])
def test_a_reserved_name_is_refused(outbox: Outbox, name: str) -> None:
    subscribe("http://127.0.0.1:9009/hook")
    receive(bus_event(1) | {"detail-type": name})
    [refused] = outbox.take("RefusedEvents")
    assert (refused.json["reason"], refused.json["details"][0]["field"]) == ("invalid_fields", "event.detail-type")
    assert (rows(), outbox.take()) == ([], [])
