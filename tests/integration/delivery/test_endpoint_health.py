"""Slow, failing and rate-limited webhooks through the dispatcher: rows on moto, a real receiver, a clock of its own."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from jobsprint.core import aws as clients
from jobsprint.core.clock import iso_millis, now_ms
from jobsprint.core.config import settings
from jobsprint.delivery import admission, operational_events, queue
from jobsprint.delivery import attempt as attempts
from jobsprint.delivery import dispatcher as dispatching
from jobsprint.delivery.publisher import announce
from jobsprint.delivery.queue import OutboxCheck
from jobsprint.delivery.sweeper import sweep
from jobsprint.domain import endpoint_health, events
from jobsprint.domain.deliveries import REENQUEUE_DELAY_MS, SHOWN_DEFERRAL_MS, Lease
from jobsprint.repositories.deliveries import DeliveryStore
from jobsprint.repositories.endpoint_health import EndpointHealthStore
from jobsprint.repositories.integrations import IntegrationStore
from tests.support.call import call
from tests.support.deliveries import Outbox, Sent, deliveries, publish, record, subscribe
from tests.support.described import check_event
from tests.support.receiver import Receiver, Reply, receiving

DAY = 86_400_000


@dataclass
class World:
    """The dispatcher, its queue, and time."""

    outbox: Outbox
    now: int = field(default_factory=lambda: int(time.time() * 1000))

    def work(self, *messages: Sent) -> None:
        """Hands these messages to the dispatcher, ten to a batch."""
        for start in range(0, len(messages), 10):
            records = [record(message.body) for message in messages[start : start + 10]]
            assert dispatching.dispatch(records, clock=lambda: self.now, chance=lambda: 0.0) == []

    def publish(self, count: int = 1, **fields: Any) -> list[Sent]:
        """Publishes events; their messages."""
        for _ in range(count):
            publish(**fields)
        return self.outbox.take()

    def fail(self, count: int = endpoint_health.MIN_ATTEMPTS) -> list[Sent]:
        """Sends events one by one; what is in the queue afterwards."""
        sent = self.publish(count)
        self.work(*sent)
        return self.outbox.take()


@pytest.fixture
def world(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("RETRY_SCHEDULE", "0,5,300")
    settings.cache_clear()
    monkeypatch.setattr(admission, "CACHED_SECONDS", 0.0)
    monkeypatch.setattr(endpoint_health, "SLOW_MS", 60_000)  # a busy machine must not pass for a slow receiver
    return World(outbox)


@pytest.fixture
def listener() -> Iterator[Receiver]:
    """Where the service's own events go."""
    with receiving() as found:
        yield found


OWN = ("webhook.*", "delivery.exhausted")


def published(world: World) -> list[dict[str, Any]]:
    """The service's own events among the messages in the queue, which go on to their receivers."""
    own = [sent.json for sent in world.outbox.take() if events.is_own(sent.json["event"])]
    for message in own:
        if (data := json.loads(message["data"])) != {}:  # what a test announces by itself
            check_event(message["event"], data)
    return own


def state_of(webhook: dict[str, Any]) -> endpoint_health.EndpointHealth:
    return EndpointHealthStore("acme").get(webhook["id"]).state


class Calls:
    """Counts what goes to AWS."""

    def __init__(self) -> None:
        self.made: Counter[str] = Counter()
        for client in (clients.dynamodb(), clients.sqs()):
            client.meta.events.register("before-call", self._count, unique_id="counting")

    def _count(self, model: Any, **_: Any) -> None:
        self.made[model.name] += 1

    def stop(self) -> None:
        for client in (clients.dynamodb(), clients.sqs()):
            client.meta.events.unregister("before-call", unique_id="counting")


# --- a healthy webhook ---


def test_a_healthy_webhook_pays_nothing(world: World, receiver: Receiver) -> None:
    """One read for the webhook, a claim and a result for each delivery, one write for the counters."""
    subscribe(receiver.url)
    messages = world.publish(10)
    world.work(*world.publish())
    calls = Calls()
    world.work(*messages)
    calls.stop()
    assert calls.made == {"GetItem": 1, "UpdateItem": 10 + 10 + 1}
    assert len(receiver.received) == 11


