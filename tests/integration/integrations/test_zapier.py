"""Zapier in both of its modes, against a server of the shape it documents."""

import json
import random
from typing import Any

import pytest

from jobsprint.connectors.zapier import App
from jobsprint.domain.integrations import Integration
from jobsprint.repositories.integrations import IntegrationStore
from tests.conftest import forget_settings
from tests.support.call import Answer, call
from tests.support.mcp import text_result
from tests.support.receiver import Receiver
from tests.support.rows import rows
from tests.support.zapier import SAID, SLACK_ACTIONS, TOKEN, FakeZapier, agentic_tools

pytestmark = pytest.mark.usefixtures("aws")

MESSAGE = {"channel": "#general", "text": "Hello"}


def connect(zapier: FakeZapier, target: str = "zapier_slack", **body: Any) -> Answer:
    given = {"authType": "token", "token": TOKEN, "serverUrl": zapier.url, **body}
    return call("POST", f"/integrations/{target}/connect", body=given)


def connected(zapier: FakeZapier, target: str = "zapier_slack", **body: Any) -> str:
    answer = connect(zapier, target, **body)
    assert (answer.status, answer.data["status"]) == (201, "connected"), answer.body
    return str(answer.data["id"])


def detail(integration_id: str) -> Any:
    return call("GET", f"/integrations/{integration_id}").data


def names(integration_id: str) -> list[str]:
    return [one["name"] for one in detail(integration_id)["capabilities"]]


def act(integration_id: str, action: str, **parameters: Any) -> Answer:
    return call("POST", f"/integrations/{integration_id}/actions/{action}", body={"parameters": parameters})


# --- managed ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("era", ["modern", "handshake"])
def test_managed_mode_offers_the_apps_own_actions(endpoint: Receiver, era: str) -> None:
    integration_id = connected(FakeZapier(endpoint, era=era))

    assert names(integration_id) == ["send_message", "send_channel_message", "create_channel"]
    first = detail(integration_id)["capabilities"][0]
    assert first == {
        "name": "send_message",
        "description": "Send a message to a channel",
        "parameters": [
            {"name": "channel", "type": "string", "required": True, "description": "Channel ID or name"},
            {"name": "text", "type": "string", "required": True, "description": "Message text"},
        ],
    }
    assert IntegrationStore("acme").get(integration_id).connector_state["mode"] == "managed"


def test_managed_mode_sends_exactly_what_was_given(endpoint: Receiver) -> None:
    zapier = FakeZapier(endpoint)
    integration_id = connected(zapier)

    answer = act(integration_id, "send_channel_message", **MESSAGE)

    assert answer.data["result"] == SAID
    [sent] = zapier.server.calls()
    assert sent["name"] == "slack_send_channel_message"
    assert {name: sent["arguments"][name] for name in MESSAGE} == MESSAGE
    assert "exactly the parameters given" in sent["arguments"]["instructions"]
    assert sent["arguments"].keys() == {*MESSAGE, "instructions", "output_hint"}


def test_what_guides_the_model_is_no_parameter(endpoint: Receiver) -> None:
    zapier = FakeZapier(endpoint)

    answer = act(connected(zapier), "send_message", **MESSAGE, instructions="guess the rest")

    assert [entry["field"] for entry in answer.error["details"]] == ["body.parameters.instructions"]
    assert zapier.server.calls() == []


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("zapier_gmail", ["find_email"]),
        ("zapier_google_sheets", ["create_spreadsheet_row"]),
        ("zapier_google_drive", ["find_a_file"]),
    ],
)
def test_the_longest_name_of_an_app_wins(endpoint: Receiver, target: str, expected: list[str]) -> None:
    assert names(connected(FakeZapier(endpoint), target)) == expected


def test_a_shorter_app_does_not_take_the_tools_of_a_longer_one() -> None:
    google = App(Integration("acme", "int_1", "zapier", "Google", "connected", 1, "zapier_google"))

    assert google.action_of("google_sheets_create_spreadsheet_row") is None
    assert google.action_of("google_sheets") == "sheets"
    assert google.action_of("google_find_place") == "find_place"
    assert google.action_of("google_") is None
    assert google.action_of("slack_send_message") is None
    outlook = App(Integration("acme", "int_1", "zapier", "Outlook", "connected", 1, "zapier_outlook"))
    assert outlook.action_of("microsoft_outlook_send_email") == "send_email"


