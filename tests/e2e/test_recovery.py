"""What a webhook did not get is sent again, on the deployed stack and under its least privilege."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.e2e.api import Api, eventually
from tests.e2e.local_stack import Stack
from tests.support.receiver import Receiver, Reply


def ago(**back: float) -> str:
    return (datetime.now(UTC) - timedelta(**back)).isoformat()


def publish(api: Api, count: int, **fields: Any) -> set[str]:
    """Publishes that many events; their ids."""
    events = [{"event": "order.paid", "data": {"n": n}} for n in range(count)]
    if fields:
        events = [{**event, "id": f"{fields['prefix']}{n}"} for n, event in enumerate(events)]
    return {one["id"] for one in api.data("POST", "/events", {"events": events})}


def ended(api: Api, webhook: str, job: str) -> Any:
    """The recovery once it runs no more."""
    path = f"/integrations/webhooks/{webhook}/recover/{job}"
    return eventually(lambda: (found := api.data("GET", path))["status"] != "running" and found, seconds=90)


def test_a_delivery_is_resent(api: Api, receiver: Receiver) -> None:
    webhook = api.create_webhook(receiver.url)["id"]
    publish(api, 1)
    path = f"/integrations/webhooks/{webhook}/deliveries"
    [delivery] = eventually(lambda: api.data("GET", f"{path}?state=delivered"))
    again = api.call("POST", f"{path}/{delivery['id']}/resend")
    assert (again.status_code, again.json()["data"]["state"]) == (202, "retrying")
    first, second = receiver.wait_for(2)
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert second.headers["x-jobsprint-attempt"] == "2"
    [delivery] = eventually(lambda: api.data("GET", f"{path}?state=delivered"))
    assert len(delivery["attempts"]) == 2


def test_what_failed_and_what_is_missing_is_recovered(api: Api, receiver: Receiver) -> None:
    receiver.answer = lambda _: Reply(500)
    webhook = api.create_webhook(receiver.url)["id"]
    path = f"/integrations/webhooks/{webhook}"
    failed = publish(api, 2)  # with four attempts each: one more would open the breaker
    eventually(lambda: len(api.data("GET", f"{path}/deliveries?state=exhausted")) == len(failed), seconds=90)
    api.data("PATCH", path, {"active": False})
    missing = publish(api, 10) | publish(api, 10, prefix="order-")
    assert api.call("POST", f"{path}/recover", {"since": ago(minutes=30)}).json()["error"]["code"] == "webhook_paused"
    api.data("PATCH", path, {"active": True})
    receiver.answer = lambda _: Reply(200)
    receiver.received.clear()

    dry = api.data("POST", f"{path}/recover", {"since": ago(minutes=30), "dryRun": True})
    assert (dry["status"], dry["matched"], dry["sent"]) == ("done", 22, 0)
    accepted = api.call("POST", f"{path}/recover", {"since": ago(minutes=30)})
    assert accepted.status_code == 202
    done = ended(api, webhook, accepted.json()["data"]["id"])
    assert (done["status"], done["matched"], done["sent"], done["progress"]) == ("done", 22, 22, 100)
    receiver.wait_for(22, seconds=60)
    assert Counter(got.headers["webhook-id"] for got in receiver.received) == Counter(failed | missing)


def test_a_recovery_is_cancelled(api: Api, receiver: Receiver) -> None:
    publish(api, 25)
    webhook = api.create_webhook(receiver.url)["id"]
    path = f"/integrations/webhooks/{webhook}/recover"
    job = api.data("POST", path, {"since": ago(minutes=30), "perSecond": 1})["id"]
    eventually(lambda: api.data("GET", f"{path}/{job}")["sent"] == 10, seconds=60)
    assert api.data("POST", f"{path}/{job}/cancel")["status"] == "cancelled"
    assert ended(api, webhook, job)["sent"] == 10
    receiver.wait_for(10, seconds=40)
    assert len(receiver.received) == 10


def test_one_token_sees_no_other_tenants_recovery(stack: Stack, api: Api, receiver: Receiver) -> None:
    webhook = api.create_webhook(receiver.url)["id"]
    path = f"/integrations/webhooks/{webhook}/recover"
    job = api.data("POST", path, {"since": ago(minutes=5)})["id"]
    other = Api.of(stack)
    assert other.call("GET", f"{path}/{job}").status_code == 404
    assert other.call("POST", f"{path}/{job}/cancel").status_code == 404
    assert other.call("POST", path, {"since": ago(minutes=5)}).status_code == 404
    assert ended(api, webhook, job)["status"] == "done"
