"""Recoveries: the real handlers, worker and dispatcher on moto, deliveries to a real HTTP receiver."""

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobsprint.core import aws as clients
from jobsprint.core.clock import now_ms
from jobsprint.delivery import replay
from jobsprint.domain import replay as replay_rules
from jobsprint.domain.replay import STALLED_MS, ReplayJob
from jobsprint.repositories.replay_jobs import ReplayJobStore
from tests.conftest import forget_settings
from tests.support.call import Answer, call
from tests.support.deliveries import (
    Outbox,
    Sent,
    deliveries,
    dispatch,
    due,
    publish,
    record,
    subscribe,
    work,
)
from tests.support.receiver import Receiver, Reply
from tests.support.rows import rows

SCALE = int(os.environ.get("RECOVERY_SCALE", "1"))
"""How many times 120 deliveries are recovered at once; the long suite takes more."""

WORKER = "recover_deliveries"
QUEUE = "RecoveryQueue"


@pytest.fixture
def outbox(outbox: Outbox, calm: None, monkeypatch: pytest.MonkeyPatch) -> Outbox:
    monkeypatch.setenv("RETRY_SCHEDULE", "0")  # one failure ends a delivery
    forget_settings()
    return outbox


@pytest.fixture
def webhook(outbox: Outbox, endpoint: Receiver) -> str:
    return str(subscribe(endpoint.url)["id"])


def ago(**back: float) -> str:
    return (datetime.now(UTC) - timedelta(**back)).isoformat()


def ask(webhook: str, tenant: str = "acme", **body: Any) -> Answer:
    path = f"/integrations/webhooks/{webhook}/recover"
    return call("POST", path, tenant=tenant, body={"since": ago(minutes=30), **body})


def started(webhook: str, **body: Any) -> dict[str, Any]:
    answer = ask(webhook, **body)
    assert answer.status == 202, answer.body
    job: dict[str, Any] = answer.data
    return job


def shown(webhook: str, job: str) -> dict[str, Any]:
    answer = call("GET", f"/integrations/webhooks/{webhook}/recover/{job}")
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.data
    return found


def cancel(webhook: str, job: str, **options: Any) -> Answer:
    return call("POST", f"/integrations/webhooks/{webhook}/recover/{job}/cancel", **options)


def publish_many(
    count: int, event: str = "order.paid", *, external: str | None = None, tenant: str = "acme"
) -> set[str]:
    """Publishes that many events in batches; their ids."""
    found = set()
    for start in range(0, count, 25):
        numbers = range(start, min(start + 25, count))
        events = [{"event": event, "data": {"n": n}, **({"id": f"{external}{n}"} if external else {})} for n in numbers]
        answer = call("POST", "/events", tenant=tenant, body={"events": events})
        assert answer.status == 202
        found |= {one["id"] for one in answer.data}
    return found


def deliver(outbox: Outbox, messages: list[Sent] | None = None) -> None:
    """Dispatches what is in the queue, ten at a time and with no waiting, until nothing is left."""
    while messages := messages or outbox.take():
        # moto shows a row half written to another thread, so what is twice in the queue comes one after the other.
        first = {message.json["deliveryId"]: message for message in reversed(messages)}
        for start in range(0, len(first), 10):
            batch = list(first.values())[start : start + 10]
            assert dispatch(*(record(due(message)) for message in batch)) == []
        taken = {id(message) for message in first.values()}
        messages = [message for message in messages if id(message) not in taken]


def failing(outbox: Outbox, endpoint: Receiver, count: int, event: str = "order.paid") -> set[str]:
    """Publishes events whose deliveries end as exhausted; then the receiver is well again and remembers nothing."""
    endpoint.answer = lambda _: Reply(500)
    ids = publish_many(count, event)
    deliver(outbox)
    endpoint.answer = lambda _: Reply(200)
    endpoint.received.clear()
    return ids


