"""A planted secret appears in no table, queue, log group or answer: not plain, not in base64, not in URL form."""

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from tests.e2e.api import Api, eventually
from tests.e2e.local_stack import Stack
from tests.support.receiver import Reply, receiving

PLANTED = {
    "webhook header": "planted/Header+Value=1",
    "webhook secret": "planted Webhook&Secret 2",
    "polling secret": "planted Polling&Secret 3",
    "custom header": "Bearer planted.custom.header-3",
    "custom secret": "planted-custom-secret-4!",
    "url token": "plantedUrlToken5ZZ9876543210",
    "confirmation": "planted-confirmation-6-9bd71c",
}

MARKER = "no secret, so it must be found"


def spellings(secret: str) -> set[str]:
    """A secret as it could stand somewhere: plain, escaped, and in base64 at each of the three alignments."""
    raw = secret.removeprefix("Bearer ").encode()
    encoded = {base64.b64encode(b"\0" * shift + raw)[-(-shift * 8 // 6) :][:-4].decode() for shift in range(3)}
    url_safe = {text.translate(str.maketrans("+/", "-_")) for text in encoded}
    return {raw.decode(), quote(raw, safe=""), json.dumps(raw.decode())[1:-1]} | encoded | url_safe


def table_rows(stack: Stack) -> Iterator[str]:
    dynamodb = stack.client("dynamodb")
    for table in dynamodb.list_tables()["TableNames"]:
        for page in dynamodb.get_paginator("scan").paginate(TableName=table):
            yield from (f"{table}: {item}" for item in page["Items"])


def queue_messages(stack: Stack) -> Iterator[str]:
    sqs = stack.client("sqs")
    for url in sqs.list_queues()["QueueUrls"]:
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0, WaitTimeSeconds=0)
        yield from (f"{url}: {message['Body']}" for message in found.get("Messages", []))


def log_lines(stack: Stack) -> Iterator[str]:
    logs = stack.client("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"]):
            yield from (f"{group['logGroupName']}: {event['message']}" for event in page["events"])


def use_everything(api: Api, receiver: Any) -> list[str]:
    """Calls every operation that meets a secret, failures too, and gives the answers as text."""
    receiver.answer = lambda request: Reply(200, {"echo": dict(request.headers)})
    url = f"{receiver.url}/in?access_token={PLANTED['url token']}"
    answers: list[str] = []

    def call(method: str, path: str, body: Any = None, **options: Any) -> Any:
        answer = api.call(method, path, body, **options)
        answers.append(f"{method} {path}: {answer.text}")
        return answer.json().get("data")

    target = {"name": MARKER, "url": url, "headers": {"X-Key": PLANTED["webhook header"]}}
    created = api.call(
        "POST",
        "/integrations/webhooks",
        {**target, "events": ["*"], "secret": PLANTED["webhook secret"]},
        headers={"Idempotency-Key": "plant-1"},
    )
    assert PLANTED["webhook secret"] in created.text, "shown once, here"
    webhook = created.json()["data"]["id"]
    connect = {
        **target,
        "headers": {"Authorization": PLANTED["custom header"]},
        "secret": PLANTED["custom secret"],
        "actions": [{"name": "send"}],
    }
    integration = call("POST", "/integrations/custom_webhook/connect", connect, headers={"Idempotency-Key": "plant-2"})[
        "id"
    ]
    call("POST", "/integrations/custom_webhook/connect", {**connect, "unknown": 1})
    call("POST", "/integrations/webhooks", {**target, "events": ["no good!"], "secret": PLANTED["webhook secret"]})
    call("PATCH", f"/integrations/{integration}", {"headers": connect["headers"], "name": MARKER})
    call("PATCH", f"/integrations/webhooks/{webhook}", {"headers": target["headers"]})
    call("POST", f"/integrations/{integration}/test")
    call("POST", f"/integrations/{webhook}/test")
    parameters = {"parameters": {"token": PLANTED["custom secret"], "note": PLANTED["custom header"]}}
    call("POST", f"/integrations/{integration}/actions/send", parameters, headers={"Idempotency-Key": "plant-3"})
    call("POST", f"/integrations/{integration}/actions/send", parameters, headers={"Idempotency-Key": "plant-3"})
    ran = call("POST", f"/integrations/{integration}/actions/send", parameters, headers={"Prefer": "respond-async"})
    execution = f"/integrations/{integration}/executions/{ran['executionId']}"
    eventually(lambda: api.data("GET", execution)["status"] == "succeeded", seconds=60)
    call("GET", execution)
    call("GET", f"/integrations/{integration}/executions")
    call("POST", "/events", {"event": "a.b", "data": {"n": 1}})
    eventually(lambda: api.data("GET", f"/integrations/webhooks/{webhook}/deliveries?state=delivered"))
    receiver.answer = lambda request: Reply(500, {"echo": dict(request.headers)})
    call("POST", f"/integrations/{integration}/actions/send", parameters)
    call("POST", "/events", {"event": "a.b", "data": {"n": 2}})
    eventually(lambda: api.data("GET", f"/integrations/webhooks/{webhook}/deliveries?state=retrying"))
    polling = {"type": "polling", "name": MARKER, "events": ["polled"]}
    made = api.data("POST", "/integrations/webhooks", {**polling, "secret": PLANTED["polling secret"]})
    path = f"/integrations/webhooks/{made['id']}"
    call("POST", "/events", {"event": "polled", "data": {"n": 3}})
    for message in eventually(lambda: call("GET", f"{path}/poll?wait=5")["messages"]):
        said = {name: message[name] for name in ("deliveryId", "leaseToken")}
        report = {**said, "status": "error", "message": f"bad secret {PLANTED['polling secret']}"}
        call("POST", f"{path}/ack", {"messages": [report]})
    call("GET", f"{path}/deliveries")
    for event in api.data("GET", "/events"):
        call("GET", f"/events/{event['id']}")
    call("GET", "/events")
    for path in ("", "/webhooks", f"/{integration}", f"/{webhook}", f"/webhooks/{webhook}"):
        call("GET", f"/integrations{path}")
    for path in (f"/{integration}/logs", f"/{webhook}/logs", f"/webhooks/{webhook}/deliveries"):
        call("GET", f"/integrations{path}")
    call("POST", f"/integrations/{integration}/disconnect")
    call("POST", f"/integrations/{integration}/confirm", {"confirmation": PLANTED["confirmation"]})
    call("GET", f"/integrations/{integration}")
    call("GET", "/audit?limit=100")
    return answers


def test_planted_secrets_stay_where_they_belong(stack: Stack) -> None:
    api = Api.of(stack)
    with receiving() as receiver:
        answers = use_everything(api, receiver)
        made = api.data("POST", "/tokens", {"name": MARKER, "scopes": ["events:read"]})
        answers += [
            api.call(method, f"/tokens{path}").text for method, path in (("GET", ""), ("DELETE", f"/{made['id']}"))
        ]
        link = api.data("POST", "/portal/sessions", {"capabilities": ["view"], "sessionId": "x"})["url"]
        code = link.partition("#code=")[2]
        session = Api(api.url, api.data("POST", "/portal/sessions/exchange", {"code": code})["token"])
        answers += [
            session.call("GET", "/portal/session").text,
            session.call("GET", "/audit").text,
            api.call("POST", "/portal/sessions/exchange", {"code": code}).text,
            api.call("DELETE", "/portal/sessions?sessionId=x").text,
        ]
        assert any(PLANTED["url token"] in request.path for request in receiver.received), "they were really used"
    places = [*answers, *table_rows(stack), *queue_messages(stack), *log_lines(stack)]
    assert any(MARKER in answer for answer in answers)
    assert any(MARKER in row for row in table_rows(stack)), "the search finds what is there"
    wanted = {**PLANTED, "token": api.token, "made token": made["token"], "code": code, "session": session.token}
    found = [
        f"{name} in {place[:200]}"
        for name, secret in wanted.items()
        for spelling in spellings(secret)
        for place in places
        if spelling in place
    ]
    assert not found
