"""The dispatcher killed before and after every call it makes to AWS: nothing is lost, nothing is sent twice.

A small queue on a virtual clock stands for SQS: what comes back is visible again after 180 s, and now and then a
message comes twice. Rows are on moto; the receiver is a real one and answers by chance.
"""

import random
import time
from collections import Counter
from typing import Any

import pytest

from jobsprint import aws as clients
from jobsprint.config import settings
from jobsprint.delivery import dispatch as dispatching
from tests.support.deliveries import Outbox, deliveries, publish, record, subscribe, watching_sqs
from tests.support.receiver import Receiver, Reply, receiving

VISIBILITY_MS = 180_000
SCHEDULE = "0,5,1200,60"
RUNS = 60


class Killed(BaseException):
    """The container is gone in the middle of a call."""


class Chaos:
    """Kills at one AWS call of an invocation, before it has its effect or after, or makes it fail there."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._calls = 0
        self._fatal: tuple[int, str] | None = None
        self.strikes: Counter[str] = Counter()
        for client in (clients.dynamodb(), clients.sqs()):
            for moment in ("before-call", "after-call"):
                client.meta.events.register(moment, self._strike, unique_id=f"chaos-{moment}")

    def next_invocation(self) -> None:
        self._calls = 0
        moment = self._chance.choice(["before-call", "after-call"])
        self._fatal = (self._chance.randint(1, 5), moment) if self._chance.random() < 0.5 else None

    def rest(self) -> None:
        self._fatal = None

    def _strike(self, event_name: str, **_details: Any) -> None:
        moment, operation = event_name.split(".", 1)
        self._calls += moment == "before-call"
        if self._fatal == (self._calls, moment):
            self._fatal = None
            self.strikes[f"{moment} {operation}"] += 1
            raise self._chance.choice([Killed(), ConnectionError("lost")])


class Queue:
    """SQS on a virtual clock."""

    def __init__(self, chance: random.Random, now: int) -> None:
        self._chance = chance
        self.now = now
        self._waiting: list[tuple[int, str, str, int]] = []
        self._made = 0

    def put(self, body: str, delay_ms: int) -> None:
        self._made += 1
        self._waiting.append((self.now + delay_ms, f"message-{self._made}", body, 0))

    def work_off(self, outbox: Outbox, chaos: Chaos) -> int:
        """Hands out messages until there are none; the number of invocations."""
        invocations = 0
        while self._waiting:
            invocations += 1
            assert invocations < 500, "the queue never ends"
            self._waiting.sort()
            at, message_id, body, received = self._waiting.pop(0)
            self.now = max(self.now, at)
            if self._chance.random() < 0.1:
                self._waiting.append((self.now + 1, message_id, body, received + 1))  # at least once
            if self._comes_back(message_id, body, received + 1, chaos):
                self._waiting.append((self.now + VISIBILITY_MS, message_id, body, received + 1))
            for sent in outbox.take():
                self.put(sent.body, sent.delay * 1000)
        return invocations

    def _comes_back(self, message_id: str, body: str, received: int, chaos: Chaos) -> bool:
        chaos.next_invocation()
        try:
            failed = dispatching.dispatch([record(body, message_id, received)], clock=lambda: self.now)
        except Killed:
            return True
        finally:
            chaos.rest()
        return bool(failed)


@pytest.fixture
def receiver(aws: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("RETRY_SCHEDULE", SCHEDULE)
    settings.cache_clear()
    with receiving() as found:
        yield found
    dispatching._client().close()
    dispatching._client.cache_clear()


def test_whatever_dies_every_delivery_ends_and_no_attempt_is_sent_twice(receiver: Receiver) -> None:
    chance = random.Random(20250106)
    webhook = subscribe(receiver.url, "*")
    receiver.answer = lambda _: Reply(chance.choice([200, 500, 500]))
    chaos = Chaos(chance)
    queue = Queue(chance, int(time.time() * 1000))
    ends: Counter[str] = Counter()
    with watching_sqs() as outbox:
        for run in range(RUNS):
            receiver.received.clear()
            event = publish(data={"run": run})
            for message in outbox.take():
                queue.put(message.body, 0)
            queue.work_off(outbox, chaos)

            delivery = deliveries(webhook["id"], "?limit=1")[0]
            assert delivery["eventId"] == event["id"]
            numbers = [attempt["attempt"] for attempt in delivery["attempts"]]
            assert numbers == list(range(1, len(numbers) + 1)), "attempts are recorded once each and in order"
            assert delivery["state"] in ("delivered", "exhausted")
            assert len(numbers) == 4 or delivery["state"] == "delivered"
            assert "nextAttemptAt" not in delivery
            sent = Counter(request.headers["x-jobsprint-attempt"] for request in receiver.received)
            assert set(sent.values()) <= {1}, "no attempt is sent twice"
            for attempt in delivery["attempts"]:
                if attempt["status"] != "unknown":
                    assert sent[str(attempt["attempt"])] == 1
                ends[attempt["status"]] += 1
            ends[delivery["state"]] += 1
            time.sleep(0.002)  # ids of one millisecond have no order
    assert all(ends[name] for name in ("delivered", "exhausted", "unknown", "error", "success")), ends
    struck = {strike.rpartition(".")[2] for strike in chaos.strikes}
    assert {"UpdateItem", "GetItem", "SendMessage"} <= struck, chaos.strikes
