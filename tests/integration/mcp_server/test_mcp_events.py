"""MCP Events by webhook: listing, subscribing with a challenge, deliveries, refreshing, ending, and who sees what."""

import json
from typing import Any

import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from jobsprint.core.clock import now_ms, parse_iso
from jobsprint.core.config import settings
from jobsprint.delivery import dispatcher
from jobsprint.domain import mcp_events
from jobsprint.domain.events import MAX_DATA_BYTES
from jobsprint.repositories.api_tokens import of_tenant
from jobsprint.security import api_tokens
from tests.support.call import call
from tests.support.deliveries import Outbox, deliveries, dispatch, publish, record
from tests.support.mcp_events import (
    ORDER,
    SCHEMA,
    ask,
    describe,
    error,
    events_of,
    new_secret,
    params,
    subscribed,
    verified,
    willing,
)
from tests.support.mcp_messages import legacy, modern, result, token
from tests.support.receiver import Receiver, Reply
from tests.support.rows import rows

pytestmark = pytest.mark.usefixtures("aws")
DAY = 86_400_000


@pytest.fixture
def agent() -> str:
    """A token for events alone, of a tenant that has described one."""
    describe()
    return token("acme", "mcp:events")


def pay(outbox: Outbox, *, tenant: str = "acme", **data: Any) -> str:
    """Publish an event and deliver it once; its id."""
    outbox.take()
    event: str = publish(ORDER, data or {"orderId": "o1"}, tenant=tenant)["id"]
    assert dispatch(*(record(sent.body) for sent in outbox.take())) == []
    return event


def webhook(id_: str, tenant: str = "acme") -> dict[str, Any]:
    """A webhook as the API shows it."""
    return dict(call("GET", f"/integrations/webhooks/{id_}", tenant=tenant).data)


def test_both_places_declare_events(agent: str) -> None:
    for answer in (modern("server/discover", token=agent), legacy("initialize", {}, token=agent)):
        capabilities = result(answer)["capabilities"]
        assert capabilities["events"] == {}
        assert capabilities["extensions"]["io.modelcontextprotocol/events"] == {}


def test_listing_shows_described_events_with_their_arguments(agent: str) -> None:
    describe("a.plain", schema={"type": "object"})
    listed = result(ask("list", agent))
    assert [event["name"] for event in listed["events"]] == ["a.plain", ORDER]
    [_, paid] = listed["events"]
    assert paid["delivery"] == ["webhook", "poll"]
    assert paid["payloadSchema"] == SCHEMA
    assert paid["inputSchema"]["properties"]["orderId"] == {"type": "string", "description": "The order"}
    assert set(paid["inputSchema"]["properties"]) == {"orderId", "amount", "where"}
    assert result(legacy("events/list", token=agent))["events"] == listed["events"]


def test_listing_goes_on_after_a_page(agent: str) -> None:
    for number in range(100):
        describe(f"event.n{number:03}")
    first = result(ask("list", agent))
    second = result(ask("list", agent, cursor=first["nextCursor"]))
    assert len(first["events"]) == 100
    assert [event["name"] for event in second["events"]] == [ORDER]
    assert "nextCursor" not in second
    assert error(ask("list", agent, cursor="no cursor!"))["code"] == -32602


def test_an_event_is_delivered_as_the_standard_says(agent: str, endpoint: Receiver, outbox: Outbox) -> None:
    secret = new_secret()
    granted = subscribed(endpoint, agent, secret)
    [challenge] = endpoint.received
    assert set(verified(challenge, secret)) == {"type", "challenge"}
    assert challenge.headers["x-mcp-subscription-id"] == granted["id"]
    assert granted["truncated"] is False
    event = pay(outbox, orderId="o1", amount=5)
    [delivery] = events_of(endpoint)
    body = verified(delivery, secret)
    assert list(body) == ["eventId", "name", "timestamp", "data", "cursor"]
    assert (body["eventId"], body["name"], body["data"]) == (event, ORDER, {"orderId": "o1", "amount": 5})
    assert body["cursor"] == event
    assert delivery.headers["webhook-id"] == event
    assert delivery.headers["x-mcp-subscription-id"] == granted["id"]
    assert delivery.headers["content-type"] == "application/json"
    [listed] = deliveries(granted["id"])
    assert listed["state"] == "delivered"


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, {"challenge": "another"}),
        Reply(200, {}),
        Reply(200, b"[]"),
        Reply(200, b"no JSON"),
        Reply(500, {}),
        Reply(302, None, {"Location": "/elsewhere"}),
    ],
)
def test_an_address_that_fails_its_challenge_gets_nothing(
    agent: str, endpoint: Receiver, outbox: Outbox, reply: Reply
) -> None:
    endpoint.answer = lambda _: reply
    refused = error(ask("subscribe", agent, **params(endpoint.url, new_secret())))
    assert (refused["code"], refused["data"]) == (-32015, {"reason": "challenge_failed"})
    pay(outbox)
    assert len(endpoint.received) == 1
    assert call("GET", "/integrations/webhooks").data == []


