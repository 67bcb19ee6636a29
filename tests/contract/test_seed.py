"""Every example of the seed document that this service answers by now, field by field.

`seed_examples.json` holds the document's JSON examples as they stand there.
"""

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
from tests.support.receiver import Receiver, Reply, receiving
from tests.support.rows import capability, connected, stored
from tests.support.shapes import differences
from tests.support.zapier import TOKEN, FakeZapier

SEED: dict[str, Any] = json.loads((Path(__file__).parent / "seed_examples.json").read_text())
SEED_TIME = 1_735_689_600_000  # 2025-01-01T00:00:00Z

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


def _seed_slack() -> str:
    shown = SEED["get"]["data"]
    slack = stored(
        kind=shown["type"],
        name=shown["name"],
        description=shown["description"],
        made_at=SEED_TIME,
        configuration=shown["configuration"],
        capabilities=tuple(
            capability(one["name"], one["description"], _schema(one["parameters"])) for one in shown["capabilities"]
        ),
    )
    usage = shown["usageStats"]
    used_at = SEED_TIME + 5 * 86_400_000 + 12 * 3_600_000
    StatsStore("acme").count(slack.id, {"ok": usage["successfulCalls"], "bad": usage["failedCalls"]}, used_at)
    return slack.id


def test_list_integrations() -> None:
    stored(name="Older", made_at=SEED_TIME - 1)
    for position, shown in reversed(list(enumerate(SEED["list"]["data"]))):
        made = stored(
            kind=shown["type"],
            name=shown["name"],
            description=shown["description"],
            made_at=SEED_TIME - position + 10,
            capabilities=tuple(capability(name) for name in shown["capabilities"]),
        )
        StatsStore("acme").count(made.id, {"ok": 1}, SEED_TIME)

    answer = call("GET", "/integrations?status=connected&limit=2")

    assert answer.status == 200
    assert differences(SEED["list"], answer.body) == []
    same = ("type", "name", "description", "status", "icon", "capabilities")
    assert [[item[key] for key in same] for item in answer.data] == [
        [item[key] for key in same] for item in SEED["list"]["data"]
    ]


def test_get_integration() -> None:
    answer = call("GET", f"/integrations/{_seed_slack()}")

    assert answer.status == 200
    assert differences(SEED["get"], answer.body, extra={"data.health"}) == []
    own = {"id", "health"}
    assert {key: value for key, value in answer.data.items() if key not in own} == {
        key: value for key, value in SEED["get"]["data"].items() if key not in own
    }


def test_search_available() -> None:
    answer = call("GET", "/integrations/available?query=email")

    assert answer.status == 200
    example = SEED["available"]
    first_two = {**answer.body, "data": answer.data[:2]}
    assert differences(example, first_two, extra={"pagination"}) == []
    assert first_two["data"] == example["data"]


def test_connect_zapier(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.CONNECTORS, "zapier", "tests.support.bearer:Bearer")
    with authority() as zapier:
        monkeypatch.setenv("ZAPIER_MCP_URL", zapier.mcp)
        forget_settings()
        answer = call("POST", "/integrations/zapier_slack/connect", body=SEED["connectZapierRequest"])

    assert answer.status == 201
    assert differences(SEED["connect"], answer.body) == []
    shown = SEED["connect"]["data"]
    assert {name: answer.data[name] for name in ("type", "name", "status", "message")} == {
        name: shown[name] for name in ("type", "name", "status", "message")
    }


def _slack(endpoint: Receiver) -> Any:
    """The seed's Slack, connected to a server of Zapier's shape; the answer to connect."""
    zapier = FakeZapier(endpoint)
    own = [one for one in zapier.server.tools if not one["name"].endswith("send_channel_message")]
    zapier.server.tools = own
    shown = SEED["get"]["data"]
    body = {"authType": "token", "token": TOKEN, "serverUrl": zapier.url, "configuration": shown["configuration"]}
    return call("POST", "/integrations/zapier_slack/connect", body=body)


def test_connect_zapier_with_a_token(endpoint: Receiver) -> None:
    answer = _slack(endpoint)

    assert answer.status == 201
    example = {**SEED["connect"], "data": {k: v for k, v in SEED["connect"]["data"].items() if k != "authUrl"}}
    assert differences(example, answer.body) == []
    assert (answer.data["type"], answer.data["name"], answer.data["status"]) == ("zapier", "Slack", "connected")


