"""Actions with an `Idempotency-Key`: the outcome is kept, and nothing is sent twice, whatever dies in between."""

import json
from typing import Any

import pytest

from jobsprint.actions import service
from jobsprint.connectors.custom import Custom
from jobsprint.core.clock import now_ms
from jobsprint.repositories import idempotency
from jobsprint.repositories.logs import LogStore
from tests.support.call import Answer, Died, call
from tests.support.receiver import Receiver, Reply, receiving
from tests.support.rows import connected, rows
from tests.support.silent import Silent

SECRET_PARAMETER = "very-personal-data"

pytestmark = pytest.mark.usefixtures("aws")


@pytest.fixture
def integration_id(endpoint: Receiver) -> str:
    number = {"type": "object", "properties": {"n": {"type": "integer"}}}
    return connected(endpoint.url, actions=[{"name": "send", "parameters": number}, {"name": "other"}])


def act(integration_id: str, key: str = "key-1", action: str = "send", **parameters: Any) -> Answer:
    path = f"/integrations/{integration_id}/actions/{action}"
    return call("POST", path, body={"parameters": parameters}, headers={"Idempotency-Key": key})


def logs(integration_id: str) -> list[Any]:
    return [(entry["action"], entry["status"]) for entry in call("GET", f"/integrations/{integration_id}/logs").data]


def stats(integration_id: str) -> Any:
    return call("GET", f"/integrations/{integration_id}").data["usageStats"]


def later(monkeypatch: pytest.MonkeyPatch, ms: int) -> None:
    monkeypatch.setattr(service, "now_ms", lambda: now_ms() + ms)


def broken(*_: Any, **__: Any) -> Any:
    raise RuntimeError("our own fault")


def dies(*_: Any, **__: Any) -> Any:
    raise Died


def test_the_outcome_is_given_again(endpoint: Receiver, integration_id: str) -> None:
    endpoint.answer = lambda _: Reply(200, {"messageId": len(endpoint.received)})

    first, second = act(integration_id), act(integration_id)

    assert first.data["result"] == {"success": True, "messageId": 1}
    assert second.body == first.body
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(endpoint.received) == 1
    assert logs(integration_id) == [("send", "success")]
    assert stats(integration_id)["totalCalls"] == 1


def test_keys_belong_to_integration_and_action(endpoint: Receiver, integration_id: str) -> None:
    other = connected(endpoint.url, actions=[{"name": "send"}])

    answers = [act(integration_id), act(integration_id, action="other"), act(other)]

    assert [answer.status for answer in answers] == [200] * 3
    assert len(endpoint.received) == 3


def test_other_parameters_are_refused(endpoint: Receiver, integration_id: str) -> None:
    act(integration_id, n=1)

    answer = act(integration_id, n=2)

    assert (answer.status, answer.error["code"]) == (409, "idempotency_key_reused")
    assert len(endpoint.received) == 1


def test_an_unusable_key_is_refused(endpoint: Receiver, integration_id: str) -> None:
    answer = act(integration_id, "x" * 256)

    assert (answer.status, answer.error["details"][0]["field"]) == (422, "header.Idempotency-Key")
    assert endpoint.received == []


@pytest.mark.parametrize(
    ("reply", "status", "code"),
    [
        (Reply(500), 502, "upstream_failed"),
        (Reply(401), 502, "upstream_refused"),
        (Reply(200, {"success": False}), 502, "upstream_failed"),
    ],
)
def test_a_failure_is_kept_and_not_sent_again(
    endpoint: Receiver, integration_id: str, reply: Reply, status: int, code: str
) -> None:
    endpoint.answer = lambda _: reply

    first, second = act(integration_id), act(integration_id)

    assert (first.status, first.error["code"]) == (status, code)
    assert second.body == first.body
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(endpoint.received) == 1
    assert act(integration_id, "key-2").status == status
    assert len(endpoint.received) == 2


def test_an_unanswered_call_is_kept_as_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "ACTION_SECONDS", 0.2)
    hanging = Silent(breaks=False)
    integration_id = connected(hanging.url, actions=[{"name": "send"}])
    first, second = act(integration_id), act(integration_id)
    hanging.close()

    assert hanging.calls == 1
    assert (first.status, first.error["code"]) == (504, "upstream_timeout")
    assert second.body == first.body
    assert logs(integration_id) == [("send", "unknown")]


# --- what was not sent frees the key ----------------------------------------------------------------------------------


def test_parameters_that_were_refused_may_be_mended(endpoint: Receiver, integration_id: str) -> None:
    assert act(integration_id, n="one").status == 422

    assert act(integration_id, n=1).status == 200
    assert len(endpoint.received) == 1


def test_a_call_that_reached_nobody_may_be_repeated() -> None:
    with receiving() as gone:
        pass
    integration_id = connected(gone.url, actions=[{"name": "send"}])
    assert act(integration_id).error["code"] == "upstream_connect"

    with receiving() as back:
        call("PATCH", f"/integrations/{integration_id}", body={"url": back.url})
        assert act(integration_id).status == 200