def test_a_callback_that_cannot_be_called_is_named_by_category(agent: str) -> None:
    for url, reason in {
        "ftp://example.com/": "invalid_url",
        "https://user:password@example.com/": "invalid_url",
        "https://169.254.169.254/latest": "blocked_address",
        "http://127.0.0.1:1/": "invalid_url",
        "http://127.0.0.1:1025/": "connection_failed",
    }.items():
        refused = error(ask("subscribe", agent, **params(url, new_secret())))
        assert (refused["code"], refused["data"]) == (-32015, {"reason": reason}), url


def test_a_callback_is_verified_once_a_day_for_each_token(agent: str, endpoint: Receiver) -> None:
    describe("order.sent")
    subscribed(endpoint, agent, new_secret())
    subscribed(endpoint, agent, new_secret(), name="order.sent")
    assert len(endpoint.received) == 1
    subscribed(endpoint, token("acme", "mcp:events"), new_secret())
    assert len(endpoint.received) == 2


def test_wrong_parameters_are_named(agent: str, endpoint: Receiver) -> None:
    endpoint.answer = willing
    good = params(endpoint.url, new_secret())

    def refused(**change: Any) -> dict[str, Any]:
        return error(ask("subscribe", agent, **{**good, **change}))

    for secret in ("secret-of-mine", "whsec_short", new_secret(23), new_secret(65), None, 5):
        wrong = refused(delivery={**good["delivery"], "secret": secret})
        assert wrong["code"] == -32602
        assert wrong["data"]["details"][0]["field"] == "params.delivery.secret"
        assert str(secret) not in json.dumps(wrong) or secret in (None, 5)
    for size in (24, 64):
        assert result(ask("subscribe", agent, **params(endpoint.url, new_secret(size), ttlMs=DAY)))
    assert refused(name="order.lost")["code"] == -32011
    assert refused(name="*")["code"] == -32011
    assert refused(delivery={**good["delivery"], "mode": "push"})["code"] == -32014
    for change in (
        {"ttlMs": 0},
        {"ttlMs": "1"},
        {"cursor": "x"},
        {"arguments": {"orderId": 1}},
        {"arguments": {"x": 1}},
    ):
        assert refused(**change)["code"] == -32602, change
    assert refused(arguments={"where": {"other": ["x"]}})["code"] == -32602
    twice = refused(arguments={"orderId": "o1", "where": {"data": {"orderId": ["o2"]}}})
    assert twice["data"]["details"][0]["field"] == "params.arguments.where"


def test_arguments_choose_the_events(agent: str, endpoint: Receiver, outbox: Outbox) -> None:
    secret = new_secret()
    where = {"data": {"amount": [{"numeric": [">", 100]}]}}
    granted = subscribed(endpoint, agent, secret, arguments={"orderId": "o1", "where": where})
    pay(outbox, orderId="o1", amount=100)
    pay(outbox, orderId="o2", amount=101)
    wanted = pay(outbox, orderId="o1", amount=101)
    assert [verified(request, secret)["eventId"] for request in events_of(endpoint)] == [wanted]
    again = subscribed(endpoint, agent, secret, arguments={"where": where, "orderId": "o1"})
    assert again["id"] == granted["id"]


