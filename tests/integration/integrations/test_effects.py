"""What an integration knows of its actions beside their parameters: effect, title, and the schema of the result."""

from typing import Any

import pytest

from jobsprint.domain.integrations import Capability
from jobsprint.repositories.integrations import IntegrationStore
from tests.support.call import Answer, call
from tests.support.mcp import FakeServer, tool
from tests.support.n8n import FakeN8n, workflow
from tests.support.receiver import Receiver
from tests.support.rows import rows
from tests.support.zapier import TOKEN, FakeZapier

pytestmark = pytest.mark.usefixtures("aws")

URL = "https://hooks.example.com/in"
RESULT = {"type": "object", "properties": {"total": {"type": "integer"}}, "required": ["total"]}


def ok(answer: Answer) -> Any:
    assert answer.status in (200, 201), answer.body
    return answer.data


def mcp(server: FakeServer, **more: Any) -> str:
    body = {"authType": "none", "serverUrl": server.url, **more}
    return str(ok(call("POST", "/integrations/mcp_server/connect", body=body))["id"])


def zapier(server: FakeZapier) -> str:
    body = {"authType": "token", "token": TOKEN, "serverUrl": server.url}
    return str(ok(call("POST", "/integrations/zapier_slack/connect", body=body))["id"])


def n8n(server: FakeN8n) -> str:
    body = {"baseUrl": server.url, "apiKey": "key"}
    return str(ok(call("POST", "/integrations/n8n_workflows/connect", body=body))["id"])


def custom(*actions: Any, target: str = "custom_webhook", **more: Any) -> str:
    body = {"name": "Billing", "url": URL, "actions": list(actions), **more}
    return str(ok(call("POST", f"/integrations/{target}/connect", body=body))["id"])


def shown(integration_id: str) -> dict[str, Any]:
    """The capabilities that the API shows, by name."""
    capabilities = ok(call("GET", f"/integrations/{integration_id}"))["capabilities"]
    return {one["name"]: one for one in capabilities}


def kept(integration_id: str) -> dict[str, Capability]:
    """The capabilities that are stored, by name."""
    return {one.name: one for one in IntegrationStore("acme").get(integration_id).capabilities}


def effect_of(endpoint: Receiver, annotations: Any) -> str | None:
    server = FakeServer(endpoint, tools=[{**tool("go"), "annotations": annotations}])
    found = shown(mcp(server))["go"]
    assert found.get("effect", "absent") is not None
    effect: str | None = found.get("effect")
    return effect


# --- MCP --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("annotations", "effect"),
    [
        ({"readOnlyHint": True}, "read"),
        ({"readOnlyHint": True, "destructiveHint": False}, "read"),
        ({"readOnlyHint": False, "destructiveHint": True}, "destructive"),
        ({"destructiveHint": True}, "destructive"),
        ({"destructiveHint": False}, "write"),
        ({"readOnlyHint": False, "destructiveHint": False}, "write"),
        ({"readOnlyHint": False}, None),
        ({"readOnlyHint": "true"}, None),
        ({"readOnlyHint": 1}, None),
        ({"destructiveHint": None}, None),
        ({}, None),
        (None, None),
        ([], None),
        ("read", None),
    ],
)
def test_the_effect_of_a_tool_is_what_its_annotations_say(
    endpoint: Receiver, annotations: Any, effect: str | None
) -> None:
    assert effect_of(endpoint, annotations) == effect


def test_a_tool_without_annotations_shows_neither_effect_nor_title(endpoint: Receiver) -> None:
    found = shown(mcp(FakeServer(endpoint, tools=[tool("go")])))["go"]
    assert found == {"name": "go", "description": "go", "parameters": []}


@pytest.mark.parametrize(
    ("more", "title"),
    [
        ({"title": "Go there"}, "Go there"),
        ({"annotations": {"title": "Go there"}}, "Go there"),
        ({"title": "Go there", "annotations": {"title": "Elsewhere"}}, "Go there"),
        ({"title": "", "annotations": {"title": "Go there"}}, "Go there"),
        ({"title": 5, "annotations": {"title": "Go there"}}, "Go there"),
        ({"title": "t" * 101}, "t" * 100),
        ({"title": " "}, None),
        ({"title": None, "annotations": {"title": ["Go"]}}, None),
    ],
)
def test_the_title_of_a_tool(endpoint: Receiver, more: Any, title: str | None) -> None:
    assert shown(mcp(FakeServer(endpoint, tools=[{**tool("go"), **more}])))["go"].get("title") == title


