"""Sends MCP messages to the real handler, in the modern form or that of earlier revisions."""

import json
from typing import Any

from jobsprint.core.clock import now_ms
from jobsprint.domain.callers import Limits
from jobsprint.security.api_tokens import NewToken, issue
from tests.support.call import Answer, Context, event, handler

MODERN, LEGACY = "2026-07-28", "2025-11-25"
_META = "io.modelcontextprotocol/"


def token(tenant: str = "acme", *scopes: str, actions: tuple[str, ...] = (), read_only: bool = False) -> str:
    """A token that the endpoint can verify."""
    wanted = NewToken("test", scopes=scopes or ("*",), limits=Limits(actions, read_only))
    return issue(tenant, wanted, now=now_ms()).token


def raw(
    body: Any, *, token: str | None, headers: dict[str, str] | None = None, target: str = "/mcp", method: str = "POST"
) -> Answer:
    """The answer to an HTTP request; its body parsed where it has one."""
    folder, request = _posted(body, token, headers, target, method)
    return parsed(handler(folder)(request, Context()))


def parsed(answer: dict[str, Any]) -> Answer:
    """What a handler answered."""
    return Answer(answer["statusCode"], json.loads(answer["body"]) if answer["body"] else None, answer["headers"])


def _posted(
    body: Any, token: str | None, headers: dict[str, str] | None, target: str, method: str = "POST"
) -> tuple[str, dict[str, Any]]:
    sent = {"Authorization": f"Bearer {token}"} if token else {}
    return event(method, target, tenant=None, body=body, headers=sent | (headers or {}))


def modern(method: str, params: dict[str, Any] | None = None, *, token: str | None, **options: Any) -> Answer:
    """The answer to a request of revision 2026-07-28, with the headers that it demands; options as `modern_request`."""
    folder, request = modern_request(method, params, token=token, **options)
    return parsed(handler(folder)(request, Context()))


def modern_request(
    method: str,
    params: dict[str, Any] | None = None,
    *,
    token: str | None,
    id_: Any = 1,
    headers: dict[str, str] | None = None,
    capabilities: dict[str, Any] | None = None,
    meta: dict[str, Any] | None = None,
    target: str = "/mcp",
) -> tuple[str, dict[str, Any]]:
    """The function that answers such a request, and the event that it gets."""
    said = {
        f"{_META}protocolVersion": MODERN,
        f"{_META}clientInfo": {"name": "tests", "version": "1"},
        f"{_META}clientCapabilities": capabilities or {},
        **(meta or {}),
    }
    body = {"jsonrpc": "2.0", "id": id_, "method": method, "params": {**(params or {}), "_meta": said}}
    needed = {"MCP-Protocol-Version": MODERN, "Mcp-Method": method}
    if "name" in (params or {}):
        needed["Mcp-Name"] = str((params or {})["name"])
    return _posted(body, token, needed | (headers or {}), target)


def legacy(
    method: str,
    params: dict[str, Any] | None = None,
    *,
    token: str | None,
    id_: Any = 1,
    headers: dict[str, str] | None = None,
    target: str = "/mcp",
) -> Answer:
    """The answer to a request of an earlier revision, after its handshake."""
    body = {"jsonrpc": "2.0", "id": id_, "method": method, "params": params or {}}
    return raw(body, token=token, headers={"MCP-Protocol-Version": LEGACY} | (headers or {}), target=target)


def result(answer: Answer) -> dict[str, Any]:
    """The result of an answer that has one."""
    assert answer.status == 200, answer
    return dict(answer.body["result"])