# --- agentic ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("era", ["modern", "handshake"])
@pytest.mark.parametrize("detailed", [True, False])
def test_agentic_mode_offers_the_same_actions_and_no_meta_tool(endpoint: Receiver, era: str, detailed: bool) -> None:
    zapier = FakeZapier(endpoint, mode="agentic", era=era, detailed=detailed)

    integration_id = connected(zapier)

    assert names(integration_id) == ["send_channel_message", "find_message"]
    assert detail(integration_id)["capabilities"][0]["parameters"] == [
        {"name": "channel", "type": "string", "required": True, "description": "Channel ID or name"},
        {"name": "text", "type": "string", "required": True, "description": "Message text"},
        {"name": "as_bot", "type": "boolean", "required": False, "description": "As_Bot"},
    ]
    assert {one["name"] for one in zapier.server.calls()} == {"inspect_zapier_actions"}
    assert IntegrationStore("acme").get(integration_id).connector_state["mode"] == "agentic"


@pytest.mark.parametrize(
    ("action", "parameters", "tool", "key"),
    [
        ("send_channel_message", MESSAGE, "execute_zapier_write_action", "channel_message"),
        ("find_message", {"query": "x"}, "execute_zapier_read_action", "message"),
    ],
)
def test_agentic_mode_runs_an_action_with_explicit_parameters(
    endpoint: Receiver, action: str, parameters: dict[str, str], tool: str, key: str
) -> None:
    zapier = FakeZapier(endpoint, mode="agentic")
    integration_id = connected(zapier)
    zapier.answer = {"results": [{"ts": "1"}], "execution": {"id": "e1"}, "feedbackUrl": "https://x.example"}
    endpoint.received.clear()

    answer = act(integration_id, action, **parameters)

    assert answer.data["result"] == {"success": True, **zapier.answer}
    [sent] = zapier.server.calls()
    assert sent["name"] == tool
    given = sent["arguments"]
    assert (given["selected_api"], given["action"], given["params"]) == ("SlackCLIAPI", key, parameters)
    assert "exactly the parameters given" in given["instructions"]
    assert given.keys() == {"selected_api", "action", "tool_name", "params", "instructions", "output"}


@pytest.mark.parametrize("mode", ["managed", "agentic"])
def test_an_app_with_endless_actions_is_cut_to_what_can_be_kept(endpoint: Receiver, mode: str) -> None:
    zapier = FakeZapier(endpoint, mode=mode)
    noise = random.Random(3)
    words = ["".join(noise.choices("abcdefghijklmnopqrstuvwxyz", k=100)) for _ in range(900)]
    said = noise.choices("abcdefghijklmnopqrstuvwxyz0123456789 ", k=600_000)
    if mode == "managed":
        example = zapier.server.tools[0]
        zapier.server.tools = [
            {**example, "name": f"slack_{word}", "description": "".join(said[at * 600 : at * 600 + 600])}
            for at, word in enumerate(words)
        ]
    else:
        actions = [{**SLACK_ACTIONS[0], "key": word, "tool_name": f"slack_{word}"} for word in words]
        zapier.apps = [{"app": "Slack", "actions": [{**actions[0], "key": "k" * 5000}, *actions[1:]]}]

    answer = connect(zapier)

    assert (answer.status, answer.data["status"]) == (201, "connected")
    assert "more than can be kept" in answer.data["message"]
    kept = names(answer.data["id"])
    assert 60 <= len(kept) <= 120
    assert act(answer.data["id"], kept[-1], **MESSAGE).status == 200


def test_nothing_that_changes_the_server_can_be_called(endpoint: Receiver) -> None:
    zapier = FakeZapier(endpoint, mode="agentic")
    integration_id = connected(zapier)

    for action in ("enable_zapier_action", "auto_provision_mcp", "write_code_action", "execute_zapier_write_action"):
        assert act(integration_id, action).status == 404


def test_the_older_shape_without_api_names(endpoint: Receiver) -> None:
    zapier = FakeZapier(endpoint, mode="agentic")
    actions = [{**SLACK_ACTIONS[0], "tool_name": None}, {**SLACK_ACTIONS[1], "tool_name": None, "name": None}]
    zapier.apps = [{"app": "Slack", "actions": actions}]

    assert names(connected(zapier)) == ["send_channel_message", "message"]


def test_a_change_of_mode_is_seen_by_the_next_test(endpoint: Receiver) -> None:
    zapier = FakeZapier(endpoint)
    integration_id = connected(zapier)
    zapier.server.tools = agentic_tools()

    assert call("POST", f"/integrations/{integration_id}/test").data["status"] == "healthy"

    assert names(integration_id) == ["send_channel_message", "find_message"]
    assert act(integration_id, "send_channel_message", **MESSAGE).data["result"] == SAID


