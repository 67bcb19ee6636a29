"""Actions in the background: accepted, run once by a worker whatever the queue does, and read later."""

import json
from typing import Any

import pytest

from jobsprint.actions import executions, service
from jobsprint.connectors.custom import Custom
from jobsprint.core.clock import now_ms
from jobsprint.core.ids import new_id
from jobsprint.repositories import idempotency
from jobsprint.repositories.executions import KEPT_SECONDS, ExecutionStore
from jobsprint.repositories.integrations import IntegrationStore
from tests.support.call import Answer, Died, call
from tests.support.deliveries import Outbox, record, work
from tests.support.receiver import Receiver, Reply
from tests.support.rows import connected, rows, stored

PERSONAL = "very-personal-data"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

pytestmark = pytest.mark.usefixtures("aws")


@pytest.fixture
def integration_id(endpoint: Receiver) -> str:
    number = {"type": "object", "properties": {"n": {"type": "integer"}}}
    return connected(endpoint.url, actions=[{"name": "send", "parameters": number}])


def act(integration_id: str, prefer: str = "respond-async", key: str | None = None, **parameters: Any) -> Answer:
    headers = {"Prefer": prefer} | ({"Idempotency-Key": key} if key else {})
    path = f"/integrations/{integration_id}/actions/send"
    return call("POST", path, body={"parameters": parameters}, headers=headers)


def accepted(integration_id: str, **given: Any) -> str:
    answer = act(integration_id, **given)
    assert answer.status == 202, answer.body
    return str(answer.data["executionId"])


def shown(integration_id: str, execution_id: str) -> Any:
    return call("GET", f"/integrations/{integration_id}/executions/{execution_id}").data


def queued(outbox: Outbox) -> dict[str, Any]:
    [message] = outbox.take("ExecutionQueue")
    return record(message.body)


def logs(integration_id: str) -> list[str]:
    return [entry["status"] for entry in call("GET", f"/integrations/{integration_id}/logs").data]


def later(monkeypatch: pytest.MonkeyPatch, ms: int) -> None:
    monkeypatch.setattr(executions, "now_ms", lambda: now_ms() + ms)


def lease_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    later(monkeypatch, 300_000 + executions.LEASE_BEYOND_MS + 1000)


def test_it_is_accepted_run_and_read(endpoint: Receiver, integration_id: str, outbox: Outbox) -> None:
    endpoint.answer = lambda _: Reply(200, {"messageId": "m1"})

    answer = act(integration_id, n=5)

    assert (answer.status, list(answer.data)) == (202, ["executionId"])
    assert answer.headers["Preference-Applied"] == "respond-async"
    execution_id = answer.data["executionId"]
    assert execution_id.startswith("exe_")
    assert endpoint.received == []
    waiting = shown(integration_id, execution_id)
    assert waiting == {
        "executionId": execution_id,
        "action": "send",
        "status": "queued",
        "createdAt": waiting["createdAt"],
    }

    assert work("run_executions", queued(outbox)) == []

    [request] = endpoint.received
    assert request.json == {"action": "send", "parameters": {"n": 5}}
    done = shown(integration_id, execution_id)
    assert (done["status"], done["result"]) == ("succeeded", {"success": True, "messageId": "m1"})
    assert done["finishedAt"] >= done["createdAt"]
    assert isinstance(done["executionTime"], int)
    assert "error" not in done
    assert logs(integration_id) == ["success"]


def test_its_error_says_what_the_upstream_said(endpoint: Receiver, integration_id: str, outbox: Outbox) -> None:
    endpoint.answer = lambda _: Reply(422, {"error": {"message": "Cannot refund twice"}})
    asked = act(integration_id)

    assert work("run_executions", queued(outbox)) == []

    error = shown(integration_id, asked.data["executionId"])["error"]
    assert error["message"] == "The upstream answered HTTP 422: Cannot refund twice"
    assert error["upstream"] == {"status": 422, "body": {"error": {"message": "Cannot refund twice"}}}
    [entry] = call("GET", f"/integrations/{integration_id}/logs").data
    assert (entry["logId"], entry["requestId"]) == (error["logId"], "req-1")  # of the request that asked for it


