"""The official `@modelcontextprotocol/server-everything`, from connect to log."""

from typing import Any

import pytest

from tests.support.call import Answer, call

pytestmark = pytest.mark.usefixtures("aws")


@pytest.fixture
def everything(everything_url: str, aws: Any) -> str:
    """The id of an integration with the server."""
    body = {"authType": "none", "serverUrl": everything_url}
    answer = call("POST", "/integrations/mcp_server/connect", body=body)
    assert (answer.status, answer.data["status"]) == (201, "connected"), answer.body
    return str(answer.data["id"])


def act(integration_id: str, action: str, **parameters: Any) -> Answer:
    return call("POST", f"/integrations/{integration_id}/actions/{action}", body={"parameters": parameters})


def test_its_tools_are_actions(everything: str) -> None:
    shown = call("GET", f"/integrations/{everything}").data

    capabilities = {one["name"]: one["parameters"] for one in shown["capabilities"]}
    assert capabilities["echo"] == [
        {"name": "message", "type": "string", "required": True, "description": "Message to echo"}
    ]
    assert capabilities.keys() >= {"get-sum", "get-tiny-image", "get-structured-content"}


def test_text_numbers_structure_images_and_links(everything: str) -> None:
    assert act(everything, "echo", message="Grüße 🎉").data["result"]["text"] == "Echo: Grüße 🎉"
    assert "42" in act(everything, "get-sum", a=40, b=2).data["result"]["text"]
    weather = act(everything, "get-structured-content", location="New York").data["result"]
    assert weather.keys() == {"success", "temperature", "conditions", "humidity"}
    image = act(everything, "get-tiny-image").data["result"]
    assert [one["type"] for one in image["attachments"]] == ["image"]
    assert image["attachments"][0]["bytes"] > 100
    links = act(everything, "get-resource-links", count=2).data["result"]
    assert [one["type"] for one in links["attachments"]] == ["resource_link", "resource_link"]


def test_a_slow_tool_with_progress_and_the_checks(everything: str) -> None:
    slow = act(everything, "trigger-long-running-operation", duration=1, steps=2)
    assert slow.status == 200, slow.body
    wrong = act(everything, "get-sum", a="x", b=2)
    assert [detail["field"] for detail in wrong.error["details"]] == ["body.parameters.a"]


def test_its_health_and_its_log(everything: str) -> None:
    assert call("POST", f"/integrations/{everything}/test").data["status"] == "healthy"
    act(everything, "echo", message="hi")
    [entry] = call("GET", f"/integrations/{everything}/logs").data
    assert (entry["action"], entry["status"]) == ("echo", "success")
