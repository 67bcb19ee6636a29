"""Actions in the background on the deployed stack: through API Gateway, SQS and the worker to a real endpoint."""

import time
from typing import Any

from tests.e2e.api import Api, eventually
from tests.support.receiver import Receiver, Reply

ENDED = ("succeeded", "failed", "unknown")
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def accepted(api: Api, integration: str, **headers: str) -> str:
    answer = api.call(
        "POST",
        f"/integrations/{integration}/actions/send",
        {"parameters": {"text": "hello"}},
        headers={"Prefer": "respond-async", **headers},
    )
    assert answer.status_code == 202, answer.text
    assert answer.headers["Preference-Applied"] == "respond-async"
    execution: str = answer.json()["data"]["executionId"]
    return execution


def ended(api: Api, integration: str, execution: str, seconds: float = 60) -> Any:
    path = f"/integrations/{integration}/executions/{execution}"
    return eventually(lambda: (found := api.data("GET", path))["status"] in ENDED and found, seconds)


def test_an_execution_from_end_to_end(api: Api, receiver: Receiver) -> None:
    receiver.answer = lambda _: Reply(200, {"messageId": "m1"})
    integration = api.connect_custom(receiver.url)

    execution = accepted(api, integration, traceparent=TRACE)

    done = ended(api, integration, execution)
    assert (done["status"], done["result"]) == ("succeeded", {"success": True, "messageId": "m1"})
    [request] = receiver.received
    assert request.json == {"action": "send", "parameters": {"text": "hello"}}
    assert request.headers["traceparent"] == TRACE
    [entry] = api.data("GET", f"/integrations/{integration}/logs")
    assert (entry["action"], entry["status"]) == ("send", "success")


def test_a_slow_action_outlives_the_29_seconds_of_the_gateway(api: Api, receiver: Receiver) -> None:
    def slow(_: Any) -> Reply:
        time.sleep(32)
        return Reply(200, {"slow": True})

    receiver.answer = slow
    integration = api.connect_custom(receiver.url)

    done = ended(api, integration, accepted(api, integration), seconds=90)

    assert done["result"] == {"success": True, "slow": True}
    assert done["executionTime"] >= 31_000
    assert len(receiver.received) == 1


def test_the_same_key_is_the_same_execution(api: Api, receiver: Receiver) -> None:
    integration = api.connect_custom(receiver.url)
    key = {"Idempotency-Key": "once"}

    executions = {accepted(api, integration, **key) for _ in range(3)}

    [execution] = executions
    assert ended(api, integration, execution)["status"] == "succeeded"
    assert len(receiver.received) == 1


def test_a_key_keeps_the_outcome_of_a_call_too(api: Api, receiver: Receiver) -> None:
    receiver.answer = lambda _: Reply(500)
    integration = api.connect_custom(receiver.url)
    path = f"/integrations/{integration}/actions/send"

    first, second = (api.call("POST", path, {"parameters": {}}, headers={"Idempotency-Key": "once"}) for _ in range(2))

    assert first.status_code == second.status_code == 502
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(receiver.received) == 1


def test_a_connection_that_is_down_is_left_in_peace(api: Api, receiver: Receiver) -> None:
    receiver.answer = lambda _: Reply(503)
    integration = api.connect_custom(receiver.url)
    path = f"/integrations/{integration}/actions/send"

    codes = [api.call("POST", path, {"parameters": {}}).json()["error"]["code"] for _ in range(7)]

    assert codes == ["upstream_failed"] * 5 + ["circuit_open"] * 2
    assert len(receiver.received) == 5
