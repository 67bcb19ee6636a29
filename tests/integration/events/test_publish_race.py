"""Fifty publishers of one id at once: one event, one delivery, one answer for all.

Threads call `delivery.publisher`, not the handler: Lambda gives a handler one request at a time, and Powertools'
resolver holds that request in module state. The deployed handlers meet fifty requests at once in
tests/e2e/test_routing.py.
"""

import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from jobsprint.core import aws as clients
from jobsprint.core.errors import Conflict
from jobsprint.delivery.publisher import Draft, Published, publish
from tests.support.deliveries import Outbox, deliveries, dispatch, record, subscribe
from tests.support.receiver import Receiver

PUBLISHERS = 50
NAME = "order.paid"
_Result = TypeVar("_Result")


@pytest.fixture
def outbox(outbox: Outbox) -> Outbox:
    clients.dynamodb()
    return outbox


def at_once(works: Sequence[Callable[[], _Result]]) -> list[_Result]:
    """What each gives; all begin together."""
    gate = threading.Barrier(len(works))

    def begin(work: Callable[[], _Result]) -> _Result:
        gate.wait(30)
        return work()

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(begin, works))


def sent_to(outbox: Outbox) -> set[str]:
    """The deliveries of everything in the queue, which is handed to the dispatcher in batches of ten."""
    messages = outbox.take()
    for start in range(0, len(messages), 10):
        assert dispatch(*(record(message.body) for message in messages[start : start + 10])) == []
    return {message.json["deliveryId"] for message in messages}


def test_fifty_publishers_of_one_event(outbox: Outbox, endpoint: Receiver) -> None:
    webhook = subscribe(endpoint.url)["id"]
    draft = Draft(NAME, '{"n":1}', external_id="one")

    answers = at_once([lambda: publish("acme", [draft])] * PUBLISHERS)

    [first] = answers[0]
    assert isinstance(first, Published)
    assert answers == [[first]] * PUBLISHERS
    assert len(sent_to(outbox)) == 1
    [request] = endpoint.received
    assert request.headers["webhook-id"] == first.id
    [delivery] = deliveries(webhook)
    assert (delivery["eventId"], len(delivery["attempts"])) == (first.id, 1)


def test_of_two_bodies_under_one_id_one_wins(outbox: Outbox, endpoint: Receiver) -> None:
    subscribe(endpoint.url)
    drafts = [Draft(NAME, f'{{"n":{number % 2}}}', external_id="one") for number in range(PUBLISHERS)]

    answers = [answer for [answer] in at_once([lambda draft=draft: publish("acme", [draft]) for draft in drafts])]

    won = {draft.data for draft, answer in zip(drafts, answers, strict=True) if isinstance(answer, Published)}
    lost = [answer for answer in answers if isinstance(answer, Conflict)]
    assert len(won) == 1
    assert [error.code for error in lost] == ["event_id_reused"] * (PUBLISHERS // 2)
    assert len({answer.id for answer in answers if isinstance(answer, Published)}) == 1
    assert len(sent_to(outbox)) == 1
    [request] = endpoint.received
    assert json.dumps(request.json["data"], separators=(",", ":")) in won


def test_an_id_twice_in_each_of_many_batches(outbox: Outbox, endpoint: Receiver) -> None:
    subscribe(endpoint.url)
    batch = [Draft(NAME, f'{{"n":{number % 24}}}', external_id=f"id-{number % 24}") for number in range(25)]

    answers = at_once([lambda: publish("acme", batch)] * 10)

    assert all(answer == answers[0] for answer in answers)
    ids = [answer.id for answer in answers[0] if isinstance(answer, Published)]
    assert (len(ids), len(set(ids)), ids[0]) == (25, 24, ids[24])
    assert len(outbox.sent) == 240, "an event that stands in a batch twice is queued once"
    assert len(sent_to(outbox)) == 24
    assert sorted(request.headers["webhook-id"] for request in endpoint.received) == sorted(set(ids))


def test_two_bodies_under_one_id_in_a_batch(outbox: Outbox, endpoint: Receiver) -> None:
    subscribe(endpoint.url)
    drafts = [Draft(NAME, f'{{"n":{number}}}', external_id="one") for number in (1, 2, 1)]
    first, second, third = publish("acme", drafts)
    assert isinstance(first, Published)
    assert isinstance(second, Conflict)
    assert third == first
    assert len(outbox.sent) == 1
