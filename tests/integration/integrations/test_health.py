"""Scheduled tests: schedule → queue → test, what changes health and status, and what is told once."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobsprint.connectors import base
from jobsprint.connectors.custom import Custom
from jobsprint.core import aws
from jobsprint.core.clock import now_ms
from jobsprint.domain.integrations import Health, Integration
from jobsprint.integrations import health_checks, state
from jobsprint.repositories.integration_items import HEALTH_SHARDS
from jobsprint.repositories.integrations import IntegrationStore
from tests.support.call import Context, call, handler
from tests.support.deliveries import watching_sqs
from tests.support.receiver import Receiver, Reply, receiving
from tests.support.rows import connected, rows, stored, subscribed

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def queue(aws: dict[str, Any]) -> str:
    return str(aws["HealthQueue"])


def schedule() -> Any:
    file = ROOT / "events" / "run_health_tests.json"
    event = json.loads(file.read_text()) if file.exists() else {}
    return handler("run_health_tests")(event, Context())


def work(queue: str) -> int:
    """Works the queue until it is empty; the number of messages."""
    worked = 0
    while messages := aws.sqs().receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        records = [{"messageId": message["MessageId"], "body": message["Body"]} for message in messages]
        assert handler("check_health")({"Records": records}, Context()) == {"batchItemFailures": []}
        for message in messages:
            aws.sqs().delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        worked += len(messages)
    return worked


def run(queue: str) -> int:
    schedule()
    return work(queue)


def told() -> list[str]:
    """The health events that were published."""
    items = aws.dynamodb().scan(TableName="EventsTable")["Items"]
    return sorted(
        name
        for item in items
        if (name := item.get("event", {}).get("S", "")).split(".")[-1] in ("unhealthy", "recovered")
    )


def shown(integration_id: str) -> Any:
    return call("GET", f"/integrations/{integration_id}").data


def answers(status: int) -> Callable[[Any], Reply]:
    return lambda _: Reply(status)


def test_every_connected_integration_is_tested_and_nothing_else(queue: str, endpoint: Receiver) -> None:
    ids = [connected(f"{endpoint.url}/{tenant}", tenant=tenant) for tenant in ("acme", "acme", "globex")]
    off = connected(f"{endpoint.url}/off")
    call("POST", f"/integrations/{off}/disconnect")
    subscribed(url=f"{endpoint.url}/webhook")

    assert schedule() == {"shards": HEALTH_SHARDS}
    assert work(queue) == HEALTH_SHARDS + len(ids)

    assert sorted(request.path for request in endpoint.received) == ["/acme", "/acme", "/globex"]
    assert {request.json["action"] for request in endpoint.received} == {"jobsprint.ping"}
    for tenant, integration_id in zip(("acme", "acme", "globex"), ids, strict=True):
        answer = call("GET", f"/integrations/{integration_id}", tenant=tenant).data["health"]
        assert (answer["status"], answer["message"]) == ("healthy", "Connection successful")


def test_a_shard_of_many_is_spread_page_by_page(queue: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_checks, "PAGE", 3)
    tested: list[str] = []
    monkeypatch.setattr(Custom, "test", _passes(tested))
    made = _connections(30)

    run(queue)

    assert sorted(tested) == sorted(made)


def _connections(number: int) -> set[str]:
    """Connected integrations of three tenants in turn, and every tenth as many that the schedule leaves alone."""
    made = set()
    for place in range(number):
        tenant = ("acme", "globex", "initech")[place % 3]
        made.add(stored(tenant=tenant, name=str(place), kind="custom").id)
        if place % 10 == 0:
            stored(tenant=tenant, kind="custom", status=("disconnected", "error", "pending")[place % 3])
    return made


def _passes(tested: list[str]) -> Callable[..., base.TestResult]:
    def test(_: Custom, integration: Integration, __: Any) -> base.TestResult:
        tested.append(integration.id)
        return base.TestResult(passed=True, message="Connection successful", response_ms=1)

    return test


def test_every_connection_of_three_tenants_is_tested_once_each_run(queue: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_checks, "PAGE", 4)  # 70 in 8 shards: two or three pages each
    tested: list[str] = []
    monkeypatch.setattr(Custom, "test", _passes(tested))
    scans: list[str] = []
    aws.dynamodb().meta.events.register("before-call.dynamodb.Scan", lambda **_: scans.append("scan"))
    made = _connections(70)

    worked = run(queue)

    assert sorted(tested) == sorted(made)
    pages = worked - len(made)
    assert pages > 2 * HEALTH_SHARDS
    assert scans == []


def test_a_run_that_overlaps_the_one_before_tests_nothing_twice(queue: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tested: list[str] = []
    monkeypatch.setattr(Custom, "test", _passes(tested))
    made = _connections(30)

    schedule()
    schedule()
    work(queue)
    assert sorted(tested) == sorted(made)

    tested.clear()
    run(queue)
    assert sorted(tested) == sorted(made)


def test_a_page_that_is_spread_twice_tests_nothing_twice(queue: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tested: list[str] = []
    monkeypatch.setattr(Custom, "test", _passes(tested))
    made = _connections(30)
    started = now_ms()
    monkeypatch.setattr(health_checks, "now_ms", lambda: started)

    for _ in range(2):
        schedule()
        work(queue)

    assert sorted(tested) == sorted(made)


def test_a_test_on_demand_stands_for_one_of_a_run_that_began_before(queue: str, endpoint: Receiver) -> None:
    integration_id = connected(endpoint.url)
    schedule()

    call("POST", f"/integrations/{integration_id}/test")
    work(queue)
    assert len(endpoint.received) == 1

    run(queue)
    assert len(endpoint.received) == 2


@pytest.mark.usefixtures("aws")
def test_a_test_on_demand_and_the_detail_agree(endpoint: Receiver) -> None:
    integration_id = connected(endpoint.url)

    for status, health, event in (
        (500, "unhealthy", "integration.unhealthy"),
        (200, "healthy", "integration.recovered"),
    ):
        endpoint.answer = answers(status)
        tested = call("POST", f"/integrations/{integration_id}/test").data

        assert tested["status"] == shown(integration_id)["health"]["status"] == health
        assert told()[0] == event


def test_three_failures_in_a_row_make_it_unhealthy_and_actions_stay_allowed(queue: str, endpoint: Receiver) -> None:
    endpoint.answer = answers(500)
    integration_id = connected(endpoint.url, actions=[{"name": "send"}])

    seen = []
    for _ in range(5):
        run(queue)
        seen.append((shown(integration_id)["health"]["status"], len(told())))

    assert seen == [("unknown", 0), ("unknown", 0), ("unhealthy", 1), ("unhealthy", 1), ("unhealthy", 1)]
    detail = shown(integration_id)
    assert (detail["status"], detail["health"]["reason"]) == ("connected", "http_5xx")
    assert detail["health"]["nextStep"]
    endpoint.answer = answers(200)
    assert call("POST", f"/integrations/{integration_id}/actions/send", body={"parameters": {}}).status == 200

    run(queue)
    run(queue)
    assert shown(integration_id)["health"]["status"] == "healthy"
    assert told() == ["integration.recovered", "integration.unhealthy"]
    logged = [
        entry["output"]["event"]
        for entry in call("GET", f"/integrations/{integration_id}/logs?action=jobsprint.ping").data
    ]
    assert logged == ["integration.recovered", "integration.unhealthy"]


def test_two_failures_and_a_success_tell_nothing(queue: str, endpoint: Receiver) -> None:
    integration_id = connected(endpoint.url)

    for status in (500, 500, 200, 500, 500, 200):
        endpoint.answer = answers(status)
        run(queue)

    assert (shown(integration_id)["health"]["status"], told()) == ("healthy", [])


@pytest.mark.parametrize("status", [401, 403])
def test_a_verdict_on_credentials_stops_the_connection_at_once(queue: str, endpoint: Receiver, status: int) -> None:
    endpoint.answer = answers(status)
    integration_id = connected(endpoint.url, actions=[{"name": "send"}])

    run(queue)
    run(queue)

    detail = shown(integration_id)
    assert (detail["status"], detail["health"]["status"]) == ("error", "unhealthy")
    assert detail["health"]["reason"] == "credential_rejected"
    assert told() == ["integration.unhealthy"]
    assert len(endpoint.received) == 1
    refused = call("POST", f"/integrations/{integration_id}/actions/send", body={"parameters": {}})
    assert (refused.status, refused.error["code"]) == (409, "credential_rejected")

    endpoint.answer = answers(200)
    assert call("POST", f"/integrations/{integration_id}/test").data["status"] == "healthy"
    assert shown(integration_id)["status"] == "connected"
    assert told() == ["integration.recovered", "integration.unhealthy"]


def test_an_unreachable_endpoint_is_a_result_too(aws: dict[str, Any]) -> None:
    with receiving() as gone:
        integration_id = connected(gone.url)

    result = call("POST", f"/integrations/{integration_id}/test")

    assert result.status == 200
    said = result.data["testResult"]
    assert (said["passed"], said["reason"]) == (False, "connect")
    assert said["nextStep"]


@pytest.mark.parametrize(("status", "reason"), [(302, "redirect"), (404, "http_4xx"), (503, "http_5xx")])
def test_reasons(aws: dict[str, Any], endpoint: Receiver, status: int, reason: str) -> None:
    endpoint.answer = lambda _: Reply(status, headers={"Location": f"{endpoint.url}/elsewhere"})

    said = call("POST", f"/integrations/{connected(endpoint.url)}/test").data["testResult"]

    assert (said["passed"], said["reason"]) == (False, reason)
    assert len(endpoint.received) == 1


def test_two_tests_at_once_tell_of_one_change(aws: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    integration = IntegrationStore("acme").get(connected("https://hooks.example.com/"))
    meanwhile = [lambda: health_checks.test("acme", integration.id)]

    def refused(*_: Any) -> base.TestResult:
        if meanwhile:
            meanwhile.pop()()
        return base.TestResult(passed=False, message="no", response_ms=1, reason="credential_rejected", next_step="Do")

    monkeypatch.setattr(Custom, "test", refused)
    health_checks.test("acme", integration.id)

    assert told() == ["integration.unhealthy"]
    assert shown(integration.id)["status"] == "error"


def test_health_that_was_changed_meanwhile_is_not_overwritten(aws: dict[str, Any]) -> None:
    store = IntegrationStore("acme")
    assert store.change_health("int_1", Health(), Health(checked_at=5, failures_in_row=1))
    assert not store.change_health("int_1", Health(), Health(checked_at=6))
    assert store.change_health("int_1", Health(checked_at=5), Health(checked_at=7))
    store.keep_health("int_1", Health())
    assert store.change_health("int_1", Health(), Health(checked_at=8))


@pytest.mark.parametrize("change", ["disconnect", "delete"])
def test_what_is_gone_before_its_turn_is_skipped(queue: str, endpoint: Receiver, change: str) -> None:
    integration_id = connected(endpoint.url)
    message = {"tenant": "acme", "id": integration_id, "run": now_ms()}
    aws.sqs().send_message(QueueUrl=queue, MessageBody=json.dumps(message))
    call("POST", f"/integrations/{integration_id}/disconnect")
    if change == "delete":
        call("DELETE", f"/integrations/{integration_id}")

    assert work(queue) == 1
    assert endpoint.received == []


def test_a_verdict_about_what_was_changed_meanwhile_is_dropped(aws: dict[str, Any], endpoint: Receiver) -> None:
    integration_id = connected(endpoint.url)

    def change(_: Any) -> Reply:
        call("PATCH", f"/integrations/{integration_id}", body={"name": "Changed meanwhile"})
        return Reply(401)

    endpoint.answer = change
    call("POST", f"/integrations/{integration_id}/test")

    assert (shown(integration_id)["status"], shown(integration_id)["name"]) == ("connected", "Changed meanwhile")


def test_our_own_fault_brings_back_that_message_alone(queue: str, endpoint: Receiver) -> None:
    good = connected(endpoint.url)
    before = len(rows("LogsTable"))
    records = [
        {"messageId": "bad", "body": "no json"},
        {"messageId": "good", "body": json.dumps({"tenant": "acme", "id": good, "run": now_ms()})},
    ]

    assert handler("check_health")({"Records": records}, Context()) == {
        "batchItemFailures": [{"itemIdentifier": "bad"}]
    }
    assert shown(good)["health"]["status"] == "healthy"
    assert len(rows("LogsTable")) == before


class Killed(BaseException):
    """The container is gone."""


@pytest.mark.parametrize("told_before", [False, True])
def test_a_change_whose_teller_died_is_told_by_the_next_test_and_once(
    queue: str, endpoint: Receiver, monkeypatch: pytest.MonkeyPatch, told_before: bool
) -> None:
    integration_id = connected(endpoint.url)
    for _ in range(2):
        endpoint.answer = answers(500)
        run(queue)
    real = state.announce

    def dying(*given: Any, **more: Any) -> bool:
        if told_before:
            real(*given, **more)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(state, "announce", dying)
        with pytest.raises(Killed):
            call("POST", f"/integrations/{integration_id}/test")
    assert told() == ["integration.unhealthy"] * told_before

    for _ in range(2):
        run(queue)
    assert told() == ["integration.unhealthy"]
    logged = call("GET", f"/integrations/{integration_id}/logs?action=jobsprint.ping").data
    assert len(logged) == 1
    assert "unpublished" not in shown(integration_id)["health"]


def test_a_change_that_could_not_be_published_is_published_by_the_next_test(
    queue: str, endpoint: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.answer = answers(401)
    integration_id = connected(endpoint.url)
    with monkeypatch.context() as patch:
        patch.setattr(state, "announce", lambda *_, **__: False)
        run(queue)
    assert told() == []
    endpoint.answer = answers(200)
    call("POST", f"/integrations/{integration_id}/test")
    assert told() == ["integration.recovered", "integration.unhealthy"]


def test_tests_are_grouped_by_tenant_so_that_the_queue_is_fair(aws: dict[str, Any], endpoint: Receiver) -> None:
    for tenant in ("acme", "acme", "globex"):
        connected(endpoint.url, tenant=tenant)
    with watching_sqs() as outbox:
        health_checks.start_all()
        pages = outbox.take("HealthQueue")
        assert {page.group for page in pages} == {"#shards"}
        for page in pages:
            health_checks.work(page.json)
        assert sorted((sent.json["tenant"], str(sent.group)) for sent in outbox.take("HealthQueue")) == [
            ("acme", "acme"),
            ("acme", "acme"),
            ("globex", "globex"),
        ]