@pytest.mark.parametrize(
    ("asked", "days"), [({}, 7), ({"ttlMs": None}, 30), ({"ttlMs": 90 * DAY}, 30), ({"ttlMs": DAY}, 1)]
)
def test_a_subscription_has_an_end(agent: str, endpoint: Receiver, asked: dict[str, Any], days: int) -> None:
    granted = subscribed(endpoint, agent, new_secret(), **asked)
    end = parse_iso(granted["refreshBefore"])
    assert abs(end - now_ms() - days * DAY) < 60_000
    assert webhook(granted["id"])["expiresAt"] == granted["refreshBefore"]


def test_a_refresh_with_another_secret_rotates(agent: str, endpoint: Receiver, outbox: Outbox) -> None:
    old, new = new_secret(), new_secret()
    first = subscribed(endpoint, agent, old, ttlMs=DAY)
    second = subscribed(endpoint, agent, new, ttlMs=2 * DAY)
    assert first["id"] == second["id"]
    assert first["refreshBefore"] < second["refreshBefore"]
    pay(outbox)
    [delivery] = events_of(endpoint)
    assert verified(delivery, old) == verified(delivery, new)
    assert len(delivery.headers["webhook-signature"].split()) == 2
    with pytest.raises(WebhookVerificationError):
        verified(delivery, new_secret())
    assert len(call("GET", "/integrations/webhooks").data) == 1
    subscribed(endpoint, agent, new)
    pay(outbox)
    assert len(events_of(endpoint)[-1].headers["webhook-signature"].split()) == 2


def test_a_refresh_enables_what_its_client_had_ended(agent: str, endpoint: Receiver, outbox: Outbox) -> None:
    secret = new_secret()
    granted = subscribed(endpoint, agent, secret)
    endpoint.answer = lambda _: Reply(410)
    pay(outbox)
    assert webhook(granted["id"])["disabledReason"] == "gone"
    subscribed(endpoint, agent, secret)
    assert webhook(granted["id"])["active"] is True
    event = pay(outbox)
    assert events_of(endpoint)[-1].json["eventId"] == event


def test_an_event_that_is_too_large_for_its_client_is_not_repeated(
    agent: str, endpoint: Receiver, outbox: Outbox
) -> None:
    granted = subscribed(endpoint, agent, new_secret())
    endpoint.answer = lambda _: Reply(413)
    pay(outbox)
    [delivery] = deliveries(granted["id"])
    assert delivery["state"] == "exhausted"
    assert webhook(granted["id"])["active"] is True
    endpoint.answer = lambda _: Reply(500)
    pay(outbox)
    assert deliveries(granted["id"])[0]["state"] == "retrying"


def test_the_largest_event_fits() -> None:
    largest = mcp_events.occurrence("evt_" + "0" * 26, "n" * 200, "2025-01-06T12:00:00Z", "x" * MAX_DATA_BYTES)
    assert len(largest.encode()) <= mcp_events.MAX_BODY_BYTES == 262_144


def test_after_unsubscribing_nothing_comes(agent: str, endpoint: Receiver, outbox: Outbox) -> None:
    secret = new_secret()
    granted = subscribed(endpoint, agent, secret)
    outbox.take()
    publish(ORDER, {"orderId": "o1"})
    under_way = outbox.take()
    ending = params(f"{endpoint.url}/mcp-events", None)
    assert result(ask("unsubscribe", agent, **ending))["resultType"] == "complete"
    dispatch(*(record(sent.body) for sent in under_way))
    pay(outbox)
    assert events_of(endpoint) == []
    assert call("GET", f"/integrations/webhooks/{granted['id']}").status == 404
    assert "error" not in ask("unsubscribe", agent, **ending).body
    assert subscribed(endpoint, agent, secret)["id"] == granted["id"]
    pay(outbox)
    assert len(events_of(endpoint)) == 1