def test_the_other_hints_of_a_tool(endpoint: Receiver) -> None:
    tools = [
        {**tool("all"), "annotations": {"idempotentHint": True, "openWorldHint": False}},
        {**tool("none"), "annotations": {"idempotentHint": False, "openWorldHint": True}},
        {**tool("odd"), "annotations": {"idempotentHint": "yes", "openWorldHint": 0}},
        tool("bare"),
    ]
    found = kept(mcp(FakeServer(endpoint, tools=tools)))
    assert {name: (one.idempotent, one.closed_world) for name, one in found.items()} == {
        "all": (True, True),
        "none": (False, False),
        "odd": (False, False),
        "bare": (False, False),
    }


@pytest.mark.parametrize(
    "schema",
    [
        RESULT,
        {"type": "object"},
        {**RESULT, "$schema": "http://json-schema.org/draft-07/schema#"},
        {"type": "object", "$defs": {"a": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/a"}}},
    ],
)
def test_the_schema_of_a_result_is_kept(endpoint: Receiver, schema: Any) -> None:
    found = kept(mcp(FakeServer(endpoint, tools=[{**tool("go"), "outputSchema": schema}])))
    assert found["go"].output_schema == schema


@pytest.mark.parametrize(
    "schema",
    [
        None,
        "object",
        [],
        True,
        {},
        {"type": "array"},
        {"type": "object", "properties": 5},
        {"type": "object", "properties": {"a": {"$ref": "https://elsewhere.example/a"}}},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/nowhere"}}},
        {"type": "object", "properties": {"a": {"pattern": "(?=a)"}}},
        {"type": "object", "properties": {"a": {"pattern": r"\p{L}{300}"}}},
        {"type": "object", "description": "d" * 16_384},
    ],
)
def test_another_schema_of_a_result_is_left_out_and_the_tool_stays(endpoint: Receiver, schema: Any) -> None:
    server = FakeServer(endpoint, tools=[{**tool("go"), "outputSchema": schema}])
    body = {"authType": "none", "serverUrl": server.url}
    connected = ok(call("POST", "/integrations/mcp_server/connect", body=body))

    assert kept(connected["id"])["go"].output_schema is None
    assert connected["message"] == "Connected"


def test_schemas_of_results_take_no_room_from_tools(endpoint: Receiver) -> None:
    def properties(number: int) -> Any:
        return {f"p{number}x{place}y{place * number % 9973}": {"type": "string"} for place in range(150)}

    tools = [
        {**tool(f"t{number}"), "outputSchema": {"type": "object", "properties": properties(number)}}
        for number in range(300)
    ]
    found = kept(mcp(FakeServer(endpoint, tools=tools)))
    assert len(found) == 300
    assert found["t0"].output_schema is None


def test_upstream_texts_are_masked(endpoint: Receiver) -> None:
    token = "mcpT0ken-4eC39HqLyjWDarjtT1zdp7dc"
    schema = {"type": "object", "properties": {token: {"type": "string", "description": f"not {token}"}}}
    more = {"title": f"Use {token}", "annotations": {"title": token}, "outputSchema": schema}
    server = FakeServer(endpoint, tools=[{**tool("go"), **more}], token=token)
    made = mcp(server, authType="token", token=token)

    assert "title" in shown(made)["go"]
    assert token not in str([shown(made), kept(made), rows()])


def test_a_test_brings_what_is_new(endpoint: Receiver) -> None:
    server = FakeServer(endpoint, tools=[{**tool("go"), "title": "Go", "annotations": {"readOnlyHint": True}}])
    made = mcp(server)
    server.tools = [{**tool("go"), "outputSchema": RESULT, "annotations": {"destructiveHint": True}}]
    assert shown(made)["go"]["effect"] == "read"

    ok(call("POST", f"/integrations/{made}/test"))

    found = shown(made)["go"]
    assert (found["effect"], "title" in found, kept(made)["go"].output_schema) == ("destructive", False, RESULT)


# --- Zapier -----------------------------------------------------------------------------------------------------------


def test_a_managed_action_has_what_its_tool_says(endpoint: Receiver) -> None:
    fake = FakeZapier(endpoint)
    said = {"title": "Post", "outputSchema": RESULT, "annotations": {"destructiveHint": False, "idempotentHint": True}}
    for one in fake.server.tools:
        if one["name"] == "slack_send_message":
            one.update(said)
        if one["name"] == "slack_create_channel":
            one["annotations"] = {"title": "New channel"}
    made = zapier(fake)

    found = shown(made)
    assert (found["send_message"]["effect"], found["send_message"]["title"]) == ("write", "Post")
    assert (found["create_channel"].get("effect"), found["create_channel"]["title"]) == (None, "New channel")
    assert (kept(made)["send_message"].output_schema, kept(made)["send_message"].idempotent) == (RESULT, True)


def test_an_agentic_action_has_the_effect_of_the_tool_that_runs_it(endpoint: Receiver) -> None:
    fake = FakeZapier(endpoint, mode="agentic")
    found = shown(zapier(fake))
    assert {name: (one.get("effect"), one["title"]) for name, one in found.items()} == {
        "send_channel_message": (None, "Send Channel Message"),
        "find_message": ("read", "Find Message"),
    }

    for one in fake.server.tools:
        if one["name"] == "execute_zapier_write_action":
            one |= {"annotations": {"destructiveHint": True}, "title": "Run", "outputSchema": RESULT}
    made = zapier(fake)
    assert {name: (one.get("effect"), one["title"]) for name, one in shown(made).items()} == {
        "send_channel_message": ("destructive", "Send Channel Message"),
        "find_message": ("read", "Find Message"),
    }
    assert kept(made)["send_channel_message"].output_schema is None, "it is that of what runs every action"


# --- n8n --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "effect"),
    [
        ("GET", "read"),
        ("HEAD", "read"),
        ("POST", "write"),
        ("PUT", "write"),
        ("PATCH", "write"),
        ("DELETE", "destructive"),
        (["GET", "POST"], "write"),
        (["GET", "DELETE"], "read"),
    ],
)
def test_the_effect_of_a_workflow_is_that_of_the_method_that_is_used(
    endpoint: Receiver, method: Any, effect: str
) -> None:
    flow = workflow("Close books", "a")
    flow["activeVersion"]["nodes"][0]["parameters"]["httpMethod"] = method
    found = shown(n8n(FakeN8n(endpoint, [flow])))["close_books"]
    assert (found["effect"], found["title"]) == (effect, "Close books")


def test_the_title_of_a_workflow_is_bounded(endpoint: Receiver) -> None:
    [found] = shown(n8n(FakeN8n(endpoint, [workflow("w" * 120, "a")]))).values()
    assert found["title"] == "w" * 100


# --- custom -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("effect", ["read", "write", "destructive", None])
def test_a_custom_action_says_its_effect(effect: str | None) -> None:
    made = custom({"name": "go", "effect": effect, "title": "Go there"}, {"name": "bare"})
    assert shown(made)["go"].get("effect") == effect
    assert shown(made)["go"]["title"] == "Go there"
    assert shown(made)["bare"] == {"name": "bare", "parameters": []}


def test_a_change_and_a_reconnect_keep_effect_and_title() -> None:
    made = custom({"name": "go", "effect": "destructive", "title": "Go"})
    ok(call("PATCH", f"/integrations/{made}", body={"headers": {"X-One": "1"}}))
    assert shown(made)["go"]["effect"] == "destructive"
    ok(call("POST", f"/integrations/{made}/disconnect"))
    ok(call("POST", f"/integrations/{made}/connect", body={"url": URL}))
    assert (shown(made)["go"]["effect"], shown(made)["go"]["title"]) == ("destructive", "Go")
    ok(call("PATCH", f"/integrations/{made}", body={"actions": [{"name": "go", "effect": "read"}]}))
    assert (shown(made)["go"]["effect"], "title" in shown(made)["go"]) == ("read", False)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("effect", "reads"),
        ("effect", ""),
        ("effect", True),
        ("effect", ["read"]),
        ("title", ""),
        ("title", "t" * 101),
        ("title", "two\nlines"),
        ("title", 5),
        ("result", {"type": "object"}),
    ],
)
def test_what_is_no_effect_or_title_is_refused(field: str, value: Any) -> None:
    body = {"name": "Billing", "url": URL, "actions": [{"name": "go", field: value}]}
    answer = call("POST", "/integrations/custom_webhook/connect", body=body)
    assert answer.status == 422
    assert [detail["field"] for detail in answer.error["details"]] == [f"body.actions[0].{field}"]
    assert rows() == []


def test_what_a_webhook_is_subscribed_to_has_neither() -> None:
    body = {"name": "Orders", "url": URL, "events": ["order.paid"]}
    webhook = ok(call("POST", "/integrations/webhooks", body=body))["id"]
    assert shown(webhook) == {"order.paid": {"name": "order.paid", "parameters": []}}