def test_a_429_may_be_repeated(endpoint: Receiver, integration_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint.answer = lambda _: Reply(429, headers={"Retry-After": "3"})
    assert act(integration_id).status == 429
    endpoint.answer = lambda _: Reply(200)

    monkeypatch.setattr("jobsprint.actions.runner.now_ms", lambda: now_ms() + 4000)

    assert act(integration_id).status == 200


def test_our_own_fault_before_the_call_frees_the_key(
    endpoint: Receiver, integration_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("jobsprint.integrations.oauth_tokens.decrypt_credentials", broken)
        assert act(integration_id).status == 500

    assert act(integration_id).status == 200
    assert len(endpoint.received) == 1


# --- what may have been sent is never sent again ----------------------------------------------------------------------


def test_our_own_fault_during_the_call_is_unknown(
    endpoint: Receiver, integration_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Custom, "execute", broken)
        first = act(integration_id)

    second = act(integration_id)

    assert (first.status, first.error["code"]) == (504, "outcome_unknown")
    assert second.body == first.body
    assert endpoint.received == []
    assert logs(integration_id) == [("send", "unknown")]


@pytest.mark.parametrize("dies_in", ["call", "log", "keep"])
def test_a_holder_that_died_after_it_began_to_send_answers_unknown(
    endpoint: Receiver, integration_id: str, monkeypatch: pytest.MonkeyPatch, dies_in: str
) -> None:
    with monkeypatch.context() as patch:
        if dies_in == "call":
            real = Custom.execute
            patch.setattr(Custom, "execute", lambda *args, **named: (real(*args, **named), dies()))
        else:
            patch.setattr(*((LogStore, "add") if dies_in == "log" else (idempotency, "keep")), dies)
        with pytest.raises(Died):
            act(integration_id)
    assert len(endpoint.received) == 1
    running = act(integration_id)
    assert (running.status, running.error["code"]) == (409, "idempotency_in_progress")
    assert int(running.headers["Retry-After"]) >= 1

    later(monkeypatch, idempotency.LEASE_MS + 1000)
    for _ in range(3):
        answer = act(integration_id)
        assert (answer.status, answer.error["code"]) == (504, "outcome_unknown")
        assert "unknown" in answer.error["message"]
        assert answer.headers["Idempotent-Replayed"] == "true"
    assert act(integration_id, n=1).error["code"] == "idempotency_key_reused"

    assert len(endpoint.received) == 1
    # The holder that died over keeping the outcome had logged what it knew.
    assert logs(integration_id) == [("send", "success" if dies_in == "keep" else "unknown")]
    assert stats(integration_id)["totalCalls"] == 1


def test_a_holder_that_died_before_it_sent_frees_the_key(
    endpoint: Receiver, integration_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(idempotency, "release", lambda _: None)
        patch.setattr("jobsprint.integrations.oauth_tokens.decrypt_credentials", dies)
        with pytest.raises(Died):
            act(integration_id)
    assert act(integration_id).error["code"] == "idempotency_in_progress"

    later(monkeypatch, idempotency.LEASE_MS + 1000)

    assert act(integration_id).status == 200
    assert len(endpoint.received) == 1


def test_a_holder_that_was_taken_for_dead_sends_nothing(
    endpoint: Receiver, integration_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner: list[Answer] = []
    real = idempotency.mark_sending

    def slow(lease: Any, at: int) -> bool:
        if not inner:
            later(monkeypatch, idempotency.LEASE_MS + 1000)
            inner.append(Answer(0, None))
            inner[0] = act(integration_id)
        return real(lease, at)

    monkeypatch.setattr(idempotency, "mark_sending", slow)

    outer = act(integration_id)

    assert inner[0].status == 200
    assert (outer.status, outer.error["code"]) == (409, "idempotency_in_progress")
    assert len(endpoint.received) == 1
    assert act(integration_id).body == inner[0].body


def test_one_in_flight_is_told_apart(endpoint: Receiver, integration_id: str) -> None:
    inner: list[Answer] = []

    def meanwhile(_: Any) -> Reply:
        inner.extend([act(integration_id), act(integration_id, n=1)])
        return Reply(200)

    endpoint.answer = meanwhile
    outer = act(integration_id)

    assert outer.status == 200
    assert [answer.error["code"] for answer in inner] == ["idempotency_in_progress", "idempotency_key_reused"]
    assert len(endpoint.received) == 1


def test_an_outcome_that_cannot_be_kept_is_given_all_the_same(
    endpoint: Receiver, integration_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "keep", broken)

    assert act(integration_id).status == 200


def test_after_a_day_the_key_is_free_again(
    endpoint: Receiver, integration_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = act(integration_id, n=1)
    later(monkeypatch, 23 * 3_600_000)
    assert act(integration_id, n=1).body == first.body

    later(monkeypatch, 24 * 3_600_000 + 1000)

    assert act(integration_id, n=2).status == 200
    assert len(endpoint.received) == 2


def test_a_very_long_result_is_kept_whole_and_encrypted(endpoint: Receiver) -> None:
    said = {"text": SECRET_PARAMETER + "é" * 400_000}
    endpoint.answer = lambda _: Reply(200, json.dumps(said, ensure_ascii=False).encode())
    integration_id = connected(endpoint.url, actions=[{"name": "send"}])

    first, second = act(integration_id), act(integration_id)

    assert first.status == 200
    assert second.body == first.body
    assert second.data["result"]["text"] == said["text"]
    assert len(endpoint.received) == 1
    assert SECRET_PARAMETER not in "\n".join(rows("TenantsTable"))
