"""Dispatcher and sweeper killed by chance before and after the calls they make to AWS: nothing is lost or sent twice.

On a virtual clock (`tests.support.virtual`); now and then a message comes twice. Rows are on moto; the receiver is a
real one and answers by chance. `tests/slow/test_chaos.py` does the same with processes, at every call there is.
"""

import os
import random
import time
from collections import Counter
from contextlib import suppress
from typing import Any

import pytest

from jobsprint.core import aws as clients
from jobsprint.core.config import settings
from jobsprint.delivery import dispatcher as dispatching
from jobsprint.delivery.sweeper import NotSwept, sweep
from tests.support.deliveries import deliveries, publish, subscribe, watching_sqs
from tests.support.receiver import Receiver, Reply
from tests.support.virtual import Service

SCHEDULE = "0,5,1200,60"
RUNS = int(os.environ.get("CHAOS_RUNS", "15"))
"""The long suite takes more."""
MOST_RUNS = 10 * RUNS
SEEN = {"delivered", "exhausted", "unknown", "error", "success"}
STRUCK = {"UpdateItem", "GetItem", "SendMessage", "Query"}


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

    def next_invocation(self, calls: int) -> None:
        self._calls = 0
        moment = self._chance.choice(["before-call", "after-call"])
        self._fatal = (self._chance.randint(1, calls), moment) if self._chance.random() < 0.5 else None

    def rest(self) -> None:
        self._fatal = None

    def struck(self) -> set[str]:
        """The AWS operations that were hit so far."""
        return {strike.rpartition(".")[2] for strike in self.strikes}

    def _strike(self, event_name: str, **_details: Any) -> None:
        moment, operation = event_name.split(".", 1)
        self._calls += moment == "before-call"
        if self._fatal == (self._calls, moment):
            self._fatal = None
            self.strikes[f"{moment} {operation}"] += 1
            raise self._chance.choice([Killed(), ConnectionError("lost")])


@pytest.fixture
def receiver(receiver: Receiver, dispatcher: None, monkeypatch: pytest.MonkeyPatch) -> Receiver:
    monkeypatch.setenv("RETRY_SCHEDULE", SCHEDULE)
    settings.cache_clear()
    return receiver


def test_whatever_dies_every_delivery_ends_and_no_attempt_is_sent_twice(receiver: Receiver) -> None:
    chance = random.Random(20250106)
    webhook = subscribe(receiver.url, "*")
    receiver.answer = lambda _: Reply(chance.choice([200, 500, 500]))
    chaos = Chaos(chance)

    def dispatch(records: list[dict[str, Any]]) -> list[str] | None:
        chaos.next_invocation(5)
        try:
            return dispatching.dispatch(records, clock=lambda: service.now)
        except Killed:
            return None
        finally:
            chaos.rest()

    def sweep_once() -> None:
        chaos.next_invocation(25)
        # An error of one shard is known to the others; a container that is gone is not.
        with suppress(Killed, NotSwept):
            sweep(lambda: service.now)
        chaos.rest()

    ends: Counter[str] = Counter()
    with watching_sqs() as outbox:
        service = Service(
            int(time.time() * 1000),
            dispatch=dispatch,
            sweep=sweep_once,
            sent=lambda: [(message.body, message.delay) for message in outbox.take()],
            twice=lambda: chance.random() < 0.1,
        )
        run = 0
        # Ids and threads differ from run to run, so chance may need some more until it has hit every kind of call.
        while run < RUNS or (run < MOST_RUNS and not (set(ends) >= SEEN and chaos.struck() >= STRUCK)):
            run += 1
            receiver.received.clear()
            event = publish(data={"run": run})
            service.run()

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
    assert set(ends) >= SEEN, ends
    assert chaos.struck() >= STRUCK, chaos.strikes
