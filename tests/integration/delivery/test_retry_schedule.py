"""The retry policy over its whole time, on a virtual clock: dispatcher and sweeper on moto, a real receiver."""

import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from jobsprint.core import aws as clients
from jobsprint.core.config import DEFAULT_RETRY_SCHEDULE, settings
from jobsprint.delivery import dispatcher as dispatching
from jobsprint.delivery.sweeper import sweep
from tests.support.call import call
from tests.support.deliveries import Outbox, deliveries, publish, subscribe
from tests.support.receiver import Received, Receiver, Reply
from tests.support.virtual import Service

DEFAULT = tuple(int(step) for step in DEFAULT_RETRY_SCHEDULE.split(","))


@pytest.fixture
def outbox(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> Outbox:
    monkeypatch.setenv("RETRY_SCHEDULE", DEFAULT_RETRY_SCHEDULE)
    settings.cache_clear()
    return outbox


class Timed:
    """A service on a virtual clock, and when (ms) each attempt reached the receiver, by webhook-id."""

    def __init__(self, outbox: Outbox, receiver: Receiver, seed: int = 0) -> None:
        chance = random.Random(seed)
        self.at: defaultdict[str, list[int]] = defaultdict(list)
        self.answer: Callable[[Received], Reply] = lambda _: Reply(500)
        self.service = Service(
            int(time.time() * 1000),
            dispatch=lambda records: dispatching.dispatch(records, clock=self.clock, chance=chance.random),
            sweep=lambda: sweep(self.clock),
            sent=lambda: [(message.body, message.delay) for message in outbox.take()],
        )
        receiver.answer = self._note

    def clock(self) -> int:
        return self.service.now

    def _note(self, request: Received) -> Reply:
        self.at[request.headers["webhook-id"]].append(self.service.now)
        return self.answer(request)


def late(times: list[int], schedule: tuple[int, ...]) -> list[float]:
    """By how many seconds each retry came after the shortest wait that its step allows."""
    return [(times[n] - times[n - 1]) / 1000 - schedule[n] for n in range(1, len(times))]


def test_the_whole_75_hours_each_attempt_at_its_time(outbox: Outbox, receiver: Receiver) -> None:
    timed = Timed(outbox, receiver, seed=4)
    webhook = subscribe(receiver.url)
    events = [publish(data={"n": n})["id"] for n in range(4)]
    started = timed.service.now
    shown: Counter[bool] = Counter()
    real = timed.service.dispatch

    def looking(records: list[dict[str, Any]]) -> Any:
        back = real(records)
        for delivery in deliveries(webhook["id"], "?state=retrying"):
            shown["nextAttemptAt" in delivery] += 1
        return back

    timed.service.dispatch = looking
    timed.service.run()

    assert set(timed.at) == set(events)
    for times in timed.at.values():
        assert len(times) == len(DEFAULT)
        for behind, step in zip(late(times, DEFAULT), DEFAULT[1:], strict=True):
            # At the earliest after the step; at the latest after the longest jitter and SQS's rounding to a second.
            assert 0 <= behind <= step * 0.1 + 1.001
    found = deliveries(webhook["id"])
    assert {(delivery["state"], len(delivery["attempts"])) for delivery in found} == {("exhausted", 10)}
    assert set(shown) == {True}, "a retrying delivery always says when it is tried again"
    hours = (timed.service.now - started) / 3_600_000
    per_delivery = timed.service.messages / len(events)
    print(  # noqa: T201 - a figure of the long suite
        f"\n75 h schedule: {len(events)} deliveries over {hours:.1f} h, {timed.service.sweeps} sweeps that found "
        f"something, {per_delivery:.1f} messages per delivery"
    )
    assert per_delivery == len(DEFAULT)


def test_without_jitter_every_attempt_comes_to_the_second(outbox: Outbox, receiver: Receiver) -> None:
    timed = Timed(outbox, receiver)
    subscribe(receiver.url)
    publish()
    timed.service.dispatch = lambda records: dispatching.dispatch(records, clock=timed.clock, chance=lambda: 0.0)
    timed.service.run()

    [times] = timed.at.values()
    behind = late(times, DEFAULT)
    print(f"\nlate by {min(behind):.3f} to {max(behind):.3f} s")  # noqa: T201 - a figure of the long suite
    assert min(behind) >= 0
    assert max(behind) <= 1
    assert times[-1] - times[0] >= (75 * 3600 + 35 * 60 + 5) * 1000


def test_a_sweeper_that_was_away_makes_retries_late_and_loses_none(outbox: Outbox, receiver: Receiver) -> None:
    timed = Timed(outbox, receiver, seed=1)
    webhook = subscribe(receiver.url, retrySchedule=[0, 3600, 3600])
    publish()
    timed.service.collect()
    timed.service.hand_out()
    timed.service.now += 5 * 3_600_000
    timed.service.run()

    [times] = timed.at.values()
    assert len(times) == 3
    assert times[1] - times[0] >= 5 * 3_600_000
    assert late(times, (0, 3600, 3600))[1] <= 361.001
    assert deliveries(webhook["id"])[0]["state"] == "exhausted"


def test_a_webhooks_own_schedule_wins(outbox: Outbox, receiver: Receiver) -> None:
    timed = Timed(outbox, receiver, seed=2)
    own = (30, 60, 1800)
    subscribe(receiver.url + "/own", retrySchedule=list(own))
    published = timed.service.now
    publish()
    timed.service.run()

    [times] = timed.at.values()
    assert len(times) == 3
    assert 30_000 <= times[0] - published <= 32_000
    for behind, step in zip(late(times, own), own[1:], strict=True):
        assert 0 <= behind <= step * 0.1 + 1.001


@pytest.mark.parametrize(
    ("asked", "least", "most"), [("1800", 1800, 1981), ("3600", 3600, 3961), ("86400", 3600, 3961), ("1", 60, 67)]
)
def test_retry_after_is_kept_up_to_an_hour_also_through_the_sweeper(
    outbox: Outbox, receiver: Receiver, asked: str, least: int, most: int
) -> None:
    timed = Timed(outbox, receiver, seed=3)
    timed.answer = lambda _: Reply(503, headers={"Retry-After": asked})
    subscribe(receiver.url, retrySchedule=[0, 60])
    publish()
    timed.service.run()

    [times] = timed.at.values()
    assert least * 1000 <= times[1] - times[0] <= most * 1000


@pytest.mark.parametrize("end", ["pause", "delete"])
def test_what_waits_for_a_webhook_that_is_gone_is_discarded_when_its_time_comes(
    outbox: Outbox, receiver: Receiver, end: str
) -> None:
    timed = Timed(outbox, receiver)
    webhook = subscribe(receiver.url, retrySchedule=[0, 7200, 7200])
    publish()
    timed.service.collect()
    timed.service.hand_out()
    path = f"/integrations/webhooks/{webhook['id']}"
    call("DELETE", path) if end == "delete" else call("PATCH", path, body={"active": False})
    timed.service.run()

    assert len(receiver.received) == 1
    [row] = clients.dynamodb().query(
        TableName="EventsTable",
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"acme#{webhook['id']}"}},
    )["Items"]
    assert row["state"] == {"S": "discarded"}
    assert row["listed"] == {"S": f"acme#{webhook['id']}#discarded"}
    assert not {"nextAttemptAt", "dueAt", "dueShard", "leaseToken"} & row.keys()
