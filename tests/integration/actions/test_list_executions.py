"""The list of an integration's executions: pages, filters, and nothing of another integration."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from jobsprint.actions import executions
from jobsprint.core.clock import iso_millis, now_ms
from jobsprint.core.ids import made_at, new_id
from jobsprint.repositories import dynamodb
from jobsprint.repositories.executions import KEPT_SECONDS, ExecutionStore
from tests.support.call import Answer, call
from tests.support.deliveries import Outbox, record, work
from tests.support.receiver import Receiver, Reply
from tests.support.rows import connected, subscribed


@pytest.fixture(autouse=True)
def _queue(outbox: Outbox) -> None: ...


@pytest.fixture
def connect(endpoint: Receiver) -> Callable[[], str]:
    return lambda: connected(endpoint.url, actions=[{"name": "send"}, {"name": "check"}])


def accepted(integration_id: str, action: str = "send", **parameters: Any) -> str:
    path = f"/integrations/{integration_id}/actions/{action}"
    answer = call("POST", path, body={"parameters": parameters}, headers={"Prefer": "respond-async"})
    assert answer.status == 202, answer.body
    return str(answer.data["executionId"])


def listed(integration_id: str, **query: Any) -> Answer:
    answer = call("GET", f"/integrations/{integration_id}/executions?{urlencode(query)}")
    assert answer.status == 200, answer.body
    return answer


def ids(answer: Answer) -> list[str]:
    return [one["executionId"] for one in answer.data]


def run(outbox: Outbox) -> None:
    messages = outbox.take("ExecutionQueue")
    assert work("run_executions", *(record(message.body) for message in messages)) == []


def test_pages_of_one_integration_newest_first(connect: Callable[[], str]) -> None:
    one, other = connect(), connect()
    made = [accepted(one if number % 2 else other) for number in range(10)]
    wanted = sorted(made[1::2], reverse=True)

    assert ids(listed(one)) == wanted
    first = listed(one, limit=2)
    second = listed(one, limit=2, cursor=first.body["pagination"]["nextCursor"])
    last = listed(one, limit=2, cursor=second.body["pagination"]["nextCursor"])
    assert ids(first) + ids(second) + ids(last) == wanted
    assert last.body["pagination"] == {"hasMore": False}
    refused = call("GET", f"/integrations/{other}/executions?cursor={first.body['pagination']['nextCursor']}")
    assert refused.error["code"] == "invalid_cursor"


def test_what_an_entry_says(connect: Callable[[], str], outbox: Outbox) -> None:
    integration_id = connect()
    execution_id = accepted(integration_id)
    [waiting] = listed(integration_id).data
    run(outbox)
    [ended] = listed(integration_id).data

    shown = call("GET", f"/integrations/{integration_id}/executions/{execution_id}").data
    assert waiting == {
        "executionId": execution_id,
        "action": "send",
        "status": "queued",
        "createdAt": shown["createdAt"],
    }
    assert ended == {name: shown[name] for name in (*waiting, "finishedAt")}
    assert ended["status"] == "succeeded"


def test_filters(connect: Callable[[], str], outbox: Outbox, endpoint: Receiver) -> None:
    integration_id = connect()
    done = accepted(integration_id)
    run(outbox)
    endpoint.answer = lambda _: Reply(422)
    failed = accepted(integration_id, "check")
    run(outbox)
    waiting = accepted(integration_id)

    assert ids(listed(integration_id, status="succeeded")) == [done]
    assert ids(listed(integration_id, status="failed")) == [failed]
    assert ids(listed(integration_id, action="send")) == sorted((waiting, done), reverse=True)
    assert ids(listed(integration_id, action="send", status="queued")) == [waiting]
    at = iso_millis(made_at(failed))
    assert ids(listed(integration_id, fromDate=at, toDate=at)) == [failed]
    assert ids(listed(integration_id, toDate=iso_millis(made_at(done) - 1))) == []
    assert call("GET", f"/integrations/{integration_id}/executions?status=paused").status == 422


def test_one_whose_worker_died_is_unknown(connect: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
    integration_id = connect()
    execution_id = accepted(integration_id)
    store = ExecutionStore("acme", integration_id)
    assert store.start(execution_id, lease_token="t", now=now_ms(), lease_until=now_ms() + 1000)
    assert ids(listed(integration_id, status="running")) == [execution_id]

    monkeypatch.setattr(executions, "now_ms", lambda: now_ms() + 2000)

    assert ids(listed(integration_id, status="running")) == []
    [entry] = listed(integration_id, status="unknown").data
    shown = call("GET", f"/integrations/{integration_id}/executions/{execution_id}").data
    assert (entry["executionId"], entry["finishedAt"]) == (execution_id, shown["finishedAt"])


def test_long_texts_are_no_entries(
    connect: Callable[[], str], outbox: Outbox, endpoint: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dynamodb, "PART_CHARACTERS", 100)
    endpoint.answer = lambda _: Reply(200, {"said": "y" * 1000})
    integration_id = connect()
    made = [accepted(integration_id, said="x" * 1000) for _ in range(3)]
    run(outbox)
    made += [accepted(integration_id, said="x" * 1000) for _ in range(2)]

    assert ids(listed(integration_id)) == sorted(made, reverse=True)
    found, cursor = [], ""
    while not found or cursor:
        page = listed(integration_id, limit=1, **({"cursor": cursor} if cursor else {}))
        found += ids(page)
        cursor = page.body["pagination"].get("nextCursor", "")
    assert found == sorted(made, reverse=True)


def test_they_are_gone_after_their_time(connect: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
    integration_id = connect()
    accepted(integration_id)
    monkeypatch.setattr(executions, "now_ms", lambda: now_ms() + KEPT_SECONDS * 1000 + 1000)
    assert ids(listed(integration_id)) == []


def test_who_may_read_it(connect: Callable[[], str]) -> None:
    integration_id = connect()
    accepted(integration_id)
    path = f"/integrations/{integration_id}/executions"

    assert call("GET", path, scopes="integrations:read").status == 200
    assert call("GET", path, scopes="actions:execute").status == 403
    for tenant, target in (("globex", path), ("acme", f"/integrations/{new_id('int', 1)}/executions")):
        answer = call("GET", target, tenant=tenant)
        assert (answer.status, answer.error["code"]) == (404, "integration_not_found")
    webhook = subscribed()["id"]
    assert call("GET", f"/integrations/{webhook}/executions", scopes="webhooks:read").data == []