def test_after_its_end_nothing_comes_and_it_is_removed(agent: str, endpoint: Receiver, outbox: Outbox) -> None:
    granted = subscribed(endpoint, agent, new_secret(), ttlMs=60_000)
    [check] = outbox.take_expiry_checks()
    publish(ORDER, {"orderId": "o1"})
    later = now_ms() + 60_001
    dispatcher.dispatch([record(sent.body) for sent in outbox.take()], clock=lambda: later)
    assert events_of(endpoint) == []
    assert dispatcher.dispatch([record(check.body)], clock=lambda: later) == []
    assert call("GET", f"/integrations/webhooks/{granted['id']}").status == 404


def test_a_refreshed_subscription_outlives_its_first_end(agent: str, endpoint: Receiver, outbox: Outbox) -> None:
    granted = subscribed(endpoint, agent, new_secret(), ttlMs=60_000)
    [check] = outbox.take_expiry_checks()
    subscribed(endpoint, agent, new_secret(), ttlMs=DAY)
    later = now_ms() + 60_001
    assert dispatcher.dispatch([record(check.body)], clock=lambda: later) == []
    assert webhook(granted["id"])["active"] is True
    [again] = outbox.take_expiry_checks()
    assert again.json["notBefore"] == later + 3_600_000


def test_checks_of_an_ended_subscription_end_with_it(agent: str, endpoint: Receiver, outbox: Outbox) -> None:
    subscribed(endpoint, agent, new_secret(), ttlMs=DAY)
    [check] = outbox.take_expiry_checks()
    ask("unsubscribe", agent, **params(f"{endpoint.url}/mcp-events", None))
    granted = subscribed(endpoint, agent, new_secret(), ttlMs=DAY)
    [own] = outbox.take_expiry_checks()
    later = now_ms() + 3_600_001
    assert dispatcher.dispatch([record(check.body), record(own.body)], clock=lambda: later) == []
    assert len(outbox.take_expiry_checks()) == 1
    assert webhook(granted["id"])["active"] is True


def test_a_subscription_ends_after_its_token(agent: str, endpoint: Receiver, outbox: Outbox) -> None:
    granted = subscribed(endpoint, agent, new_secret(), ttlMs=30 * DAY)
    [check] = outbox.take_expiry_checks()
    assert check.json["notBefore"] - now_ms() < 3_600_001
    row = next(row for row in of_tenant("acme") if row.scopes == ("mcp:events",))
    api_tokens.revoke(row.id, now_ms())
    later = now_ms() + 3_600_001
    assert dispatcher.dispatch([record(check.body)], clock=lambda: later) == []
    assert call("GET", f"/integrations/webhooks/{granted['id']}").status == 404


def test_the_rest_api_shows_it_and_changes_nothing_that_its_client_chose(
    agent: str, endpoint: Receiver, outbox: Outbox
) -> None:
    granted = subscribed(endpoint, agent, new_secret())
    path = f"/integrations/webhooks/{granted['id']}"
    [listed] = call("GET", "/integrations/webhooks").data
    assert (listed["id"], listed["type"], listed["events"]) == (granted["id"], "mcp", [ORDER])
    changes = {"events": ["*"], "filter": {"event": ["x"]}, "headers": {"X-A": "b"}, "url": "https://example.com/"}
    for field, value in changes.items():
        refused = call("PATCH", path, body={field: value})
        assert refused.status == 422
        assert [detail["field"] for detail in refused.body["error"]["details"]] == [f"body.{field}"]
    assert call("POST", f"{path}/rotate-secret", body={}).body["error"]["code"] == "wrong_webhook_type"
    assert call("PATCH", path, body={"active": False, "name": "Mine"}).data["active"] is False
    pay(outbox)
    assert call("PATCH", path, body={"active": True}).data["active"] is True
    event = pay(outbox)
    assert [request.json["eventId"] for request in events_of(endpoint)] == [event]
    tested = call("POST", f"{path}/test", body={"event": ORDER})
    assert tested.data["testResult"]["passed"] is True
    assert events_of(endpoint)[-1].json["data"]["test"] is True
    assert call("DELETE", path).status == 200
    pay(outbox)
    assert len(events_of(endpoint)) == 2


