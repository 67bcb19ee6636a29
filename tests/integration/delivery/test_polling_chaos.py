"""Poll and acknowledge killed at each call they make to AWS, before it has its effect and after: nothing is lost.

Rows are on moto, time is the test's. What a killed poll had leased is handed out again after its lease; a client
repeats what was not answered.
"""

import itertools
import json
import time
from collections.abc import Callable, Iterator
from threading import Lock
from typing import Any, TypeVar

import pytest

from jobsprint.core import aws as clients
from jobsprint.delivery import polling
from jobsprint.delivery.attempt import Report
from jobsprint.delivery.polling import Acknowledgement, Message, PollRequest
from tests.support.deliveries import deliveries, publish
from tests.support.polling import polling_endpoint

EVENTS = 2
LEASE = 10
_Answer = TypeVar("_Answer")

pytestmark = pytest.mark.usefixtures("aws")


class Killed(BaseException):
    """The container is gone: this call and those after it fail."""


class Killer:
    """Ends a container at its `fatal`-th call to AWS, before the call or after it; 0 never does."""

    def __init__(self) -> None:
        self.calls = 0
        self._fatal, self._moment, self._dead = 0, "", False
        self._lock = Lock()
        for client in (clients.dynamodb(), clients.limits_dynamodb()):
            for moment in ("before-call", "after-call"):
                client.meta.events.register(moment, self._strike, unique_id=f"killer-{moment}")

    def run(self, fatal: int, moment: str, work: Callable[[], _Answer]) -> _Answer | None:
        """What the work gives; None if it was killed."""
        self.calls, self._fatal, self._moment, self._dead = 0, fatal, moment, False
        try:
            return work()
        except Killed:
            return None
        finally:
            self._fatal, self._dead = 0, False

    def _strike(self, event_name: str, **_details: Any) -> None:
        moment = event_name.partition(".")[0]
        with self._lock:
            self.calls += moment == "before-call"
            self._dead = self._dead or (self.calls, moment) == (self._fatal, self._moment)
            if self._dead:
                raise Killed


@pytest.fixture
def killer() -> Killer:
    return Killer()


def now() -> int:
    return int(time.time() * 1000)


def world() -> tuple[str, Callable[[int], list[Message]], Callable[[list[Message], int], list[Any]]]:
    """A new endpoint with messages, a poll of it, and an acknowledgement of what it gave, each at a time (ms)."""
    endpoint = polling_endpoint(tenant="acme", retrySchedule=[0, 5])
    for number in range(EVENTS):
        publish(data={"n": number})
        time.sleep(0.002)

    def poll(at: int) -> list[Message]:
        request = PollRequest(lease=LEASE)
        return polling.poll("acme", endpoint["id"], request, clock=lambda: at, sleep=lambda _: None)

    def acknowledge(messages: list[Message], at: int) -> list[Any]:
        said = [Acknowledgement(one.due.task.delivery_id, one.lease, Report("success")) for one in messages]
        return polling.acknowledge("acme", endpoint["id"], said, at)

    return endpoint["id"], poll, acknowledge


def deaths(calls: int) -> Iterator[tuple[int, str]]:
    return itertools.product(range(1, calls + 1), ("before-call", "after-call"))


def ends_well(webhook_id: str) -> None:
    """Every message was delivered by one attempt, which is recorded once."""
    found = deliveries(webhook_id)
    assert [one["state"] for one in found] == ["delivered"] * EVENTS
    assert [[attempt["attempt"] for attempt in one["attempts"]] for one in found] == [[1]] * EVENTS


def numbers(messages: list[Message]) -> list[int]:
    return [json.loads(message.body)["data"]["n"] for message in messages]


def test_a_killed_poll_loses_nothing(killer: Killer) -> None:
    webhook_id, poll, acknowledge = world()
    whole = killer.run(0, "", lambda: poll(now()))
    calls = killer.calls
    assert whole is not None
    assert numbers(whole) == [0, 1]
    assert calls >= 10

    for fatal, moment in deaths(calls):
        webhook_id, poll, acknowledge = world()
        killer.run(fatal, moment, lambda: poll(now()))  # noqa: B023 - called at once
        later = now() + 31_000  # the slot of a container that died ends by itself, later than the lease
        messages = poll(later)
        assert numbers(messages) == [0, 1], (fatal, moment)
        assert len(acknowledge(messages, later)) == EVENTS
        ends_well(webhook_id)
        assert poll(later + 3_600_000) == []


def test_a_killed_acknowledgement_is_repeated_and_recorded_once(killer: Killer) -> None:
    webhook_id, poll, acknowledge = world()
    messages = poll(now())
    killer.run(0, "", lambda: acknowledge(messages, now()))
    ends_well(webhook_id)
    calls = killer.calls
    assert calls >= 4

    for fatal, moment in deaths(calls):
        webhook_id, poll, acknowledge = world()
        messages = poll(now())
        killer.run(fatal, moment, lambda: acknowledge(messages, now()))  # noqa: B023 - called at once
        answers = acknowledge(messages, now())  # the client repeats it
        assert [row.delivery.state for row in answers] == ["delivered"] * EVENTS, (fatal, moment)
        ends_well(webhook_id)
        assert poll(now() + 3_600_000) == []


def test_a_client_that_forgets_gets_everything_again(killer: Killer) -> None:
    webhook_id, poll, acknowledge = world()
    at = now()
    for fatal, moment in deaths(11):
        assert numbers(poll(at)) == [0, 1]
        at += 31_000  # the slot of a container that died ends by itself, later than the lease
        killer.run(fatal, moment, lambda: poll(at))  # noqa: B023 - called at once
        at += 31_000
    acknowledge(poll(at), at)
    ends_well(webhook_id)
