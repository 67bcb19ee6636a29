"""The published API examples in docs/api-contract.md, each answered field by field.

`api_examples.json` holds them verbatim. An answer has every key of its example with the same type, and no key that the
test does not name.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobsprint.connectors import registry
from jobsprint.core.canonical_json import JsonObject
from jobsprint.repositories.delivery_stats import StatsStore
from tests.conftest import forget_settings
from tests.support.authority import authority
from tests.support.call import call
from tests.support.deliveries import dispatch, publish, record, subscribe, watching_sqs
from tests.support.receiver import Receiver, Reply, receiving
from tests.support.rows import capability, connected, stored
from tests.support.sender import sending
from tests.support.shapes import differences
from tests.support.zapier import TOKEN, FakeZapier

EXAMPLES: dict[str, Any] = json.loads((Path(__file__).parent / "api_examples.json").read_text())
CONNECTED_AT = 1_735_689_600_000  # 2025-01-01T00:00:00Z

pytestmark = pytest.mark.usefixtures("aws")


@pytest.fixture
def endpoint() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def _schema(parameters: list[dict[str, Any]]) -> JsonObject:
    def described(parameter: dict[str, Any]) -> JsonObject:
        return {key: parameter[key] for key in ("type", "description") if key in parameter}

    return {
        "type": "object",
        "required": [parameter["name"] for parameter in parameters if parameter["required"]],
        "properties": {parameter["name"]: described(parameter) for parameter in parameters},
    }


def _example_slack() -> str:
    shown = EXAMPLES["get"]["data"]
    slack = stored(
        kind=shown["type"],
        name=shown["name"],
        description=shown["description"],
        made_at=CONNECTED_AT,
        configuration=shown["configuration"],
        capabilities=tuple(
            capability(one["name"], one["description"], _schema(one["parameters"])) for one in shown["capabilities"]
        ),
    )
    usage = shown["usageStats"]
    used_at = CONNECTED_AT + 5 * 86_400_000 + 12 * 3_600_000
    StatsStore("acme").count(slack.id, {"ok": usage["successfulCalls"], "bad": usage["failedCalls"]}, used_at)
    return slack.id


def test_list_integrations() -> None:
    stored(name="Older", made_at=CONNECTED_AT - 1)
    for position, shown in reversed(list(enumerate(EXAMPLES["list"]["data"]))):
        made = stored(
            kind=shown["type"],
            name=shown["name"],
            description=shown["description"],
            made_at=CONNECTED_AT - position + 10,
            capabilities=tuple(capability(name) for name in shown["capabilities"]),
        )
        StatsStore("acme").count(made.id, {"ok": 1}, CONNECTED_AT)

    answer = call("GET", "/integrations?status=connected&limit=2")

    assert answer.status == 200
    assert differences(EXAMPLES["list"], answer.body, extra={"data.slug"}) == []
    same = ("type", "name", "description", "status", "icon", "capabilities")
    assert [[item[key] for key in same] for item in answer.data] == [
        [item[key] for key in same] for item in EXAMPLES["list"]["data"]
    ]


def test_get_integration() -> None:
    answer = call("GET", f"/integrations/{_example_slack()}")

    assert answer.status == 200
    assert differences(EXAMPLES["get"], answer.body, extra={"data.health", "data.slug"}) == []
    own = {"id", "health", "slug"}
    assert {key: value for key, value in answer.data.items() if key not in own} == {
        key: value for key, value in EXAMPLES["get"]["data"].items() if key not in own
    }


def test_search_available() -> None:
    answer = call("GET", "/integrations/available?query=email")

    assert answer.status == 200
    example = EXAMPLES["available"]
    first_two = {**answer.body, "data": answer.data[:2]}
    assert differences(example, first_two, extra={"pagination", "data.connect"}) == []
    assert [{name: app[name] for name in app if name != "connect"} for app in answer.data[:2]] == example["data"]


@pytest.mark.parametrize("request_example", ["connectZapierRequest", "connectZapierCurl"])
def test_connect_zapier(monkeypatch: pytest.MonkeyPatch, request_example: str) -> None:
    monkeypatch.setitem(registry.CONNECTORS, "zapier", "tests.support.bearer:ZapierBearer")
    with authority() as zapier:
        monkeypatch.setenv("ZAPIER_MCP_URL", zapier.mcp)
        forget_settings()
        answer = call("POST", "/integrations/zapier_slack/connect", body=EXAMPLES[request_example])

    assert answer.status == 201
    assert differences(EXAMPLES["connect"], answer.body) == []
    shown = EXAMPLES["connect"]["data"]
    assert {name: answer.data[name] for name in ("type", "name", "status", "message")} == {
        name: shown[name] for name in ("type", "name", "status", "message")
    }


def _slack(endpoint: Receiver) -> Any:
    """The answer to connecting the Slack of the examples to a server of Zapier's shape."""
    zapier = FakeZapier(endpoint)
    own = [one for one in zapier.server.tools if not one["name"].endswith("send_channel_message")]
    zapier.server.tools = own
    shown = EXAMPLES["get"]["data"]
    body = {"authType": "token", "token": TOKEN, "serverUrl": zapier.url, "configuration": shown["configuration"]}
    return call("POST", "/integrations/zapier_slack/connect", body=body)