@pytest.mark.parametrize("prefer", ["Respond-Async", "wait=10, respond-async; foo=bar", "respond-async, wait=5"])
def test_preferences_that_ask_for_it(integration_id: str, prefer: str) -> None:
    assert act(integration_id, prefer).status == 202


@pytest.mark.parametrize("prefer", ["", "wait=10", "return=minimal", "respond-asynchronously", "x=respond-async"])
def test_preferences_that_do_not(integration_id: str, prefer: str) -> None:
    answer = act(integration_id, prefer)

    assert answer.status == 200
    assert "Preference-Applied" not in answer.headers


def test_what_is_wrong_is_refused_at_once(integration_id: str, outbox: Outbox) -> None:
    off = stored(status="disconnected", kind="custom").id

    assert act(integration_id, n="five").status == 422
    assert act(off).status == 409
    assert act(new_id("int", 1)).status == 404
    assert outbox.take("ExecutionQueue") == []
    assert not [row for row in rows("RequestsTable") if "#execution" in row]


def test_the_queue_holds_ids_only_and_the_table_nothing_readable(endpoint: Receiver, outbox: Outbox) -> None:
    endpoint.answer = lambda _: Reply(200, {"said": PERSONAL})
    token = "tok-s3cret-value"
    integration_id = connected(endpoint.url, headers={"Authorization": token}, actions=[{"name": "send"}])

    execution_id = accepted(integration_id, text=PERSONAL)
    [message] = outbox.take("ExecutionQueue")
    assert message.json == {"tenant": "acme", "integrationId": integration_id, "executionId": execution_id}
    assert PERSONAL not in "\n".join(rows("RequestsTable"))

    work("run_executions", record(message.body))
    assert PERSONAL not in "\n".join(rows("RequestsTable"))
    assert shown(integration_id, execution_id)["result"]["said"] == PERSONAL


def test_secrets_are_masked_in_the_result(endpoint: Receiver, outbox: Outbox) -> None:
    token = "tok-s3cret-value"
    endpoint.answer = lambda request: Reply(200, {"echo": request.headers["authorization"]})
    integration_id = connected(endpoint.url, headers={"Authorization": token}, actions=[{"name": "send"}])

    execution_id = accepted(integration_id)
    work("run_executions", queued(outbox))

    assert token not in json.dumps(shown(integration_id, execution_id))


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(500), "upstream_failed"),
        (Reply(200, {"success": False}), "upstream_failed"),
    ],
)
def test_a_failure_is_shown(endpoint: Receiver, integration_id: str, outbox: Outbox, reply: Reply, code: str) -> None:
    endpoint.answer = lambda _: reply
    execution_id = accepted(integration_id)

    assert work("run_executions", queued(outbox)) == []

    done = shown(integration_id, execution_id)
    assert (done["status"], done["error"]["code"]) == ("failed", code)
    assert done["error"]["message"]
    assert "result" not in done
    assert logs(integration_id) == ["error"]


def test_what_is_disconnected_meanwhile_fails_without_a_call(
    endpoint: Receiver, integration_id: str, outbox: Outbox
) -> None:
    execution_id = accepted(integration_id)
    call("POST", f"/integrations/{integration_id}/disconnect")

    assert work("run_executions", queued(outbox)) == []

    done = shown(integration_id, execution_id)
    assert (done["status"], done["error"]["code"]) == ("failed", "not_connected")
    assert "executionTime" not in done
    assert endpoint.received == []


