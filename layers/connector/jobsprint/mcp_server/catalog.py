"""Which tools a caller has: one for each action, or a few that search and run them all, and those to debug webhooks."""

from jobsprint.domain.callers import Caller
from jobsprint.mcp_server import actions, debug_tools, router
from jobsprint.mcp_server.tool import Tool

DIRECT, ROUTER = MODES = ("direct", "router")
MOST_DIRECT = 40
"""Actions up to which each is a tool of its own; with more, models choose worse and clients drop some."""


def listed(caller: Caller, mode: str | None) -> list[Tool]:
    """The tools of a caller in a fixed order. `mode` is one of MODES, or None to go by the number of actions."""
    debugging = [tool for tool in debug_tools.TOOLS if _may(caller, tool)]
    routing = [tool for tool in router.TOOLS if _may(caller, tool)]
    if mode == ROUTER:
        return routing + debugging
    found = actions.connected_actions(caller)
    if mode is None and len(found) > MOST_DIRECT:
        return routing + debugging
    return [actions.action_tool(name, *pair) for name, pair in found.items()] + debugging


def find(caller: Caller, name: str) -> Tool | None:
    """The tool of that name, whether it is listed or found by a search."""
    own = next((tool for tool in (*router.TOOLS, *debug_tools.TOOLS) if tool.name == name), None)
    if own:
        return own if _may(caller, own) else None
    return actions.find_tool(caller, name)


_CAPABILITIES = {"webhooks:read": "view", "webhooks:write": "send"}
"""What a session of the portal has to allow so that its tokens have a tool, by its scope; `act` for all others."""


def _may(caller: Caller, tool: Tool) -> bool:
    reads = tool.annotations.get("readOnlyHint", False)
    if tool.scope in _CAPABILITIES and caller.limits.webhooks is not None:
        return False  # the tools that debug webhooks do so for all of them
    allowed = caller.allows(_CAPABILITIES.get(tool.scope, "act"))
    return allowed and caller.may(tool.scope) and (reads or not caller.limits.read_only)
