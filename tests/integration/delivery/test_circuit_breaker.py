"""What recent calls mean for the next one: a 429 that is remembered, and a breaker, both per connection."""

from collections.abc import Callable
from typing import Any

import pytest

from jobsprint.actions import runner
from jobsprint.core import aws
from jobsprint.core.clock import now_ms
from jobsprint.domain.circuit_breaker import FAILURES_UNTIL_OPEN, OPEN_MS, WINDOW_MS
from tests.support.call import Answer, call
from tests.support.receiver import Receiver, Reply, receiving
from tests.support.rows import connected

pytestmark = pytest.mark.usefixtures("aws")

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def integration_id(endpoint: Receiver) -> str:
    return connected(endpoint.url, actions=[{"name": "send"}])


def act(integration_id: str, **headers: str) -> Answer:
    path = f"/integrations/{integration_id}/actions/send"
    return call("POST", path, body={"parameters": {}}, headers=headers)


def fails(status: int, **headers: str) -> Callable[[Any], Reply]:
    return lambda _: Reply(status, headers={name.replace("_", "-"): value for name, value in headers.items()})


def later(monkeypatch: pytest.MonkeyPatch, ms: int) -> None:
    monkeypatch.setattr(runner, "now_ms", lambda: now_ms() + ms)


def open_circuit(endpoint: Receiver, integration_id: str) -> None:
    endpoint.answer = fails(500)
    for _ in range(FAILURES_UNTIL_OPEN):
        assert act(integration_id).error["code"] == "upstream_failed"
    endpoint.received.clear()


def is_open(integration_id: str) -> bool:
    answer = act(integration_id)
    return (answer.status, answer.body.get("error", {}).get("code")) == (502, "circuit_open")


# --- 429 --------------------------------------------------------------------------------------------------------------


def test_a_429_is_answered_without_a_call_until_its_time(
    endpoint: Receiver, integration_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.answer = fails(429, Retry_After="20")
    assert act(integration_id).headers["Retry-After"] == "20"
    endpoint.answer = fails(200)

    later(monkeypatch, 5_000)
    again = act(integration_id)
    assert (again.status, again.error["code"]) == (429, "upstream_rate_limited")
    assert 13 <= int(again.headers["Retry-After"]) <= 15
    assert len(endpoint.received) == 1

    later(monkeypatch, 20_100)
    assert act(integration_id).status == 200


def test_it_is_remembered_for_that_connection_only(endpoint: Receiver, integration_id: str) -> None:
    other = connected(endpoint.url, actions=[{"name": "send"}])
    endpoint.answer = fails(429, Retry_After="20")
    act(integration_id)
    endpoint.answer = fails(200)

    assert act(other).status == 200


@pytest.mark.parametrize("again", ["change", "reconnect"])
def test_other_credentials_start_afresh(endpoint: Receiver, integration_id: str, again: str) -> None:
    endpoint.answer = fails(429, Retry_After="3600")
    act(integration_id)
    endpoint.answer = fails(200)

    if again == "change":
        call("PATCH", f"/integrations/{integration_id}", body={"headers": {"X-Key": "another"}})
    else:
        call("POST", f"/integrations/{integration_id}/disconnect")
        call("POST", f"/integrations/{integration_id}/connect", body={"url": endpoint.url})

    assert act(integration_id).status == 200


# --- the breaker ------------------------------------------------------------------------------------------------------


def test_outages_in_a_row_open_it_and_nothing_is_sent(endpoint: Receiver, integration_id: str) -> None:
    open_circuit(endpoint, integration_id)

    answer = act(integration_id)

    assert (answer.status, answer.error["code"]) == (502, "circuit_open")
    assert 1 <= int(answer.headers["Retry-After"]) <= OPEN_MS // 1000
    assert endpoint.received == []
    # Neither a call nor a log entry: what was not sent is not counted.
    shown = call("GET", f"/integrations/{integration_id}").data
    assert (shown["usageStats"]["totalCalls"], shown["status"]) == (FAILURES_UNTIL_OPEN, "connected")


def test_being_unreachable_opens_it_too() -> None:
    with receiving() as gone:
        integration_id = connected(gone.url, actions=[{"name": "send"}])
    for _ in range(FAILURES_UNTIL_OPEN):
        assert act(integration_id).error["code"] == "upstream_connect"

    assert is_open(integration_id)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(400),
        Reply(401),
        Reply(403),
        Reply(404),
        Reply(302),
        Reply(200, {"success": False}),
        Reply(200, b"[" * 999),
    ],
)
def test_a_refusal_is_no_outage(endpoint: Receiver, integration_id: str, reply: Reply) -> None:
    endpoint.answer = lambda _: reply

    for _ in range(FAILURES_UNTIL_OPEN + 1):
        assert act(integration_id).error["code"] != "circuit_open"