def test_subscriptions_count_as_webhooks(agent: str, endpoint: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_WEBHOOKS", "1")
    settings.cache_clear()
    describe("order.sent")
    subscribed(endpoint, agent, new_secret())
    subscribed(endpoint, agent, new_secret())
    refused = error(ask("subscribe", agent, **params(f"{endpoint.url}/mcp-events", new_secret(), "order.sent")))
    assert (refused["code"], refused["data"]["code"]) == (-32013, "too_many_webhooks")


def test_tokens_and_tenants_do_not_meet(agent: str, endpoint: Receiver, outbox: Outbox) -> None:
    mine = subscribed(endpoint, agent, new_secret())
    colleague, other = token("acme", "mcp:events"), token("globex", "mcp:events")
    ending = params(f"{endpoint.url}/mcp-events", None)
    ask("unsubscribe", colleague, **ending)
    ask("unsubscribe", other, **ending)
    assert webhook(mine["id"])["active"] is True
    assert result(ask("list", other))["events"] == []
    assert error(ask("subscribe", other, **params(endpoint.url, new_secret())))["code"] == -32011
    describe(tenant="globex")
    theirs, his = (subscribed(endpoint, caller, new_secret())["id"] for caller in (other, colleague))
    assert len({mine["id"], theirs, his}) == 3
    endpoint.received.clear()
    pay(outbox, tenant="globex", orderId="theirs")
    assert [request.headers["x-mcp-subscription-id"] for request in endpoint.received] == [theirs]


def test_the_scope_is_needed(endpoint: Receiver) -> None:
    describe()
    tools = token("acme", "mcp:tools")
    for method in ("list", "subscribe", "unsubscribe", "poll"):
        refused = ask(method, tools, **params(endpoint.url, new_secret()))
        assert refused.status == 403
        assert 'scope="mcp:events"' in refused.headers["WWW-Authenticate"]


def test_a_token_that_may_only_read_cannot_subscribe(agent: str, endpoint: Receiver) -> None:
    made = call("POST", "/tokens", token=token(), body={"name": "agent", "scopes": ["mcp:events"], "readOnly": True})
    reader: str = made.data["token"]
    for method in ("subscribe", "unsubscribe"):
        refused = ask(method, reader, **params(endpoint.url, new_secret()))
        assert (refused.status, refused.body["error"]["data"]["code"]) == (403, "token_read_only")
    assert endpoint.received == []
    assert result(ask("list", reader))["events"] == result(ask("list", agent))["events"]
    assert result(ask("poll", reader, name=ORDER))["events"] == []


def test_subscribing_and_ending_stand_in_the_audit_trail(agent: str, endpoint: Receiver) -> None:
    secret = new_secret()
    granted = subscribed(endpoint, agent, secret, arguments={"orderId": "o1"})
    ask("unsubscribe", agent, **params(f"{endpoint.url}/mcp-events", None, arguments={"orderId": "o1"}))
    endpoint.answer = lambda _: Reply(500)
    ask("subscribe", agent, **params(f"{endpoint.url}/other", secret))
    entries = call("GET", f"/audit?subject={granted['id']}").data
    assert [(entry["kind"], entry["outcome"]) for entry in entries] == [
        ("webhook.delete", "succeeded"),
        ("webhook.create", "succeeded"),
    ]
    [failed, *_] = call("GET", "/audit?kind=webhook.create").data
    assert failed["outcome"] == "failed"
    assert secret not in json.dumps([*entries, failed])


def test_a_subscription_ends_no_later_than_its_token(endpoint: Receiver) -> None:
    describe()
    made = call("POST", "/tokens", token=token(), body={"name": "agent", "scopes": ["mcp:events"], "expiresIn": 86_400})
    granted = subscribed(endpoint, made.data["token"], new_secret(), ttlMs=7 * DAY)
    assert granted["refreshBefore"] == made.data["expiresAt"]


def test_the_secret_stands_nowhere(agent: str, endpoint: Receiver, outbox: Outbox) -> None:
    old, new = new_secret(), new_secret()
    subscribed(endpoint, agent, old)
    subscribed(endpoint, agent, new)
    pay(outbox)
    stored = json.dumps(rows())
    assert all(secret.removeprefix("whsec_") not in stored for secret in (old, new))
    shown = json.dumps([call("GET", path).data for path in ("/integrations/webhooks", "/audit")])
    assert all(secret not in shown for secret in (old, new))
