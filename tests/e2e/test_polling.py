"""Polling endpoints on the deployed stack, over HTTP and under enforced IAM."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from standardwebhooks import Webhook

from tests.e2e.api import Api, eventually


@pytest.fixture
def endpoint(api: Api) -> dict[str, Any]:
    body = {"type": "polling", "name": "Laptop", "events": ["*"], "expiresIn": 3600}
    made: dict[str, Any] = api.data("POST", "/integrations/webhooks", body)
    return made


def poll(api: Api, endpoint: dict[str, Any], query: str = "") -> requests.Response:
    return api.call("GET", f"/integrations/webhooks/{endpoint['id']}/poll{query}")


def test_a_message_is_polled_acknowledged_and_delivered(api: Api, endpoint: dict[str, Any]) -> None:
    path = f"/integrations/webhooks/{endpoint['id']}"
    with ThreadPoolExecutor(1) as waiting:
        began = time.monotonic()
        polled = waiting.submit(poll, api, endpoint, "?wait=15&lease=60")
        time.sleep(2)
        event = api.data("POST", "/events", {"event": "order.paid", "data": {"n": 1}})
        [message] = polled.result().json()["data"]["messages"]
        assert time.monotonic() - began < 10
    assert message["eventId"] == event["id"]
    assert Webhook(endpoint["secret"]).verify(message["body"], message["headers"])["data"] == {"n": 1}
    report = {name: message[name] for name in ("deliveryId", "leaseToken")} | {"status": "success", "statusCode": 200}

    for _ in range(2):
        [outcome] = api.data("POST", f"{path}/ack", {"messages": [report]})["messages"]
        assert (outcome["status"], outcome["state"]) == (200, "delivered")

    [delivery] = api.data("GET", f"{path}/deliveries")
    assert [(one["attempt"], one["status"]) for one in delivery["attempts"]] == [(1, "success")]
    assert api.data("GET", f"{path}/stats")["last24Hours"]["successful"] == 1
    assert "lastPolledAt" in api.data("GET", path)
    resent = api.data("POST", f"{path}/deliveries/{delivery['id']}/resend")
    assert resent["state"] == "retrying"
    [again] = eventually(lambda: poll(api, endpoint, "?wait=5").json()["data"]["messages"])
    assert again["attempt"] == 2


def test_a_recovery_and_a_deletion(api: Api) -> None:
    api.data("POST", "/events", {"event": "order.paid", "data": {"n": 1}})
    endpoint = api.data("POST", "/integrations/webhooks", {"type": "polling", "name": "Late", "events": ["*"]})
    path = f"/integrations/webhooks/{endpoint['id']}"
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 600))
    api.data("POST", f"{path}/recover", {"since": since})

    assert len(eventually(lambda: poll(api, endpoint, "?wait=20").json()["data"]["messages"], seconds=60)) == 1
    api.data("DELETE", path)
    assert [one["state"] for one in api.data("GET", f"{path}/deliveries")] == ["discarded"]


def test_a_sixth_poll_at_once_is_refused(api: Api, endpoint: dict[str, Any]) -> None:
    with ThreadPoolExecutor(6) as polling:
        answers = list(polling.map(lambda _: poll(api, endpoint, "?wait=20"), range(6)))
    [refused] = [answer for answer in answers if answer.status_code != 200]
    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "too_many_polls"
    assert int(refused.headers["Retry-After"]) >= 1
    assert poll(api, endpoint).status_code == 200