def test_connect_zapier_with_a_token(endpoint: Receiver) -> None:
    answer = _slack(endpoint)

    assert answer.status == 201
    example = {**EXAMPLES["connect"], "data": {k: v for k, v in EXAMPLES["connect"]["data"].items() if k != "authUrl"}}
    assert differences(example, answer.body) == []
    assert (answer.data["type"], answer.data["name"], answer.data["status"]) == ("zapier", "Slack", "connected")


def test_get_and_execute_slack_through_zapier(endpoint: Receiver) -> None:
    slack = _slack(endpoint).data["id"]

    got = call("GET", f"/integrations/{slack}")
    unused = {**EXAMPLES["get"], "data": {k: v for k, v in EXAMPLES["get"]["data"].items() if k != "lastUsed"}}
    assert differences(unused, got.body, extra={"data.health", "data.slug", "data.configuration.url"}) == []
    same = ("type", "name", "description", "status", "icon", "capabilities")
    assert {key: got.data[key] for key in same} == {key: EXAMPLES["get"]["data"][key] for key in same}

    answer = call("POST", f"/integrations/{slack}/actions/send_message", body=EXAMPLES["executeRequest"])
    assert answer.status == 200
    assert differences(EXAMPLES["execute"], answer.body) == []
    assert answer.data["result"] == EXAMPLES["execute"]["data"]["result"]

    tested = call("POST", f"/integrations/{slack}/test")
    assert differences(EXAMPLES["test"], tested.body) == []
    assert tested.data["testResult"]["message"] == EXAMPLES["test"]["data"]["testResult"]["message"]

    [logged] = call("GET", f"/integrations/{slack}/logs").data
    assert (logged["action"], logged["status"]) == ("send_message", "success")
    assert (logged["input"], logged["output"]) == (EXAMPLES["executeRequest"]["parameters"], answer.data["result"])

    ended = call("POST", f"/integrations/{slack}/disconnect")
    assert differences(EXAMPLES["disconnect"], ended.body) == []


def test_connect_custom() -> None:
    answer = call("POST", "/integrations/custom_webhook/connect", body=EXAMPLES["connectCustomRequest"])

    assert answer.status == 201
    example = {**EXAMPLES["connect"], "data": {k: v for k, v in EXAMPLES["connect"]["data"].items() if k != "authUrl"}}
    assert differences(example, answer.body) == []
    assert (answer.data["type"], answer.data["name"], answer.data["status"]) == (
        "custom",
        EXAMPLES["connectCustomRequest"]["name"],
        "connected",
    )


def test_disconnect(endpoint: Receiver) -> None:
    answer = call("POST", f"/integrations/{connected(endpoint.url)}/disconnect")

    assert answer.status == 200
    assert differences(EXAMPLES["disconnect"], answer.body) == []
    assert answer.data["status"] == "disconnected"


def test_test_integration(endpoint: Receiver) -> None:
    answer = call("POST", f"/integrations/{connected(endpoint.url)}/test")

    assert answer.status == 200
    assert differences(EXAMPLES["test"], answer.body) == []
    assert answer.data["testResult"] == {
        **answer.data["testResult"],
        "passed": True,
        "message": "Connection successful",
    }