def test_a_failure_now_and_then_marks_nothing(world: World, receiver: Receiver) -> None:
    webhook = subscribe(receiver.url)
    receiver.answer = lambda _: Reply(500 if len(receiver.received) == 3 else 200)
    world.work(*world.publish(8))
    assert IntegrationStore("acme").get(webhook["id"]).watched is False
    assert world.outbox.take_outbox_checks() == []


# --- the breaker ---


def test_a_failing_webhook_waits_without_using_up_attempts_and_is_probed(world: World, receiver: Receiver) -> None:
    webhook = subscribe(receiver.url, "workflow.*")
    receiver.answer = lambda _: Reply(500)
    world.fail()
    before = len(receiver.received)
    assert IntegrationStore("acme").get(webhook["id"]).watched is True

    waiting = world.publish(4)
    world.work(*waiting)
    deferred = world.outbox.take()
    assert len(receiver.received) == before, "the breaker is open"
    assert len(deferred) == 4
    assert {sent.delay for sent in deferred} == {endpoint_health.FIRST_OPEN_MS // 1000}
    assert {(sent.json["attempt"], sent.json["deferrals"]) for sent in deferred} == {(1, 1)}
    shown = deliveries(webhook["id"], "?limit=100&state=pending")
    assert len(shown) == 4, "every waiting delivery is shown to wait"
    assert {one["nextAttemptAt"] for one in shown} == {iso_millis(deferred[0].json["notBefore"])}

    world.now += endpoint_health.FIRST_OPEN_MS
    world.work(*deferred)
    assert len(receiver.received) == before + 1, "one probe"
    shown = deliveries(webhook["id"], "?limit=100")
    parked = [one for one in shown if one["state"] == "pending"]
    assert len(parked) == 3, "the others wait on"
    assert {len(one["attempts"]) for one in parked} == {0}
    assert all(one["nextAttemptAt"].endswith("Z") for one in parked)
    created = {one["id"]: one["createdAt"] for one in parked}

    waiting = [sent for sent in world.outbox.take() if sent.json["attempt"] == 1]
    world.now = state_of(webhook).open_until
    receiver.answer = lambda _: Reply(200)
    world.work(*waiting)
    assert not state_of(webhook).open_until, "success closes"
    waiting = [sent for sent in world.outbox.take() if sent.json["attempt"] == 1]
    assert len(waiting) == 2
    world.now += 30_000
    world.work(*waiting)
    shown = {one["id"]: one for one in deliveries(webhook["id"], "?limit=100")}
    assert {shown[one]["state"] for one in created} == {"delivered"}
    assert {one: shown[one]["createdAt"] for one in created} == created
    assert not {"nextAttemptAt"} & shown[next(iter(created))].keys()
    for item in clients.dynamodb().scan(TableName="EventsTable")["Items"]:
        if item.get("state") == {"S": "delivered"}:
            assert not {"listed", "dueAt", "dueShard", "nextAttemptAt"} & item.keys()

    world.now += endpoint_health.LIMITED_MS
    world.work(*world.publish())
    assert IntegrationStore("acme").get(webhook["id"]).watched is False, "well again: it costs nothing any more"


def test_a_retry_that_waits_shows_its_new_time(world: World, receiver: Receiver) -> None:
    webhook = subscribe(receiver.url)
    receiver.answer = lambda _: Reply(500)
    [retry, *_] = world.fail()
    world.now = retry.json["notBefore"]
    world.work(retry)
    [again] = world.outbox.take()
    assert again.json["attempt"] == 2
    row = next(one for one in deliveries(webhook["id"], "?limit=100") if one["id"] == retry.json["deliveryId"])
    assert (row["state"], len(row["attempts"])) == ("retrying", 1)
    stored = next(
        item
        for item in clients.dynamodb().scan(TableName="EventsTable")["Items"]
        if item["sk"] == {"S": retry.json["deliveryId"]}
    )
    assert int(stored["nextAttemptAt"]["N"]) == again.json["notBefore"]
    assert stored["listed"] == {"S": f"acme#{webhook['id']}#retrying"}
    world.work(retry)
    assert len(receiver.received) == endpoint_health.MIN_ATTEMPTS


def test_what_waits_is_discarded_when_its_webhook_is_paused(world: World, receiver: Receiver) -> None:
    webhook = subscribe(receiver.url)
    receiver.answer = lambda _: Reply(500)
    world.fail()
    [waiting] = world.publish()
    world.work(waiting)
    [waiting] = world.outbox.take()
    world.now = waiting.json["notBefore"]
    call("PATCH", f"/integrations/webhooks/{webhook['id']}", body={"active": False})
    world.work(waiting)
    [delivery] = [one for one in deliveries(webhook["id"], "?limit=100") if one["id"] == waiting.json["deliveryId"]]
    assert (delivery["state"], delivery["attempts"]) == ("discarded", [])


def test_a_container_believes_for_seconds_that_a_breaker_is_open(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "CACHED_SECONDS", 60.0)
    subscribe(receiver.url)
    receiver.answer = lambda _: Reply(500)
    world.fail()
    world.work(*world.publish())
    calls = Calls()
    world.work(*world.publish())
    calls.stop()
    assert calls.made["GetItem"] == 1, "the webhook alone"


def test_a_new_address_is_tried_at_once(world: World, receiver: Receiver) -> None:
    webhook = subscribe(receiver.url + "/old")
    receiver.answer = lambda _: Reply(500)
    world.fail()
    call("PATCH", f"/integrations/webhooks/{webhook['id']}", body={"url": receiver.url + "/new"})
    assert IntegrationStore("acme").get(webhook["id"]).watched is True, "a change of the webhook keeps the mark"
    receiver.answer = lambda _: Reply(200)
    world.work(*world.publish())
    assert receiver.received[-1].path == "/new"
    assert not state_of(webhook).open_until


# --- slow ones ---


def test_a_hanging_answer_holds_others_back_while_it_is_awaited(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint_health, "SLOW_MS", 500)
    monkeypatch.setattr(attempts, "BUDGET_SECONDS", 6.0)
    webhook = subscribe(receiver.url)
    seen: list[tuple[bool, int]] = []

    def answer(_: Any) -> Reply:
        time.sleep(2.5)
        seen.append((IntegrationStore("acme").get(webhook["id"]).watched, len(state_of(webhook).in_flight)))
        return Reply(200)

    receiver.answer = answer
    world.work(*world.publish())
    assert seen == [(True, 1)], "marked while it is awaited"
    state = state_of(webhook)
    assert (state.in_flight, state.limited_until) == ((), world.now + endpoint_health.LIMITED_MS)


def test_two_batches_at_a_time_go_to_a_slow_webhook(world: World, receiver: Receiver) -> None:
    webhook = subscribe(receiver.url)
    store = EndpointHealthStore("acme")
    for token in ("a", "b"):
        store.change(
            webhook["id"],
            lambda state, token=token: (endpoint_health.limited(state, token, world.now), None),
            now=world.now,
        )
    IntegrationStore("acme").watch(webhook["id"], watched=True)
    messages = world.publish(3)
    world.work(*messages)
    assert receiver.received == []
    deferred = world.outbox.take()
    assert len(deferred) == 3
    world.now += endpoint_health.IN_FLIGHT_MS  # both holders died
    world.work(*deferred)
    assert len(receiver.received) == 3
    assert state_of(webhook).in_flight == ()


# --- the rate limit ---


def test_what_is_over_the_rate_limit_waits_without_using_up_an_attempt(world: World, receiver: Receiver) -> None:
    webhook = subscribe(receiver.url, rateLimit=4)
    world.work(*world.publish(10))
    assert len(receiver.received) == 4
    waiting = world.outbox.take()
    assert sorted(sent.delay for sent in waiting) == [1, 2, 2, 2, 2, 3]
    per_second = Counter[int]()
    while waiting:
        waiting.sort(key=lambda sent: sent.json["notBefore"])
        sent = waiting.pop(0)
        world.now = max(world.now, sent.json["notBefore"])
        before = len(receiver.received)
        world.work(sent)
        per_second[world.now // 1000] += len(receiver.received) - before
        waiting += world.outbox.take()
    assert len(receiver.received) == 10
    assert max(per_second.values()) <= 4
    assert {len(one["attempts"]) for one in deliveries(webhook["id"])} == {1}
    assert {request.headers["x-jobsprint-attempt"] for request in receiver.received} == {"1"}


def test_a_rate_limit_takes_one_write_a_batch(world: World, receiver: Receiver) -> None:
    subscribe(receiver.url, rateLimit=500)
    world.work(*world.publish())
    messages = world.publish(10)
    calls = Calls()
    world.work(*messages)
    calls.stop()
    assert calls.made == {"GetItem": 1, "UpdateItem": 10 + 10 + 1, "PutItem": 1}


# --- operational events ---


def test_failing_and_recovered_are_published_once_each_and_not_to_the_webhook_itself(
    world: World, receiver: Receiver, listener: Receiver
) -> None:
    webhook = subscribe(receiver.url, "*", name="Mine")
    listening = subscribe(listener.url, *OWN)
    receiver.answer = lambda _: Reply(500)
    world.work(*world.publish(endpoint_health.MIN_ATTEMPTS))
    [failing] = published(world)
    assert (failing["event"], failing["webhookId"]) == ("webhook.failing", listening["id"])
    data = json.loads(failing["data"])
    assert data | {"webhookId": webhook["id"], "name": "Mine", "reason": "failure_share", "window": 120} == data
    assert (data["attempts"], data["failureShare"], data["minimumAttempts"]) == (10, 1, 10)

    for _ in range(3):
        world.now = state_of(webhook).open_until
        world.work(*world.publish())
        assert published(world) == []
    world.now = state_of(webhook).open_until
    receiver.answer = lambda _: Reply(200)
    world.work(*world.publish())
    [recovered] = published(world)
    assert (recovered["event"], recovered["webhookId"]) == ("webhook.recovered", listening["id"])
    assert state_of(webhook).unpublished == ()


def test_exhausted_deliveries_are_published_at_once_and_the_rest_after_an_hour(
    world: World, receiver: Receiver, listener: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETRY_SCHEDULE", "0")
    settings.cache_clear()
    webhook = subscribe(receiver.url, "workflow.*")
    subscribe(listener.url, *OWN)
    receiver.answer = lambda _: Reply(404)
    first = world.publish()
    world.work(*first)
    [exhausted] = published(world)
    data = json.loads(exhausted["data"])
    assert (data["reason"], data["deliveryIds"]) == ("attempts_used_up", [first[0].json["deliveryId"]])
    assert "gone" not in data
    for _ in range(3):
        world.work(*world.publish())
    assert published(world) == []

    checks = world.outbox.take_outbox_checks()
    assert {(sent.group, sent.json["webhookId"]) for sent in checks} == {("acme", webhook["id"])}
    for _ in range(10):  # in hops of 15 minutes
        world.now += max(sent.delay for sent in checks) * 1000
        world.work(*checks)
        checks = world.outbox.take_outbox_checks() or checks
        if found := published(world):
            break
    [digest] = found
    assert json.loads(digest["data"])["count"] == 3
    assert state_of(webhook).exhausted == 0


def test_enabled_after_a_crash_had_left_its_disabling_half_done_a_webhook_is_probed_too(
    world: World, receiver: Receiver, listener: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = subscribe(receiver.url, "workflow.*")
    subscribe(listener.url, "webhook.*")
    receiver.answer = lambda _: Reply(410)
    with monkeypatch.context() as patch:
        patch.setattr(EndpointHealthStore, "change", lambda *_, **__: 1 / 0)
        world.work(*world.publish())
    IntegrationStore("acme").watch(webhook["id"], watched=False)  # a batch that found it calm before may say so after
    call("PATCH", f"/integrations/webhooks/{webhook['id']}", body={"active": True})
    receiver.answer = lambda _: Reply(200)
    messages = [sent for sent in world.publish(3) if sent.json["webhookId"] == webhook["id"]]
    world.now = now_ms() + 1_000  # it was enabled by the real clock
    world.work(*messages)
    assert len(receiver.received) == 1 + 1, "one probe before full return"
    assert [one["event"] for one in published(world)] == ["webhook.disabled", "webhook.recovered"]
    world.now += operational_events.CHECK_AFTER_MS
    world.work(*world.outbox.take_outbox_checks())
    assert published(world) == []


def test_a_digest_says_what_a_410_ended(world: World, receiver: Receiver, listener: Receiver) -> None:
    subscribe(receiver.url, "workflow.*")
    subscribe(listener.url, "delivery.exhausted")
    receiver.answer = lambda _: Reply(410)
    world.work(*world.publish())
    [exhausted] = published(world)
    data = json.loads(exhausted["data"])
    assert (data["reason"], data["count"], data["gone"]) == ("gone", 1, 1)


def test_a_batch_that_ends_after_its_webhook_was_deleted_leaves_nothing_for_ever(
    world: World, receiver: Receiver
) -> None:
    webhook = subscribe(receiver.url)
    world.work(*world.publish())

    def answer(_: Any) -> Reply:
        call("DELETE", f"/integrations/webhooks/{webhook['id']}")
        return Reply(200)

    receiver.answer = answer
    world.work(*world.publish())
    items = clients.dynamodb().scan(TableName="TenantsTable")["Items"]
    left = [item for item in items if item["sk"]["S"].startswith(webhook["id"])]
    assert [item["pk"]["S"] for item in left] == ["acme#activity"]
    assert left[0]["successful"] == {"N": "1"}
    assert int(left[0]["expiresAt"]["N"]) < time.time() + 2 * 86400


def test_410_is_published_with_its_reason_and_the_webhook_is_probed_once_enabled(
    world: World, receiver: Receiver, listener: Receiver
) -> None:
    webhook = subscribe(receiver.url, "workflow.*")
    subscribe(listener.url, "webhook.*")
    receiver.answer = lambda _: Reply(410)
    world.work(*world.publish())
    [disabled] = published(world)
    assert disabled["event"] == "webhook.disabled"
    assert json.loads(disabled["data"])["reason"] == "gone"

    path = f"/integrations/webhooks/{webhook['id']}"
    assert call("GET", path).data["disabledReason"] == "gone"
    call("PATCH", path, body={"active": True})
    receiver.answer = lambda _: Reply(200)
    before = len(receiver.received)
    messages = [sent for sent in world.publish(3) if sent.json["webhookId"] == webhook["id"]]
    world.now += 1_000
    world.work(*messages)
    assert len(receiver.received) == before + 1, "one probe before full return"
    assert [one["event"] for one in published(world)] == ["webhook.recovered"]


def test_five_days_without_a_success_disable_a_webhook(
    world: World, receiver: Receiver, listener: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = subscribe(receiver.url, "workflow.*")
    subscribe(listener.url, "webhook.disabled")
    receiver.answer = lambda _: Reply(500)
    path = f"/integrations/webhooks/{webhook['id']}"
    for _ in range(endpoint_health.DISABLE_MIN_ATTEMPTS):
        assert call("GET", path).data["active"] is True
        world.work(*(sent for sent in world.publish() if sent.json["webhookId"] == webhook["id"]))
        disabled = published(world)
        world.now += endpoint_health.DISABLE_AFTER_MS // (endpoint_health.DISABLE_MIN_ATTEMPTS - 1) + 1
    shown = call("GET", path).data
    assert (shown["active"], shown["disabledReason"]) == (False, "failing")
    [event] = disabled
    data = json.loads(event["data"])
    assert (data["reason"], data["window"], data["attempts"], data["failureShare"]) == ("failing", 432_000, 20, 1)


@pytest.mark.parametrize("path", ["/integrations/webhooks/{}", "/integrations/{}/connect"])
def test_a_pause_is_no_time_of_failing(world: World, receiver: Receiver, path: str) -> None:
    webhook = subscribe(receiver.url)
    one = f"/integrations/webhooks/{webhook['id']}"
    receiver.answer = lambda _: Reply(500)
    for _ in range(endpoint_health.DISABLE_MIN_ATTEMPTS - 1):
        world.work(*world.publish())
        world.outbox.take()
        world.now += endpoint_health.WINDOW_MS // 4  # too seldom for the breaker
    call("PATCH", one, body={"active": False})
    world.now += endpoint_health.DISABLE_AFTER_MS
    method, body = ("PATCH", {"active": True}) if "webhooks" in path else ("POST", {})
    assert call(method, path.format(webhook["id"]), body=body).status == 200
    world.work(*world.publish())
    assert len(receiver.received) == endpoint_health.DISABLE_MIN_ATTEMPTS
    assert call("GET", one).data["active"] is True, "five days of pause and one failure are not five days of failures"


def test_failing_to_deliver_an_own_event_tells_nothing(
    world: World, receiver: Receiver, listener: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETRY_SCHEDULE", "0")
    settings.cache_clear()
    subscribe(receiver.url, "webhook.*")
    subscribe(listener.url, *OWN)
    receiver.answer = lambda _: Reply(500)
    for _ in range(12):
        announce("acme", "webhook.failing", {})
    world.work(*world.outbox.take())
    assert len(receiver.received) >= endpoint_health.MIN_ATTEMPTS
    assert [one for one in published(world) if "deferrals" not in one] == [], "nothing new; some of the old wait"


def test_what_a_crash_left_in_the_outbox_is_published_by_the_check(
    world: World, receiver: Receiver, listener: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = subscribe(receiver.url, "workflow.*")
    subscribe(listener.url, "webhook.*")
    receiver.answer = lambda _: Reply(500)
    with monkeypatch.context() as patch:
        patch.setattr(operational_events, "publish_outbox", lambda *_: None)
        world.work(*world.publish(endpoint_health.MIN_ATTEMPTS))
    assert published(world) == []
    [check] = world.outbox.take_outbox_checks()
    assert check.delay == operational_events.CHECK_AFTER_MS // 1000
    for _ in range(2):  # also when it comes twice
        world.now += operational_events.CHECK_AFTER_MS
        world.work(check)
    assert [one["event"] for one in published(world)] == ["webhook.failing"]
    operational_events.check_outbox(OutboxCheck("acme", "wh_01m8288m5jfcptj5b3fxvspecm", 0), world.now)
    assert state_of(webhook).unpublished == ()


def test_a_disabling_that_a_crash_left_unpublished_is_published_by_the_check(
    world: World, receiver: Receiver, listener: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(receiver.url, "workflow.*")
    subscribe(listener.url, "webhook.*")
    receiver.answer = lambda _: Reply(410)
    with monkeypatch.context() as patch:
        patch.setattr(EndpointHealthStore, "change", lambda *_, **__: 1 / 0)
        world.work(*world.publish())
    assert published(world) == []
    world.now += operational_events.CHECK_AFTER_MS
    world.work(*world.outbox.take_outbox_checks())
    assert [one["event"] for one in published(world)] == ["webhook.disabled"]


def test_batches_that_meet_never_exceed_the_rate_limit_together(world: World, receiver: Receiver) -> None:
    """Eight containers at once: each decides again on what the others wrote."""
    webhook = IntegrationStore("acme").get(subscribe(receiver.url, rateLimit=20)["id"])
    tasks = [queue.from_text(sent.body) for sent in world.publish(5)]

    def ask(_: int) -> int:
        own = admission.AdmissionControl(lambda: world.now, lambda: 0.5).admit([(task, webhook) for task in tasks])
        return own.count(None)

    with ThreadPoolExecutor(8) as containers:
        went = list(containers.map(ask, range(8)))
    assert sum(went) == 20, went


def test_a_delivery_that_waits_and_whose_message_is_lost_comes_by_the_sweep(world: World, receiver: Receiver) -> None:
    webhook = subscribe(receiver.url)
    receiver.answer = lambda _: Reply(500)
    world.fail()
    world.work(*world.publish())
    [waiting] = world.outbox.take()
    lost = waiting.json
    assert lost["deferrals"] == 1
    world.now = lost["notBefore"] + REENQUEUE_DELAY_MS + 1
    sweep(lambda: world.now)
    brought = [sent for sent in world.outbox.take() if sent.json["deliveryId"] == lost["deliveryId"]]
    assert [sent.json["attempt"] for sent in brought] == [1]
    receiver.answer = lambda _: Reply(200)
    world.work(*brought)
    [delivery] = [one for one in deliveries(webhook["id"], "?limit=100") if one["id"] == lost["deliveryId"]]
    assert (delivery["state"], len(delivery["attempts"])) == ("delivered", 1)


def test_a_short_wait_costs_no_write(world: World, receiver: Receiver) -> None:
    webhook = subscribe(receiver.url, rateLimit=4)
    world.work(*world.publish(4))
    messages = world.publish(4)
    calls = Calls()
    world.work(*messages)
    calls.stop()
    assert max(sent.json["notBefore"] for sent in world.outbox.take()) <= world.now + SHOWN_DEFERRAL_MS
    assert calls.made["UpdateItem"] == 0
    assert len(deliveries(webhook["id"])) == 4


def test_a_delivery_with_a_late_queue_slot_is_shown_as_waiting(world: World, receiver: Receiver) -> None:
    webhook = subscribe(receiver.url, rateLimit=1)
    world.work(*world.publish(9))
    waits = {sent.json["deliveryId"]: sent.json["notBefore"] for sent in world.outbox.take()}
    shown = {one["id"]: one["nextAttemptAt"] for one in deliveries(webhook["id"], "?state=pending")}
    assert shown == {id_: iso_millis(at) for id_, at in waits.items() if at > world.now + SHOWN_DEFERRAL_MS}
    assert len(shown) == 3


@pytest.mark.parametrize("attempt", [1, 2])
def test_a_message_that_comes_twice_makes_one_chain(world: World, receiver: Receiver, attempt: int) -> None:
    """However often the queue hands out a message that is put off, one message goes on from it."""
    webhook = subscribe(receiver.url)
    receiver.answer = lambda _: Reply(500)
    [message, *_] = world.fail()
    if attempt == 1:
        [message] = world.publish()
    before = len(receiver.received)
    world.now = max(world.now, message.json.get("notBefore", 0))
    for _ in range(4):
        world.work(message, message)
        world.work(message)
        [following] = [one for one in world.outbox.take() if one.json["deliveryId"] == message.json["deliveryId"]]
        assert following.json["attempt"] == attempt
        # Open as long as the next one is under way, so that it is put off again.
        store = EndpointHealthStore("acme")
        until = following.json["notBefore"] + 1
        store.change(webhook["id"], lambda state, at=until: (replace(state, open_until=at), None), now=world.now)
        message, world.now = following, following.json["notBefore"]
    assert len(receiver.received) == before


def test_two_chains_that_began_before_there_was_a_row_become_one(world: World, receiver: Receiver) -> None:
    webhook = subscribe(receiver.url, rateLimit=1)
    [_, message] = messages = world.publish(2)
    world.work(*messages)
    world.work(message)
    two = world.outbox.take()
    assert {one.json["deliveryId"] for one in two} == {message.json["deliveryId"]}
    assert len(two) == 2
    world.now = max(one.json["notBefore"] for one in two)
    world.work(*world.publish())  # has the second for itself
    world.outbox.take()
    world.work(*two)
    assert len(receiver.received) == 2
    waiting = world.outbox.take()
    while waiting:
        [last] = waiting
        world.now = last.json["notBefore"]
        world.work(last)
        waiting = world.outbox.take()
    assert len(receiver.received) == 3
    assert {len(one["attempts"]) for one in deliveries(webhook["id"])} == {1}


def test_whose_worker_died_before_it_put_the_next_message_into_the_queue_comes_again(
    world: World, receiver: Receiver
) -> None:
    webhook = subscribe(receiver.url)
    receiver.answer = lambda _: Reply(500)
    world.fail()
    [message] = world.publish()
    world.outbox.refuse = [ConnectionError("lost")]
    again = record(message.body)
    assert dispatching.dispatch([again], clock=lambda: world.now) == [again["messageId"]]
    assert world.outbox.take() == []
    [shown] = deliveries(webhook["id"], "?state=pending")
    assert shown["nextAttemptAt"] > iso_millis(world.now)
    world.now += 180_000
    receiver.answer = lambda _: Reply(200)
    world.work(message)
    assert deliveries(webhook["id"], "?state=pending") == []


def test_a_message_received_twice_and_deferred_the_second_time_survives_its_crashed_worker(
    world: World, receiver: Receiver
) -> None:
    """SQS hands out one message to two workers; the one dies that has the claim, the other puts it off for a moment."""
    webhook = subscribe(receiver.url, rateLimit=1)
    [message] = world.publish()
    task = queue.from_text(message.body)
    DeliveryStore("acme").claim(task, Lease("twice", "dead"), world.now)
    [other] = world.publish()
    world.work(other)  # has this second for itself
    again = record(message.body, "twice", received=2)
    assert dispatching.dispatch([again], clock=lambda: world.now, chance=lambda: 0.0) == ["twice"]
    assert world.outbox.take() == []
    world.now += 180_000
    dispatching.dispatch([record(message.body, "twice", received=3)], clock=lambda: world.now, chance=lambda: 0.0)
    assert deliveries(webhook["id"], "?state=retrying")[0]["attempts"][0]["status"] == "unknown"