def test_a_success_in_between_ends_the_failure_streak(endpoint: Receiver, integration_id: str) -> None:
    for status in (500, 500, 500, 500, 200, 500, 500, 500, 500):
        endpoint.answer = fails(status)
        act(integration_id)

    assert not is_open(integration_id)


def test_outages_far_apart_do_not_open_it(
    endpoint: Receiver, integration_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.answer = fails(500)
    for number in range(FAILURES_UNTIL_OPEN * 2):
        later(monkeypatch, number * WINDOW_MS // (FAILURES_UNTIL_OPEN - 2))
        assert act(integration_id).error["code"] == "upstream_failed"


def test_one_call_probes_and_its_success_closes_it(
    endpoint: Receiver, integration_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_circuit(endpoint, integration_id)
    later(monkeypatch, OPEN_MS + 1000)
    others: list[bool] = []

    def meanwhile(_: Any) -> Reply:
        others.extend(is_open(integration_id) for _ in range(3))
        return Reply(200)

    endpoint.answer = meanwhile
    assert act(integration_id).status == 200

    assert others == [True] * 3
    assert len(endpoint.received) == 1
    endpoint.answer = fails(500)
    assert [act(integration_id).error["code"] for _ in range(2)] == ["upstream_failed"] * 2


def test_two_that_want_to_probe_are_one_probe(
    endpoint: Receiver, integration_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_circuit(endpoint, integration_id)
    later(monkeypatch, OPEN_MS + 1000)
    endpoint.answer = fails(200)
    real, inner = runner.check_circuit, []

    def slow(*args: Any) -> bool:
        if not inner:
            inner.append(None)
            # The other one takes the probe between our look and ours.
            monkeypatch.setattr(runner.IntegrationStore, "count_call", lambda *_, **__: None)
            inner.append(act(integration_id).status)
        return real(*args)

    monkeypatch.setattr(runner, "check_circuit", slow)

    assert is_open(integration_id)
    assert inner == [None, 200]
    assert len(endpoint.received) == 1


def test_a_probe_that_fails_opens_it_again(
    endpoint: Receiver, integration_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_circuit(endpoint, integration_id)

    later(monkeypatch, OPEN_MS + 1000)
    assert act(integration_id).error["code"] == "upstream_failed"
    assert is_open(integration_id)
    later(monkeypatch, 2 * OPEN_MS + 3000)
    assert act(integration_id).error["code"] == "upstream_failed"
    assert is_open(integration_id)
    assert len(endpoint.received) == 2


def test_a_probe_that_is_refused_closes_it(
    endpoint: Receiver, integration_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_circuit(endpoint, integration_id)
    later(monkeypatch, OPEN_MS + 1000)
    endpoint.answer = fails(404)

    assert [act(integration_id).error["code"] for _ in range(2)] == ["upstream_failed"] * 2


def test_a_healthy_connection_pays_nothing(endpoint: Receiver, integration_id: str) -> None:
    seen: list[str] = []
    act(integration_id)
    aws.dynamodb().meta.events.register("before-call.dynamodb", lambda model, **_: seen.append(model.name))

    act(integration_id)

    # The integration and its circuit in one read, the log entry, the counters.
    assert seen == ["BatchGetItem", "PutItem", "UpdateItem"]


# --- the caller's trace -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["traceparent", "Traceparent", "TRACEPARENT"])
def test_the_callers_trace_goes_on(endpoint: Receiver, integration_id: str, name: str) -> None:
    assert act(integration_id, **{name: TRACE}).status == 200

    assert endpoint.received[0].headers["traceparent"] == TRACE


def test_no_trace_or_an_invalid_one_does_not(endpoint: Receiver, integration_id: str) -> None:
    act(integration_id)
    act(integration_id, traceparent="00-nothing-01")

    assert not [request for request in endpoint.received if "traceparent" in request.headers]


def test_xrays_trace_goes_on_where_the_caller_has_none(
    endpoint: Receiver, integration_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, parent = "1-67891233-abcdef012345678912345678", "463ac35c9f6413ad"
    monkeypatch.setenv("_X_AMZN_TRACE_ID", f"Root={root};Parent={parent};Sampled=1")
    act(integration_id)
    act(integration_id, traceparent=TRACE)
    assert [request.headers["traceparent"] for request in endpoint.received] == [
        f"00-{root[2:].replace('-', '')}-{parent}-01",
        TRACE,
    ]


def test_it_replaces_what_the_connection_sends_always(endpoint: Receiver) -> None:
    integration_id = connected(endpoint.url, headers={"TraceParent": "fixed"}, actions=[{"name": "send"}])

    act(integration_id, traceparent=TRACE)
    act(integration_id)

    assert [request.headers["traceparent"] for request in endpoint.received] == [TRACE, "fixed"]