def finish(outbox: Outbox) -> list[int]:
    """Works the steps of the recovery to its end, without the deliveries; the size of what each step sent."""
    sizes = []
    while steps := outbox.take(QUEUE):
        before = len([message for message in outbox.sent if message.queue == "DeliveryQueue"])
        assert work(WORKER, *(record(step.body) for step in steps)) == []
        sizes.append(len([message for message in outbox.sent if message.queue == "DeliveryQueue"]) - before)
    return sizes


def got(endpoint: Receiver) -> Counter[str]:
    return Counter(request.headers["webhook-id"] for request in endpoint.received)


def each_once(ids: set[str]) -> Counter[str]:
    return Counter(dict.fromkeys(ids, 1))


# --- what is recovered ------------------------------------------------------------------------------------------------


def test_all_that_failed_or_is_missing_is_replayed_once_each(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    failed = failing(outbox, endpoint, 40 * SCALE)
    path = f"/integrations/webhooks/{webhook}"
    call("PATCH", path, body={"active": False})
    missing = publish_many(50 * SCALE) | publish_many(30 * SCALE, external="order-")
    assert outbox.take() == []
    call("PATCH", path, body={"active": True})
    everything = 120 * SCALE
    fine = publish_many(30)
    deliver(outbox)
    endpoint.received.clear()

    dry = started(webhook, dryRun=True)
    finish(outbox)  # a slow machine counts so many in more than one step
    dry = shown(webhook, dry["id"])
    assert (dry["status"], dry["matched"], dry["sent"], dry["progress"]) == ("done", everything, 0, 100)
    assert outbox.take() == []

    job = started(webhook, perSecond=100)
    assert (job["status"], job["matched"], job["sent"]) == ("running", 0, 0)
    steps = [message for message in outbox.sent if message.queue == QUEUE]
    assert [step.group for step in steps] == ["acme"]
    assert max(finish(outbox)) <= 1000
    messages = outbox.take()
    assert {message.group for message in messages} == {"acme"}
    deliver(outbox, messages)
    assert got(endpoint) == each_once(failed | missing)
    assert not fine & got(endpoint).keys()
    done = shown(webhook, job["id"])
    assert (done["status"], done["matched"], done["sent"], done["progress"]) == ("done", everything, everything, 100)
    assert done["finishedAt"] >= done["createdAt"]
    assert {request.headers["x-jobsprint-attempt"] for request in endpoint.received} == {"1", "2"}

    assert started(webhook, dryRun=True)["matched"] == 0


def test_a_new_webhook_gets_what_was_published_before_it(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    before = publish_many(110) | publish_many(15, external="e")
    publish_many(10, "user.created")
    outbox.take()  # for the webhook that there was
    late = subscribe(endpoint.url + "/late", "order.*")["id"]
    started(late)
    finish(outbox)
    deliver(outbox)
    assert got(endpoint) == each_once(before)
    assert {request.path for request in endpoint.received} == {"/late"}


def test_it_goes_from_the_oldest_to_the_newest(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    call("PATCH", f"/integrations/webhooks/{webhook}", body={"active": False})
    for _ in range(40):
        publish()
    call("PATCH", f"/integrations/webhooks/{webhook}", body={"active": True})
    started(webhook, perSecond=1, states=["missing"])
    assert finish(outbox) == [0, 10, 10, 10, 10]
    sent = [message.json["eventId"] for message in outbox.take()]
    assert [id_[:14] for id_ in sent] == sorted(id_[:14] for id_ in sent)


def test_range_states_and_events_choose(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    early = failing(outbox, endpoint, 5)
    time.sleep(0.02)
    middle = datetime.now(UTC).isoformat()
    time.sleep(0.02)
    late = failing(outbox, endpoint, 5, "user.created")
    call("PATCH", f"/integrations/webhooks/{webhook}", body={"active": False})
    missing = publish_many(5, external="m")
    call("PATCH", f"/integrations/webhooks/{webhook}", body={"active": True})

    def counted(**body: Any) -> int:
        return int(started(webhook, dryRun=True, **body)["matched"])

    assert counted() == 15
    assert counted(states=["failed"]) == 10
    assert counted(states=["missing"]) == 5
    assert counted(since=middle) == 10
    assert counted(until=middle) == 5
    assert counted(until=middle, states=["missing"]) == 0
    assert counted(events=["order.*"]) == 10
    assert counted(events=["user.created"]) == 5
    assert counted(events=["nothing"]) == 0
    started(webhook, events=["user.*", "nothing"], states=["failed"])
    finish(outbox)
    deliver(outbox)
    assert got(endpoint) == each_once(late)
    started(webhook, until=middle)
    finish(outbox)
    deliver(outbox)
    assert got(endpoint) == each_once(early | late)
    assert not missing & got(endpoint).keys()


def test_an_end_to_the_second_takes_in_all_of_that_second(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    failing(outbox, endpoint, 1)
    [delivery] = deliveries(webhook)
    assert started(webhook, dryRun=True, until=delivery["createdAt"][:-5] + "Z")["matched"] == 1


def test_discarded_deliveries_are_failed_ones(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    ids = publish_many(20)
    path = f"/integrations/webhooks/{webhook}"
    call("PATCH", path, body={"active": False})
    deliver(outbox)
    assert {delivery["state"] for delivery in deliveries(webhook)} == {"discarded"}
    call("PATCH", path, body={"active": True})
    started(webhook)
    finish(outbox)
    deliver(outbox)
    assert got(endpoint) == each_once(ids)
    assert {request.headers["x-jobsprint-attempt"] for request in endpoint.received} == {"1"}


def test_an_event_about_the_webhook_never_goes_to_it(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    from jobsprint.delivery.publisher import announce

    call("PATCH", f"/integrations/webhooks/{webhook}", body={"active": False})
    announce("acme", "webhook.disabled", {"id": webhook}, about=webhook)
    announce("acme", "webhook.disabled", {"id": "another"}, about="wh_another")
    call("PATCH", f"/integrations/webhooks/{webhook}", body={"active": True})
    started(webhook)
    finish(outbox)
    deliver(outbox)
    assert [request.json["data"]["id"] for request in endpoint.received] == ["another"]


def test_another_tenants_events_and_jobs_stay_its_own(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    publish_many(10, tenant="other")
    job = started(webhook)
    assert ask(webhook, tenant="other").status == 404
    assert call("GET", f"/integrations/webhooks/{webhook}/recover/{job['id']}", tenant="other").status == 404
    assert cancel(webhook, job["id"], tenant="other").status == 404
    other = subscribe(endpoint.url)["id"]
    assert call("GET", f"/integrations/webhooks/{other}/recover/{job['id']}").status == 404
    finish(outbox)
    assert outbox.take() == []
    assert shown(webhook, job["id"])["matched"] == 0


# --- pace, progress, cancel -------------------------------------------------------------------------------------------


def test_a_page_spreads_over_its_seconds_and_the_next_step_waits_for_it(
    outbox: Outbox, endpoint: Receiver, webhook: str
) -> None:
    failing(outbox, endpoint, 70)
    job = started(webhook, perSecond=3)
    pauses = []
    delays: list[list[int]] = []
    while steps := outbox.take(QUEUE):
        [step] = steps
        pauses.append(step.delay)
        work(WORKER, record(step.body))
        delays.append([message.delay for message in outbox.take()])
    assert [len(page) for page in delays] == [0, 30, 30, 10]
    assert pauses[:2] == [0, 0]
    assert all(1 <= pause <= 10 for pause in pauses[2:])
    for page in delays:
        assert all(count <= 3 for delay, count in Counter(page).items() if delay)
        assert max(page, default=0) <= 10
    assert shown(webhook, job["id"])["query"]["perSecond"] == 3
    waiting = deliveries(webhook, "?limit=100&state=retrying")
    assert len({delivery["nextAttemptAt"] for delivery in waiting}) > 20


def test_no_faster_than_the_webhook_allows(outbox: Outbox, endpoint: Receiver) -> None:
    slow = subscribe(endpoint.url, rateLimit=2)["id"]
    assert started(slow)["query"]["perSecond"] == 2
    finish(outbox)
    assert started(slow, perSecond=1)["query"]["perSecond"] == 1


def test_progress_and_counts_grow_and_a_cancel_stops_within_a_step(
    outbox: Outbox, endpoint: Receiver, webhook: str
) -> None:
    failing(outbox, endpoint, 60)
    job = started(webhook, perSecond=1)
    seen = []
    for _ in range(3):
        [step] = outbox.take(QUEUE)
        work(WORKER, record(step.body))
        seen.append(shown(webhook, job["id"]))
    assert [one["sent"] for one in seen] == [0, 10, 20]
    assert [one["matched"] for one in seen] == [10, 20, 30]
    assert seen[0]["progress"] <= seen[1]["progress"] <= seen[2]["progress"] < 100
    assert (seen[2]["status"], "finishedAt" in seen[2]) == ("running", False)

    cancelled = cancel(webhook, job["id"])
    assert (cancelled.status, cancelled.data["status"]) == (200, "cancelled")
    assert cancelled.data["finishedAt"]
    [step] = outbox.take(QUEUE)
    outbox.take()
    assert work(WORKER, record(step.body)) == []
    assert outbox.take() == outbox.take(QUEUE) == []
    assert cancel(webhook, job["id"]).body == cancelled.body
    assert shown(webhook, job["id"]) == cancelled.data
    assert started(webhook)["status"] == "running"


def test_a_cancel_in_the_middle_of_a_step_counts_what_went_out(
    outbox: Outbox, endpoint: Receiver, webhook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(outbox, endpoint, 30)
    job = started(webhook, perSecond=1)
    work(WORKER, record(outbox.take(QUEUE)[0].body))
    [step] = outbox.take(QUEUE)
    send_all = replay.queue.send_all

    def cancelling(*args: Any) -> None:
        send_all(*args)
        assert cancel(webhook, job["id"]).status == 200

    monkeypatch.setattr(replay.queue, "send_all", cancelling)
    assert work(WORKER, record(step.body)) == []
    assert outbox.take(QUEUE) == []
    assert len(outbox.take()) == 10
    ended = shown(webhook, job["id"])
    assert (ended["status"], ended["sent"], ended["matched"]) == ("cancelled", 10, 10)


def test_what_has_ended_cannot_be_cancelled(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    job = started(webhook, dryRun=True)
    answer = cancel(webhook, job["id"])
    assert (answer.status, answer.error["code"]) == (409, "recovery_ended")
    assert shown(webhook, job["id"])["status"] == "done"


# --- what goes wrong --------------------------------------------------------------------------------------------------


class Died(Exception):
    """The worker is no more."""


@contextmanager
def dying(at: int, when: str) -> Iterator[list[str]]:
    """Raises before or after the call of that number to AWS, from 1; gives the calls that were made."""
    calls: list[str] = []
    lock = threading.Lock()

    def note(model: Any, **_: Any) -> None:
        with lock:
            calls.append(model.name)
            number = len(calls)
        if number == at:
            raise Died(model.name)

    for client in (clients.dynamodb(), clients.sqs()):
        client.meta.events.register(f"{when}-call", note, unique_id="dying")
    try:
        yield calls
    finally:
        for client in (clients.dynamodb(), clients.sqs()):
            client.meta.events.unregister(f"{when}-call", unique_id="dying")


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_may_die_at_every_call(
    outbox: Outbox, endpoint: Receiver, webhook: str, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_rules, "MIN_PAGE", 3)
    monkeypatch.setattr(replay_rules, "STEP_SECONDS", 3)
    failed = failing(outbox, endpoint, 4)
    call("PATCH", f"/integrations/webhooks/{webhook}", body={"active": False})
    missing = publish_many(3) | publish_many(2, external="e")
    call("PATCH", f"/integrations/webhooks/{webhook}", body={"active": True})
    job = started(webhook, perSecond=1)
    died_at = Counter[str]()
    while steps := outbox.take(QUEUE):
        bodies = list(dict.fromkeys(step.body for step in steps))
        for body in bodies:
            for at in range(1, 200):
                with dying(at, when) as calls:
                    back = work(WORKER, record(body, "m", received=2))
                if len(calls) < at:
                    assert back == []
                    break
                died_at[calls[at - 1]] += 1
                assert back == ["m"]
            deliver(outbox, outbox.take())
    deliver(outbox)
    everywhere = {"GetItem", "Query", "BatchGetItem", "UpdateItem", "SendMessageBatch"}
    # Behind the write that ends a step a repeat does no more than these.
    assert died_at.keys() >= everywhere | ({"SendMessage", "DeleteItem"} if when == "before" else set())
    assert got(endpoint) == each_once(failed | missing)
    done = shown(webhook, job["id"])
    assert (done["status"], done["matched"], done["sent"]) == ("done", 9, 9)
    assert started(webhook)["status"] == "running"


def test_steps_that_come_twice_or_at_once_send_nothing_twice(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    failed = failing(outbox, endpoint, 60)
    job = started(webhook, perSecond=2)
    old: list[str] = []
    while steps := outbox.take(QUEUE):
        body = steps[0].body
        old.append(body)
        workers = [threading.Thread(target=work, args=(WORKER, record(body))) for _ in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert len([message for message in outbox.sent if message.queue == QUEUE]) <= 1  # one chain, however many work
        deliver(outbox, outbox.take())
        for repeated in old:
            assert work(WORKER, record(repeated)) == []
        assert len(outbox.tasks) <= 1
    deliver(outbox)
    assert got(endpoint) == each_once(failed)
    done = shown(webhook, job["id"])
    assert (done["status"], done["matched"], done["sent"]) == ("done", 60, 60)


def test_a_lost_answer_to_the_write_of_a_step_stops_nothing(
    outbox: Outbox, endpoint: Receiver, webhook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = failing(outbox, endpoint, 5)
    started(webhook)
    advance = ReplayJobStore.advance

    def twice(self: ReplayJobStore, before: ReplayJob, after: ReplayJob) -> ReplayJob:
        advance(self, before, after)
        return advance(self, before, after)

    monkeypatch.setattr(ReplayJobStore, "advance", twice)
    finish(outbox)
    deliver(outbox)
    assert got(endpoint) == each_once(failed)


def test_a_delivery_that_fails_again_is_not_resent_by_the_same_replay(
    outbox: Outbox, endpoint: Receiver, webhook: str
) -> None:
    failed = failing(outbox, endpoint, 25)
    endpoint.answer = lambda _: Reply(500)
    job = started(webhook, perSecond=1)
    while steps := outbox.take(QUEUE):
        for _ in range(2):
            work(WORKER, record(steps[0].body, received=2))
            deliver(outbox, outbox.take())
    assert got(endpoint) == each_once(failed)
    assert shown(webhook, job["id"])["sent"] == 25
    assert {delivery["state"] for delivery in deliveries(webhook)} == {"exhausted"}
    started(webhook)
    finish(outbox)
    deliver(outbox)
    assert set(got(endpoint).values()) == {2}


def test_what_was_resent_by_hand_meanwhile_is_not_sent_again(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    failing(outbox, endpoint, 5)
    job = started(webhook)
    work(WORKER, record(outbox.take(QUEUE)[0].body))
    delivery = deliveries(webhook)[0]
    assert call("POST", f"/integrations/webhooks/{webhook}/deliveries/{delivery['id']}/resend").status == 202
    deliver(outbox, outbox.take())
    finish(outbox)
    deliver(outbox)
    assert set(got(endpoint).values()) == {1}
    done = shown(webhook, job["id"])
    assert (done["status"], done["matched"], done["sent"]) == ("done", 5, 4)


def test_the_last_try_of_the_queue_ends_it_as_failed(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    failing(outbox, endpoint, 5)
    job = started(webhook)
    [step] = outbox.take(QUEUE)
    for received in range(1, 6):
        assert shown(webhook, job["id"])["status"] == "running"
        with dying(2, "before"):
            assert work(WORKER, record(step.body, "m", received=received)) == ["m"]
    ended = shown(webhook, job["id"])
    assert (ended["status"], ended["reason"]) == ("failed", "internal_error")
    assert work(WORKER, record(step.body, received=6)) == []
    assert outbox.take(QUEUE) == []
    started(webhook)


def test_a_paused_or_deleted_webhook_ends_its_replay(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    failing(outbox, endpoint, 15)
    job = started(webhook, perSecond=1)
    work(WORKER, record(outbox.take(QUEUE)[0].body))
    call("PATCH", f"/integrations/webhooks/{webhook}", body={"active": False})
    finish(outbox)
    ended = shown(webhook, job["id"])
    assert (ended["status"], ended["reason"], ended["sent"]) == ("cancelled", "webhook_paused", 0)
    assert outbox.take() == []

    call("PATCH", f"/integrations/webhooks/{webhook}", body={"active": True})
    started(webhook, perSecond=1)
    work(WORKER, record(outbox.take(QUEUE)[0].body))
    call("DELETE", f"/integrations/webhooks/{webhook}")
    finish(outbox)
    assert outbox.take() == []
    assert ask(webhook).status == 404


def test_one_replay_of_a_webhook_at_a_time(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    job = started(webhook)
    second = ask(webhook)
    assert (second.status, second.error["code"]) == (409, "recovery_running")
    assert job["id"] in second.error["message"]
    assert ask(subscribe(endpoint.url)["id"]).status == 202
    finish(outbox)
    assert ask(webhook).status == 202


def test_a_stalled_replay_is_shown_as_failed_and_another_may_start(
    outbox: Outbox, endpoint: Receiver, webhook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = started(webhook)
    later = now_ms() + STALLED_MS + 1000
    assert replay.find("acme", webhook, job["id"], later).status == "failed"
    request = replay.find("acme", webhook, job["id"], now_ms()).request
    assert replay.start("acme", webhook, request, clock=lambda: later).id != job["id"]
    ended = shown(webhook, job["id"])
    assert (ended["status"], ended["reason"]) == ("failed", "stalled")


def test_a_dry_run_that_takes_long_goes_on_in_the_queue(
    outbox: Outbox, endpoint: Receiver, webhook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(outbox, endpoint, 10)
    call("PATCH", f"/integrations/webhooks/{webhook}", body={"active": False})
    publish_many(5)
    monkeypatch.setattr(replay, "DRY_RUN_SECONDS", 0)
    monkeypatch.setattr(replay, "PLAN_SECONDS", 0)
    job = started(webhook, dryRun=True)
    assert (job["status"], job["sent"]) == ("running", 0)
    assert job["matched"] == 10  # what it has seen so far
    finish(outbox)
    done = shown(webhook, job["id"])
    assert (done["status"], done["matched"], done["sent"]) == ("done", 15, 0)
    assert outbox.take() == []


def test_a_dry_run_also_counts_for_a_paused_webhook(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    call("PATCH", f"/integrations/webhooks/{webhook}", body={"active": False})
    publish_many(10)
    assert started(webhook, dryRun=True)["matched"] == 10
    answer = ask(webhook)
    assert (answer.status, answer.error["code"]) == (409, "webhook_paused")


def test_a_queue_that_accepts_nothing_leaves_no_replay_behind(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    before = rows()
    outbox.refuse = [OSError("no queue")]
    assert ask(webhook).status == 500
    assert {row for row in rows() if "#running" in row} == set()
    assert len(rows()) <= len(before) + 1
    assert ask(webhook).status == 202


# --- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"since": None}, "body.since"),
        ({"since": "yesterday"}, "body.since"),
        ({"since": ago(days=-1)}, "body.since"),
        ({"since": ago(days=31)}, "body.since"),
        ({"until": ago(hours=2)}, "body.until"),
        ({"until": "never"}, "body.until"),
        ({"states": ["failed", "lost"]}, "body.states[1]"),
        ({"states": []}, "body.states"),
        ({"events": ["no good!"]}, "body.events[0]"),
        ({"events": []}, "body.events"),
        ({"perSecond": 0}, "body.perSecond"),
        ({"perSecond": 1001}, "body.perSecond"),
        ({"perSecond": "10"}, "body.perSecond"),
        ({"dryRun": "yes"}, "body.dryRun"),
        ({"unknown": 1}, "body.unknown"),
    ],
)
def test_bad_fields_are_named_and_nothing_is_stored(
    outbox: Outbox, endpoint: Receiver, webhook: str, body: dict[str, Any], field: str
) -> None:
    before = rows()
    answer = ask(webhook, **body)
    assert answer.status == 422, answer.body
    assert field in [detail["field"] for detail in answer.error["details"]]
    assert rows() == before
    assert outbox.take(QUEUE) == []


def test_since_is_needed(outbox: Outbox, webhook: str) -> None:
    answer = call("POST", f"/integrations/webhooks/{webhook}/recover", body={})
    assert (answer.status, answer.error["details"][0]["field"]) == (422, "body.since")


def test_since_may_be_as_old_as_what_is_kept(outbox: Outbox, webhook: str) -> None:
    assert started(webhook, since=ago(days=30), dryRun=True)["status"] == "done"


def test_unknown_ids_are_not_found(outbox: Outbox, webhook: str) -> None:
    for job in ("job_01jgxs7m5n8q2w4r6t8v0x2z4b", "running", "nonsense"):
        assert call("GET", f"/integrations/webhooks/{webhook}/recover/{job}").status == 404
        assert cancel(webhook, job).status == 404
    assert ask("wh_01jgxs7m5n8q2w4r6t8v0x2z4b").status == 404
    assert ask("nonsense").status == 404


def test_a_key_keeps_the_answer(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    body = {"since": ago(minutes=30)}
    options = {"body": body, "headers": {"Idempotency-Key": "once"}}
    first = call("POST", f"/integrations/webhooks/{webhook}/recover", **options)
    again = call("POST", f"/integrations/webhooks/{webhook}/recover", **options)
    assert (first.status, again.body) == (202, first.body)
    assert len(outbox.take(QUEUE)) == 1


def test_messages_hold_ids_only(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    job = started(webhook)
    [step] = outbox.take(QUEUE)
    assert json.loads(step.body) == {"tenant": "acme", "webhookId": webhook, "jobId": job["id"], "step": 0}


def test_recoveries_are_listed_newest_first_page_by_page(outbox: Outbox, endpoint: Receiver, webhook: str) -> None:
    other = subscribe(endpoint.url)["id"]
    started(other, dryRun=True)
    made = [started(webhook, dryRun=True)["id"] for _ in range(3)]
    path = f"/integrations/webhooks/{webhook}/recover"

    assert [job["id"] for job in call("GET", path).data] == made[::-1]
    first = call("GET", f"{path}?limit=2")
    rest = call("GET", f"{path}?limit=2&cursor={first.body['pagination']['nextCursor']}")
    assert [job["id"] for job in first.data + rest.data] == made[::-1]
    assert call("GET", path).data[0] == shown(webhook, made[-1])
    assert call("GET", path, tenant="other").status == 404
    assert call("GET", path, scopes="webhooks:write").status == 403


def test_a_running_recovery_is_listed_with_its_webhook_reserved(
    outbox: Outbox, endpoint: Receiver, webhook: str
) -> None:
    failing(outbox, endpoint, 15)
    job = started(webhook, perSecond=1)

    [listed] = call("GET", f"/integrations/webhooks/{webhook}/recover").data
    assert (listed["id"], listed["status"]) == (job["id"], "running")