def test_a_failed_test_says_why_and_what_to_do(endpoint: Receiver) -> None:
    endpoint.answer = lambda _: Reply(500)

    answer = call("POST", f"/integrations/{connected(endpoint.url)}/test")

    named = {"data.testResult.reason", "data.testResult.nextStep"}
    assert differences(EXAMPLES["test"], answer.body, extra=named) == []
    assert set(answer.data["testResult"]) >= {"reason", "nextStep"}
    assert (answer.data["status"], answer.data["testResult"]["passed"]) == ("unhealthy", False)


def test_execute_action_and_its_log(endpoint: Receiver) -> None:
    said = EXAMPLES["execute"]["data"]["result"]
    endpoint.answer = lambda _: Reply(200, said)
    integration_id = connected(endpoint.url, actions=[{"name": "send_message"}])

    answer = call("POST", f"/integrations/{integration_id}/actions/send_message", body=EXAMPLES["executeRequest"])

    assert answer.status == 200
    assert differences(EXAMPLES["execute"], answer.body) == []
    assert (answer.data["action"], answer.data["result"]) == ("send_message", said)
    assert endpoint.received[0].json == {"action": "send_message", **EXAMPLES["executeRequest"]}

    logs = call("GET", f"/integrations/{integration_id}/logs?limit=10")

    assert logs.status == 200
    free = {f"data.output.{name}" for name in said}
    assert differences(EXAMPLES["logs"], logs.body, extra=free | {"data.requestId"}) == []
    assert (logs.data[0]["action"], logs.data[0]["status"]) == ("send_message", "success")
    assert (logs.data[0]["input"], logs.data[0]["output"]) == (EXAMPLES["executeRequest"]["parameters"], said)


def test_create_webhook() -> None:
    answer = call("POST", "/integrations/webhooks", body=EXAMPLES["createWebhookRequest"])

    assert answer.status == 201
    assert differences(EXAMPLES["createWebhook"], answer.body, extra={"data.headers"}) == []
    sent, shown = EXAMPLES["createWebhookRequest"], answer.data
    assert {key: shown[key] for key in ("name", "url", "events", "secret")} == {
        key: sent[key] for key in ("name", "url", "events", "secret")
    }


def test_create_webhook_as_the_curl_example_does() -> None:
    answer = call("POST", "/integrations/webhooks", body=EXAMPLES["createWebhookCurl"])

    assert answer.status == 201
    assert differences(EXAMPLES["createWebhook"], answer.body) == []
    same = ("name", "url", "events", "secret", "active")
    assert {key: answer.data[key] for key in same} == {key: EXAMPLES["createWebhook"]["data"][key] for key in same}


def test_webhook_payload(endpoint: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    example = EXAMPLES["webhookPayload"]
    subscribe(endpoint.url, *EXAMPLES["createWebhookRequest"]["events"], secret="my_secret_key")
    with watching_sqs() as outbox:
        publish(**{name: example[name] for name in ("event", "timestamp", "data")})
        [message] = outbox.take()

    with sending(monkeypatch):
        assert dispatch(record(message.body)) == []

    [received] = endpoint.received
    signature = hmac.new(b"my_secret_key", _stringified(received.json), hashlib.sha256).hexdigest()
    assert received.json == {**example, "signature": f"sha256={signature}"}
    assert list(received.json) == list(example)


def _stringified(body: dict[str, Any]) -> bytes:
    """What `JSON.stringify` makes of the body without its signature; enough for a body of ASCII and integers."""
    payload = {name: value for name, value in body.items() if name != "signature"}
    return json.dumps(payload, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        ("type=zapier", ["Slack"]),
        ("type=n8n", ["Gmail"]),
        ("type=custom", []),
        ("type=webhook", []),
        ("status=connected", ["Slack"]),
        ("status=disconnected", ["Gmail"]),
        ("type=n8n&status=disconnected", ["Gmail"]),
        ("type=n8n&status=connected", []),
    ],
)
def test_filters_of_the_list(parameter: str, expected: list[str]) -> None:
    stored(kind="zapier", name="Slack")
    stored(kind="n8n", name="Gmail", status="disconnected")

    answer = call("GET", f"/integrations?{parameter}")

    assert [item["name"] for item in answer.data] == expected


@pytest.mark.parametrize(
    ("parameter", "first"),
    [("query=slack", "zapier_slack"), ("category=Email", "zapier_gmail"), ("query=send message", "zapier_slack")],
)
def test_filters_of_the_search(parameter: str, first: str) -> None:
    assert call("GET", f"/integrations/available?{parameter}").data[0]["id"] == first
