"""A server of the shape that Zapier documents, in its managed and in its agentic mode (references: docs.zapier.com)."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support import authority as authorities
from tests.support.authority import Authority, Seen, authority
from tests.support.mcp import FakeServer, text_result, tool
from tests.support.receiver import Received, Receiver, Reply, receiving

TOKEN = "zapier-connection-token"
SAID = {
    "success": True,
    "messageId": "msg_xyz789",
    "channel": "#general",
    "timestamp": "2025-01-06T12:00:00Z",
}
_CHANNEL = {"type": "string", "description": "Channel ID or name"}
_TEXT = {"type": "string", "description": "Message text"}
_GUIDE = {"type": "string", "description": "Instructions for running this tool. Any missing parameter is guessed."}

_META = (
    "discover_zapier_actions", "enable_zapier_action", "disable_zapier_action", "inspect_zapier_actions",
    "auto_provision_mcp", "execute_zapier_read_action", "execute_zapier_write_action", "list_zapier_connections",
    "manage_zapier_connections", "get_configuration_url", "list_zapier_skills", "get_zapier_skill",
    "create_zapier_skill", "update_zapier_skill", "delete_zapier_skill", "write_code_action", "send_feedback",
)  # fmt: skip


def _managed_tool(name: str, description: str, properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {"instructions": _GUIDE, **properties, "output_hint": {"type": "string"}},
        "required": ["instructions", *required],
        "additionalProperties": False,
    }
    return {"name": name, "description": description, "inputSchema": schema}


def managed_tools() -> list[dict[str, Any]]:
    """One tool for each enabled action, of several apps."""
    message = {"channel": _CHANNEL, "text": _TEXT}
    return [
        _managed_tool("slack_send_message", "Send a message to a channel", message, ["channel", "text"]),
        _managed_tool("slack_send_channel_message", "Send Channel Message", message, ["channel", "text"]),
        _managed_tool(
            "slack_create_channel",
            "Create a new channel",
            {"name": {"type": "string"}, "is_private": {"type": "boolean"}},
            ["name"],
        ),
        _managed_tool("gmail_find_email", "Find Email", {"query": {"type": "string"}}, []),
        _managed_tool("google_sheets_create_spreadsheet_row", "Create Row", {}, []),
        _managed_tool("google_drive_find_a_file", "Find a File", {}, []),
        tool("get_configuration_url"),
        tool("add_tools"),
    ]


def _agentic_tool(name: str) -> dict[str, Any]:
    if name.startswith("execute_"):
        return tool(
            name, "Runs an action", selected_api=True, action=True, tool_name={"type": "string"},
            params={"type": "object"}, instructions=True, output=True,
        )  # fmt: skip
    if name.startswith("inspect_"):
        return tool(name, "Lists enabled actions", selected_api={"type": "string"}, action={"type": "string"})
    return tool(name)


def agentic_tools() -> list[dict[str, Any]]:
    """The meta-tools, those that change the server among them."""
    return [_agentic_tool(name) for name in _META]


def _param(key: str, kind: str, *, required: bool = False, **more: str) -> dict[str, Any]:
    return {"key": key, "label": key.title(), "type": kind, "required": required, **more}


SLACK_ACTIONS: list[dict[str, Any]] = [
    {
        "key": "channel_message",
        "name": "Send Channel Message",
        "tool": "execute_zapier_write_action",
        "tool_name": "slack_send_channel_message",
        "params": [
            _param("channel", "string", required=True, help_text="Channel ID or name"),
            _param("text", "string", required=True, help_text="Message text"),
            _param("as_bot", "boolean"),
        ],
    },
    {
        "key": "message",
        "name": "Find Message",
        "tool": "execute_zapier_read_action",
        "tool_name": "slack_find_message",
        "params": [_param("query", "string", required=True)],
    },
]


class FakeZapier:
    """The server; `apps` is what is enabled in agentic mode. Without the right token it answers 404, as Zapier does."""

    def __init__(self, receiver: Receiver, *, mode: str = "managed", era: str = "handshake", detailed: bool = True):
        self.mode = mode
        self.detailed = detailed
        self.apps: list[dict[str, Any]] = [
            {"app": "Gmail", "selected_api": "GoogleMailV2CLIAPI", "actions": [{"key": "x", "name": "Find Email"}]},
            {"app": "Slack", "selected_api": "SlackCLIAPI", "actions": SLACK_ACTIONS},
        ]
        self.answer: Any = SAID
        tools = managed_tools() if mode == "managed" else agentic_tools()
        self.server = FakeServer(receiver, era=era, tools=tools, called=self._called)
        self.token = TOKEN
        inner = receiver.answer

        def guarded(request: Any) -> Reply:
            if request.headers.get("authorization") != f"Bearer {self.token}":
                return Reply(404, {"message": "Not found"})
            return inner(request)

        receiver.answer = guarded

    @property
    def url(self) -> str:
        return self.server.url

    def _called(self, name: str, arguments: dict[str, Any]) -> Any:
        if name == "inspect_zapier_actions":
            return text_result(self._inspected(arguments))
        return text_result(self.answer)

    def _inspected(self, arguments: dict[str, Any]) -> list[dict[str, Any]]:
        wanted = arguments.get("action")
        whole = self.detailed or wanted
        return [
            app
            | {
                "actions": [
                    {key: value for key, value in action.items() if whole or key != "params"}
                    for action in app["actions"]
                    if not wanted or action["key"] == wanted
                ]
            }
            for app in self.apps
        ]


@contextmanager
def guarded_zapier() -> Iterator[Authority]:
    """The server in managed mode, behind an authorization server of its own, while the block runs."""
    with authority() as made, receiving() as receiver:
        server = FakeServer(receiver, tools=managed_tools(), called=lambda *_: text_result(SAID))

        def behind(seen: Seen) -> authorities.Reply:
            asked = Received("/mcp", seen.headers, json.dumps(seen.form).encode(), method=seen.method)
            reply = server._answer(asked)
            return reply.status, reply.body, reply.headers

        made.behind = behind
        yield made
