"""Filters, previews, event types and concurrent publishers, on the deployed stack."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from tests.e2e.api import Api, eventually
from tests.support.receiver import Receiver

PUBLISHERS = 10  # each is a process here; tests/integration/test_publish_race.py has fifty
TRIES = 5


def at_once(api: Api, bodies: list[Any]) -> list[requests.Response]:
    """The answers to all of these publishes, sent at the same time.

    Each is a process here, on as many cores as there are; who hears nothing repeats, as a publisher does.
    """

    def until_answered(body: Any) -> requests.Response:
        for _ in range(TRIES - 1):
            try:
                answer = api.call("POST", "/events", body)
            except (requests.Timeout, requests.ConnectionError):
                continue
            if answer.status_code not in (429, 500, 502, 503, 504):
                return answer
        return api.call("POST", "/events", body)

    with ThreadPoolExecutor(len(bodies)) as threads:
        return list(threads.map(until_answered, bodies))


def delivered(api: Api, webhook: str) -> Any:
    found = api.data("GET", f"/integrations/webhooks/{webhook}/deliveries?limit=100")
    return found if found and all(one["state"] == "delivered" for one in found) else None


def test_a_filter_decides_what_arrives(api: Api, receiver: Receiver) -> None:
    large = {"data": {"amount": [{"numeric": [">", 100]}]}}
    webhook = api.create_webhook(receiver.url, filter=large)["id"]
    small = {"event": "order.paid", "data": {"amount": 5}}
    preview = api.data("POST", "/events/preview", small)
    assert [(one["id"], one["reason"]) for one in preview["webhooks"]] == [(webhook, "filtered")]
    assert api.data("POST", "/events", small)["deliveries"] == 0
    assert api.data("POST", "/events", {**small, "data": {"amount": 500}})["deliveries"] == 1
    [got] = receiver.wait_for(1)
    assert got.json["data"] == {"amount": 500}
    eventually(lambda: delivered(api, webhook))
    assert len(receiver.received) == 1


def test_what_was_published_is_listed_and_read_with_its_deliveries(api: Api, receiver: Receiver) -> None:
    webhook = api.create_webhook(receiver.url)["id"]
    draft = {"event": "order.paid", "data": {"n": 1}}
    published = [api.data("POST", "/events", {**draft, "id": "mine"})]
    published += api.data("POST", "/events", {"events": [draft, {**draft, "id": "other"}, draft]})
    receiver.wait_for(4)
    eventually(lambda: delivered(api, webhook))

    listed = api.data("GET", "/events?event=order.paid")
    assert [event["id"] for event in listed] == [event["id"] for event in published[::-1]]
    for event in listed:
        shown = api.data("GET", f"/events/{event['id']}")
        assert (shown["data"], shown["deliveries"]) == ({"n": 1}, event["deliveries"])
        assert (event["deliveries"]["total"], event["deliveries"]["delivered"]) == (1, 1)
        assert [(one["webhookId"], one["state"]) for one in shown["webhooks"]] == [(webhook, "delivered")]


def test_an_event_that_breaks_its_schema_is_marked_and_arrives(api: Api, receiver: Receiver) -> None:
    api.create_webhook(receiver.url)
    schema = {"type": "object", "required": ["id"]}
    made = api.call("PUT", "/event-types", {"name": "order.paid", "schema": schema, "mode": "warn"})
    assert made.status_code == 201
    assert [one["name"] for one in api.data("GET", "/event-types")] == ["order.paid"]
    answer = api.data("POST", "/events", {"event": "order.paid", "data": {}})
    assert answer["warnings"] == [{"field": "data.id", "message": "is required"}]
    [got] = receiver.wait_for(1)
    assert got.json["data"] == {}


def test_publishers_of_one_id_at_once(api: Api, receiver: Receiver) -> None:
    webhook = api.create_webhook(receiver.url)["id"]
    body = {"event": "order.paid", "data": {"n": 1}, "id": "one"}
    answers = at_once(api, [body] * PUBLISHERS)
    assert Counter(answer.status_code for answer in answers) == {202: PUBLISHERS}
    [event_id] = {answer.json()["data"]["id"] for answer in answers}
    [delivery] = eventually(lambda: delivered(api, webhook), seconds=90)
    assert (delivery["eventId"], len(delivery["attempts"])) == (event_id, 1)
    time.sleep(2)
    assert [request.headers["webhook-id"] for request in receiver.received] == [event_id]


def test_of_two_bodies_under_one_id_one_wins(api: Api, receiver: Receiver) -> None:
    webhook = api.create_webhook(receiver.url)["id"]
    bodies = [{"event": "order.paid", "data": {"n": number % 2}, "id": "one"} for number in range(PUBLISHERS)]
    answers = at_once(api, bodies)
    assert Counter(answer.status_code for answer in answers) == {202: PUBLISHERS // 2, 409: PUBLISHERS // 2}
    [won] = {body["data"]["n"] for body, answer in zip(bodies, answers, strict=True) if answer.status_code == 202}
    eventually(lambda: delivered(api, webhook), seconds=90)
    time.sleep(2)
    assert [request.json["data"] for request in receiver.received] == [{"n": won}]


def test_batches_with_an_id_twice(api: Api, receiver: Receiver) -> None:
    webhook = api.create_webhook(receiver.url)["id"]
    events = [{"event": "order.paid", "data": {"n": n % 24}, "id": f"id-{n % 24}"} for n in range(25)]
    answers = at_once(api, [{"events": events}] * 4)
    assert Counter(answer.status_code for answer in answers) == {202: 4}
    [ids] = {tuple(one["id"] for one in answer.json()["data"]) for answer in answers}
    assert (len(set(ids)), ids[0]) == (24, ids[24])
    eventually(lambda: len(delivered(api, webhook) or []) == 24, seconds=90)
    time.sleep(2)
    assert sorted(request.headers["webhook-id"] for request in receiver.received) == sorted(set(ids))