# --- what is not enabled, what is dead --------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["managed", "agentic"])
def test_an_app_that_is_not_enabled_connects_to_an_error_with_the_next_step(endpoint: Receiver, mode: str) -> None:
    zapier = FakeZapier(endpoint, mode=mode)

    answer = connect(zapier, "zapier_trello")

    assert (answer.status, answer.data["status"]) == (201, "error")
    assert "Trello is not enabled at Zapier. Enable an action of Trello" in answer.data["message"]
    integration_id = answer.data["id"]
    assert detail(integration_id)["capabilities"] == []
    assert IntegrationStore("acme").get(integration_id).status_reason == "app_not_enabled"
    assert act(integration_id, "create_card").status == 409
    result = call("POST", f"/integrations/{integration_id}/test").data["testResult"]
    assert (result["passed"], result["reason"]) == (False, "app_not_enabled")
    assert "mcp.zapier.com" in result["nextStep"]

    if mode == "managed":
        card = {**zapier.server.tools[0], "name": "trello_create_card"}
        zapier.server.tools.append(card)
    else:
        zapier.apps.append({"app": "Trello", "actions": [{**SLACK_ACTIONS[0], "tool_name": "trello_create_card"}]})
    assert call("POST", f"/integrations/{integration_id}/test").data["status"] == "healthy"
    shown = detail(integration_id)
    assert (shown["status"], [one["name"] for one in shown["capabilities"]]) == ("connected", ["create_card"])
    assert shown["connectedAt"]


def test_a_404_means_that_the_token_is_dead(endpoint: Receiver) -> None:
    zapier = FakeZapier(endpoint)
    integration_id = connected(zapier)
    zapier.token = "rotated"

    refused = connect(zapier)
    assert (refused.status, refused.error["code"]) == (422, "credential_rejected")
    assert refused.error["details"][0]["field"] == "body.token"
    assert act(integration_id, "send_message", **MESSAGE).error["code"] == "credential_rejected"
    result = call("POST", f"/integrations/{integration_id}/test").data["testResult"]
    assert (result["reason"], "dead" in result["message"]) == ("credential_rejected", True)
    assert detail(integration_id)["status"] == "error"


@pytest.mark.parametrize(
    "said",
    [
        {"isError": True, "error": "channel_not_found"},
        {"error": {"message": "channel_not_found"}},
        {"error": "channel_not_found", "results": []},
    ],
)
def test_an_error_inside_a_success_is_a_failure(endpoint: Receiver, said: dict[str, Any]) -> None:
    zapier = FakeZapier(endpoint)
    integration_id = connected(zapier)
    zapier.answer = said

    answer = act(integration_id, "send_message", **MESSAGE)

    assert (answer.status, "channel_not_found" in answer.error["message"]) == (502, True)


# --- addresses --------------------------------------------------------------------------------------------------------


def test_the_setting_names_the_server(endpoint: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    zapier = FakeZapier(endpoint)
    monkeypatch.setenv("ZAPIER_MCP_URL", zapier.url)
    forget_settings()

    answer = call("POST", "/integrations/zapier_slack/connect", body={"authType": "token", "token": TOKEN})

    assert (answer.status, answer.data["status"]) == (201, "connected")


@pytest.mark.parametrize("auth", [{}, {"authType": "token"}])
def test_a_token_in_the_url_moves_into_the_header(endpoint: Receiver, auth: dict[str, str]) -> None:
    zapier = FakeZapier(endpoint)
    body = {"serverUrl": f"{zapier.url}?serverId=7&token={TOKEN}", **auth}

    answer = call("POST", "/integrations/zapier_slack/connect", body=body)

    assert answer.data["status"] == "connected"
    act(answer.data["id"], "send_message", **MESSAGE)
    assert {request.path for request in endpoint.received} == {"/mcp?serverId=7"}
    shown = detail(answer.data["id"])
    assert shown["configuration"]["url"] == f"{zapier.url}?serverId=7"
    assert TOKEN not in json.dumps([answer.body, shown, rows()])


def test_a_secret_path_is_never_shown(endpoint: Receiver) -> None:
    zapier = FakeZapier(endpoint)
    secret = "ODk3YzQ1ZmItMTIzNC00YzU2LWE3ODktMGFiY2RlZjEyMzQ1"
    url = zapier.url.replace("/mcp", f"/api/mcp/s/{secret}/mcp")
    zapier.answer = text_result(f"called at {url}")

    integration_id = connected(zapier, serverUrl=url)
    result = act(integration_id, "send_message", **MESSAGE)

    logs = call("GET", f"/integrations/{integration_id}/logs").body
    assert secret not in json.dumps([detail(integration_id), result.body, logs, rows()])
    assert detail(integration_id)["configuration"]["url"].endswith("/api/mcp/s/••••••/mcp")