def test_get_and_execute_slack_through_zapier(endpoint: Receiver) -> None:
    slack = _slack(endpoint).data["id"]

    got = call("GET", f"/integrations/{slack}")
    unused = {**SEED["get"], "data": {k: v for k, v in SEED["get"]["data"].items() if k != "lastUsed"}}
    assert differences(unused, got.body, extra={"data.health", "data.configuration.url"}) == []
    same = ("type", "name", "description", "status", "icon", "capabilities")
    assert {key: got.data[key] for key in same} == {key: SEED["get"]["data"][key] for key in same}

    answer = call("POST", f"/integrations/{slack}/actions/send_message", body=SEED["executeRequest"])
    assert answer.status == 200
    assert differences(SEED["execute"], answer.body) == []
    assert answer.data["result"] == SEED["execute"]["data"]["result"]

    tested = call("POST", f"/integrations/{slack}/test")
    assert differences(SEED["test"], tested.body) == []
    assert tested.data["testResult"]["message"] == SEED["test"]["data"]["testResult"]["message"]

    [logged] = call("GET", f"/integrations/{slack}/logs").data
    assert (logged["action"], logged["status"]) == ("send_message", "success")
    assert (logged["input"], logged["output"]) == (SEED["executeRequest"]["parameters"], answer.data["result"])

    ended = call("POST", f"/integrations/{slack}/disconnect")
    assert differences(SEED["disconnect"], ended.body) == []


def test_connect_custom() -> None:
    answer = call("POST", "/integrations/custom_webhook/connect", body=SEED["connectCustomRequest"])

    assert answer.status == 201
    example = {**SEED["connect"], "data": {k: v for k, v in SEED["connect"]["data"].items() if k != "authUrl"}}
    assert differences(example, answer.body) == []
    assert (answer.data["type"], answer.data["name"], answer.data["status"]) == (
        "custom",
        SEED["connectCustomRequest"]["name"],
        "connected",
    )


def test_disconnect(endpoint: Receiver) -> None:
    answer = call("POST", f"/integrations/{connected(endpoint.url)}/disconnect")

    assert answer.status == 200
    assert differences(SEED["disconnect"], answer.body) == []
    assert answer.data["status"] == "disconnected"


def test_test_integration(endpoint: Receiver) -> None:
    answer = call("POST", f"/integrations/{connected(endpoint.url)}/test")

    assert answer.status == 200
    assert differences(SEED["test"], answer.body) == []
    assert answer.data["testResult"] == {
        **answer.data["testResult"],
        "passed": True,
        "message": "Connection successful",
    }


def test_a_failed_test_says_why_and_what_to_do(endpoint: Receiver) -> None:
    endpoint.answer = lambda _: Reply(500)

    answer = call("POST", f"/integrations/{connected(endpoint.url)}/test")

    named = {"data.testResult.reason", "data.testResult.nextStep"}
    assert differences(SEED["test"], answer.body, extra=named) == []
    assert set(answer.data["testResult"]) >= {"reason", "nextStep"}
    assert (answer.data["status"], answer.data["testResult"]["passed"]) == ("unhealthy", False)


def test_execute_action_and_its_log(endpoint: Receiver) -> None:
    said = SEED["execute"]["data"]["result"]
    endpoint.answer = lambda _: Reply(200, said)
    integration_id = connected(endpoint.url, actions=[{"name": "send_message"}])

    answer = call("POST", f"/integrations/{integration_id}/actions/send_message", body=SEED["executeRequest"])

    assert answer.status == 200
    assert differences(SEED["execute"], answer.body) == []
    assert (answer.data["action"], answer.data["result"]) == ("send_message", said)
    assert endpoint.received[0].json == {"action": "send_message", **SEED["executeRequest"]}

    logs = call("GET", f"/integrations/{integration_id}/logs?limit=10")

    assert logs.status == 200
    free = {f"data.output.{name}" for name in said}
    assert differences(SEED["logs"], logs.body, extra=free) == []
    assert (logs.data[0]["action"], logs.data[0]["status"]) == ("send_message", "success")
    assert (logs.data[0]["input"], logs.data[0]["output"]) == (SEED["executeRequest"]["parameters"], said)


def test_create_webhook() -> None:
    answer = call("POST", "/integrations/webhooks", body=SEED["createWebhookRequest"])

    assert answer.status == 201
    assert differences(SEED["createWebhook"], answer.body, extra={"data.headers"}) == []
    sent, shown = SEED["createWebhookRequest"], answer.data
    assert {key: shown[key] for key in ("name", "url", "events", "secret")} == {
        key: sent[key] for key in ("name", "url", "events", "secret")
    }


def test_create_webhook_as_the_curl_example_does() -> None:
    body = {key: value for key, value in SEED["createWebhookRequest"].items() if key != "headers"}

    answer = call("POST", "/integrations/webhooks", body={**body, "secret": "my_secret_key"})

    assert differences(SEED["createWebhook"], answer.body) == []


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