def test_it_may_take_longer_than_a_caller_waits(
    endpoint: Receiver, integration_id: str, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []
    real = Custom.execute

    def execute(self: Custom, *args: Any, **named: Any) -> Any:
        given.append(args[0])
        return real(self, *args, **named)

    monkeypatch.setattr(Custom, "execute", execute)
    call(
        "POST",
        f"/integrations/{integration_id}/actions/send",
        body={"parameters": {}},
        headers={"Prefer": "respond-async", "traceparent": TRACE},
    )
    work("run_executions", queued(outbox))

    assert 299 < given[0].seconds_left <= 300
    assert given[0].traceparent == TRACE
    assert endpoint.received[0].headers["traceparent"] == TRACE


def test_parameters_and_results_of_any_length_are_kept(endpoint: Receiver, outbox: Outbox) -> None:
    said = "é" * 400_000
    endpoint.answer = lambda _: Reply(200, json.dumps({"text": said}, ensure_ascii=False).encode())
    integration_id = connected(endpoint.url, actions=[{"name": "send"}])
    numbers = [1e20] * 40_000  # 4 characters each in the body, 21 in canonical JSON
    body = json.dumps({"parameters": {"n": "@"}}).replace('"@"', f"[{','.join(['1e20'] * len(numbers))}]")

    path = f"/integrations/{integration_id}/actions/send"
    answer = call("POST", path, body=body, headers={"Prefer": "respond-async"})
    work("run_executions", queued(outbox))

    assert endpoint.received[0].json["parameters"]["n"] == numbers
    assert shown(integration_id, answer.data["executionId"])["result"]["text"] == said


# --- whatever the queue does, one call --------------------------------------------------------------------------------


def test_a_message_that_comes_twice_is_one_call(endpoint: Receiver, integration_id: str, outbox: Outbox) -> None:
    accepted(integration_id)
    message = queued(outbox)

    assert work("run_executions", message, message) == []
    assert work("run_executions", message) == []

    assert len(endpoint.received) == 1
    assert logs(integration_id) == ["success"]


def test_two_workers_at_once_make_one_call(endpoint: Receiver, integration_id: str, outbox: Outbox) -> None:
    execution_id = accepted(integration_id)
    message = queued(outbox)
    inner: list[Any] = []

    def meanwhile(_: Any) -> Reply:
        try:
            executions.work(json.loads(message["body"]))
        except executions.StillRunning as error:
            inner.append(str(error))
        inner.append(shown(integration_id, execution_id)["status"])
        return Reply(200)

    endpoint.answer = meanwhile

    assert work("run_executions", message) == []
    assert inner == [execution_id, "running"]
    assert len(endpoint.received) == 1


def test_a_worker_that_loses_the_race_sends_nothing(
    endpoint: Receiver, integration_id: str, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted(integration_id)
    message = queued(outbox)
    real, first = ExecutionStore.start, [True]

    def slow(store: ExecutionStore, *args: Any, **named: Any) -> bool:
        if first:
            first.pop()
            assert work("run_executions", message) == []
        return real(store, *args, **named)

    monkeypatch.setattr(ExecutionStore, "start", slow)

    assert work("run_executions", message) == [message["messageId"]]
    assert work("run_executions", message) == []
    assert len(endpoint.received) == 1


def test_a_lost_answer_to_the_own_claim_is_no_lost_race(
    endpoint: Receiver, integration_id: str, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution_id = accepted(integration_id)
    real = ExecutionStore.start
    monkeypatch.setattr(ExecutionStore, "start", lambda *args, **named: real(*args, **named) and False)

    assert work("run_executions", queued(outbox)) == []

    assert shown(integration_id, execution_id)["status"] == "succeeded"
    assert len(endpoint.received) == 1


@pytest.mark.parametrize("dies_in", ["call", "finish"])
def test_a_worker_that_died_after_sending_leaves_unknown(
    endpoint: Receiver, integration_id: str, outbox: Outbox, monkeypatch: pytest.MonkeyPatch, dies_in: str
) -> None:
    execution_id = accepted(integration_id, n=1)
    message = queued(outbox)

    def dies(*_: Any, **__: Any) -> Any:
        raise Died

    with monkeypatch.context() as patch:
        if dies_in == "call":
            real = Custom.execute
            patch.setattr(Custom, "execute", lambda *args, **named: (real(*args, **named), dies()))
        else:
            patch.setattr(ExecutionStore, "finish", dies)
        with pytest.raises(Died):
            work("run_executions", message)
    assert shown(integration_id, execution_id)["status"] == "running"
    assert work("run_executions", message) == [message["messageId"]]  # it may be alive yet

    lease_passes(monkeypatch)
    early = shown(integration_id, execution_id)
    assert (early["status"], early["error"]["code"]) == ("unknown", "outcome_unknown")
    assert work("run_executions", message) == []
    assert work("run_executions", message) == []

    done = shown(integration_id, execution_id)
    assert (done["status"], done["error"]) == ("unknown", early["error"])
    assert len(endpoint.received) == 1
    # The worker that crashed at its last write had logged its result.
    assert logs(integration_id) == ["unknown" if dies_in == "call" else "success"]


def test_our_own_fault_before_the_call_brings_the_message_back(
    endpoint: Receiver, integration_id: str, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution_id = accepted(integration_id)
    message = queued(outbox)

    def broken(*_: Any) -> Any:
        raise RuntimeError("our own fault")

    with monkeypatch.context() as patch:
        patch.setattr("jobsprint.integrations.oauth_tokens.decrypt_credentials", broken)
        assert work("run_executions", message, record("no json", "bad")) == [message["messageId"], "bad"]

    assert shown(integration_id, execution_id)["status"] == "queued"
    assert work("run_executions", message) == []
    assert len(endpoint.received) == 1


# --- background retries -----------------------------------------------------------------------------------------------


def busy(endpoint: Receiver, *, retry_after: int) -> None:
    endpoint.answer = lambda _: Reply(429, None, {"Retry-After": str(retry_after)})


def circuit_forgets(integration_id: str) -> None:
    IntegrationStore("acme").reset_circuit(integration_id)


def test_one_that_is_turned_away_waits_in_the_queue(
    endpoint: Receiver, integration_id: str, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy(endpoint, retry_after=600)
    execution_id = accepted(integration_id)

    assert work("run_executions", queued(outbox)) == []

    [message] = outbox.take("ExecutionQueue")
    assert message.json == {"tenant": "acme", "integrationId": integration_id, "executionId": execution_id}
    assert 600 <= message.delay <= 661
    waiting = shown(integration_id, execution_id)
    assert (waiting["status"], set(waiting)) == ("queued", {"executionId", "action", "status", "createdAt"})
    assert logs(integration_id) == ["error"]
    endpoint.answer = lambda _: Reply(200, {"messageId": "m1"})
    circuit_forgets(integration_id)
    later(monkeypatch, 661_000)

    assert work("run_executions", record(message.body)) == []

    assert shown(integration_id, execution_id)["status"] == "succeeded"
    assert len(endpoint.received) == 2


def test_a_remembered_429_and_an_open_circuit_cost_no_call(
    endpoint: Receiver, integration_id: str, outbox: Outbox
) -> None:
    busy(endpoint, retry_after=60)
    call("POST", f"/integrations/{integration_id}/actions/send", body={"parameters": {}})
    held_back = accepted(integration_id)
    work("run_executions", queued(outbox))
    [message] = outbox.take("ExecutionQueue")
    assert 58 <= message.delay <= 67
    circuit_forgets(integration_id)
    endpoint.answer = lambda _: Reply(500)
    for _ in range(5):
        act(integration_id, prefer="")
    before = len(endpoint.received)
    stopped = accepted(integration_id)

    work("run_executions", queued(outbox))

    [message] = outbox.take("ExecutionQueue")
    assert 25 <= message.delay <= 34
    assert [shown(integration_id, one)["status"] for one in (held_back, stopped)] == ["queued", "queued"]
    assert len(endpoint.received) == before


def test_a_wait_longer_than_the_queue_knows_is_enqueued_again(
    endpoint: Receiver, integration_id: str, outbox: Outbox
) -> None:
    busy(endpoint, retry_after=3000)
    execution_id = accepted(integration_id)
    work("run_executions", queued(outbox))

    [first] = outbox.take("ExecutionQueue")
    assert work("run_executions", record(first.body)) == []
    [second] = outbox.take("ExecutionQueue")

    assert (first.delay, second.delay) == (900, 900)
    assert len(endpoint.received) == 1
    assert shown(integration_id, execution_id)["status"] == "queued"


def test_background_retries_end(
    endpoint: Receiver, integration_id: str, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy(endpoint, retry_after=1800)
    execution_id = accepted(integration_id)
    work("run_executions", queued(outbox))
    [message] = outbox.take("ExecutionQueue")
    circuit_forgets(integration_id)
    later(monkeypatch, 2_000_000)

    assert work("run_executions", record(message.body)) == []

    done = shown(integration_id, execution_id)
    assert (done["status"], done["error"]["code"]) == ("failed", "upstream_rate_limited")
    assert outbox.take("ExecutionQueue") == []
    assert len(endpoint.received) == 2


def test_a_queue_that_did_not_take_it_brings_the_message_back(
    endpoint: Receiver, integration_id: str, outbox: Outbox
) -> None:
    busy(endpoint, retry_after=60)
    execution_id = accepted(integration_id)
    message = queued(outbox)
    outbox.refuse.append(RuntimeError("no answer from the queue"))

    assert work("run_executions", message) == [message["messageId"]]
    assert shown(integration_id, execution_id)["status"] == "queued"
    assert work("run_executions", message) == []

    [again] = outbox.take("ExecutionQueue")
    assert 55 <= again.delay <= 67
    assert len(endpoint.received) == 1


# --- with an Idempotency-Key ------------------------------------------------------------------------------------------


def test_a_key_gives_the_same_execution(endpoint: Receiver, integration_id: str, outbox: Outbox) -> None:
    first, second = act(integration_id, key="k", n=1), act(integration_id, key="k", n=1)

    assert first.body == second.body
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.headers["Preference-Applied"] == "respond-async"
    assert act(integration_id, key="k", n=2).error["code"] == "idempotency_key_reused"
    assert len(outbox.take("ExecutionQueue")) == 1


def test_a_key_whose_message_may_have_been_sent_goes_on_with_the_same_execution(
    endpoint: Receiver, integration_id: str, outbox: Outbox
) -> None:
    outbox.refuse.append(RuntimeError("no answer from the queue"))
    assert act(integration_id, key="k").status == 500
    [row] = [row for row in rows("RequestsTable") if "acme#execution" in row]

    execution_id = accepted(integration_id, key="k")

    assert execution_id in row
    message = queued(outbox)
    assert work("run_executions", message, message) == []
    assert len(endpoint.received) == 1


def test_a_holder_that_died_after_the_queue_took_it_is_gone_on_for(
    endpoint: Receiver, integration_id: str, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: Any, **__: Any) -> Any:
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(idempotency, "keep", dies)
        with pytest.raises(Died):
            act(integration_id, key="k")
    assert act(integration_id, key="k").error["code"] == "idempotency_in_progress"
    monkeypatch.setattr(service, "now_ms", lambda: now_ms() + idempotency.LEASE_MS + 1000)

    execution_id = accepted(integration_id, key="k")

    messages = outbox.take("ExecutionQueue")
    assert {message.json["executionId"] for message in messages} == {execution_id}
    work("run_executions", *(record(message.body) for message in messages))
    assert len(endpoint.received) == 1


def test_a_refused_one_frees_the_key(integration_id: str) -> None:
    assert act(integration_id, key="k", n="one").status == 422
    assert act(integration_id, key="k", n=1).status == 202


# --- reading ----------------------------------------------------------------------------------------------------------


def test_whose_execution_it_is(integration_id: str, endpoint: Receiver) -> None:
    execution_id = accepted(integration_id)
    other = connected(endpoint.url)
    path = f"/integrations/{integration_id}/executions/{execution_id}"

    assert call("GET", path, scopes="integrations:read").status == 200
    assert call("GET", path, scopes="actions:execute").status == 403
    for tenant, target in (
        ("globex", path),
        ("acme", f"/integrations/{other}/executions/{execution_id}"),
        ("acme", f"/integrations/{integration_id}/executions/{new_id('exe', 1)}"),
        ("acme", f"/integrations/{integration_id}/executions/nothing"),
    ):
        answer = call("GET", target, tenant=tenant)
        assert (answer.status, answer.error["code"]) == (404, "execution_not_found")


def test_it_is_gone_after_its_time(integration_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    execution_id = accepted(integration_id)

    later(monkeypatch, KEPT_SECONDS * 1000 + 1000)

    assert call("GET", f"/integrations/{integration_id}/executions/{execution_id}").status == 404
    message = json.dumps({"tenant": "acme", "integrationId": integration_id, "executionId": execution_id})
    assert work("run_executions", record(message)) == []
