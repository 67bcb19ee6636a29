"""Lists of tools and of Zapier's actions as a hostile server would write them: usable, dropped or refused, no more."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from jobsprint.connectors.mcp.tools import Listing, Tool
from jobsprint.connectors.zapier import Zapier
from jobsprint.core.errors import UpstreamFailed
from jobsprint.core.json_schema import check_schema
from jobsprint.domain.integrations import Integration

KEYS = st.sampled_from(
    [
        "name",
        "inputSchema",
        "description",
        "type",
        "properties",
        "x-mcp-header",
        "$ref",
        "required",
        "enum",
        "app",
        "actions",
        "key",
        "tool",
        "tool_name",
        "params",
        "selected_api",
        "results",
        "title",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["object", "string", "x", "slack_send"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=10,
)
TOOLS = st.lists(st.fixed_dictionaries({"name": JSON, "inputSchema": JSON}, optional={"description": JSON}) | JSON)


@given(st.fixed_dictionaries({"tools": TOOLS | JSON}, optional={"ttlMs": JSON, "nextCursor": JSON}), st.booleans())
def test_any_page_of_tools(page: dict[str, Any], modern: bool) -> None:
    listing = Listing()
    try:
        listing.add(page, lambda _: True, modern=modern)
    except UpstreamFailed:
        assert not isinstance(page["tools"], list)
    for tool in listing.tools:
        check_schema(tool.schema)


class Talk:
    """A server that lists what it is told to."""

    def __init__(self, said: Any) -> None:
        self._said = said

    def list_tools(self, *_: Any, **__: Any) -> Listing:
        return Listing([Tool(name, None, {}) for name in ("inspect_zapier_actions", "execute_zapier_write_action")])

    def call_tool(self, *_: Any, **__: Any) -> Any:
        return {"structuredContent": {"apps": self._said}}


ACTIONS = st.lists(st.dictionaries(KEYS, JSON, max_size=6) | JSON, max_size=3)
APPS = st.lists(st.fixed_dictionaries({"app": st.just("Slack") | JSON, "actions": ACTIONS | JSON}) | JSON, max_size=3)


@given(APPS | JSON)
def test_any_list_of_actions(said: Any) -> None:
    talk: Any = Talk(said)

    offer = Zapier().offer(talk, Integration("acme", "int_1", "zapier", "Slack", "connected", 1, "zapier_slack"))

    for capability in offer.capabilities:
        check_schema(capability.schema)
