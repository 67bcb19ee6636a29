"""An MCP server written with the official SDK, as a program: `python -m tests.support.mcp_sdk_server <era>`.

`modern` speaks 2026-07-28 only, `handshake` knows nothing later than 2025-11-25, `dual` speaks both as the SDK does.
It prints its port on the first line. `GET /seen` gives the requests so far: HTTP method, JSON-RPC method, headers.
"""

import asyncio
import json
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import uvicorn
from mcp.server import streamable_http_manager
from mcp.server.caching import CacheHint
from mcp.server.mcpserver import Context, Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel, Field

MODERN = b"2026-07-28"
PIXEL = b"\x89PNG not really"

server = MCPServer("sdk-server", version="1", log_level="CRITICAL", cache_hints={"tools/list": CacheHint(60_000)})
Asgi = Callable[[Any, Any, Any], Awaitable[None]]


class Sum(BaseModel):
    """A structured result."""

    total: int


@server.tool()
def echo(text: str) -> CallToolResult:
    """Says what it was told"""
    return CallToolResult(content=[TextContent(type="text", text=text)])


@server.tool(
    title="Add numbers",
    annotations=ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False),
)
def add(a: int, b: Annotated[int, Field(description="The second number")] = 1) -> Sum:
    """Adds two numbers"""
    return Sum(total=a + b)


@server.tool()
def fail(text: str) -> str:
    """Fails"""
    raise ToolError(text)


@server.tool()
def picture() -> Image:
    """Gives an image"""
    return Image(data=PIXEL, format="png")


@server.tool()
async def slowly(ctx: Context) -> str:
    """Tells of its progress before it ends"""
    for step in range(3):
        await ctx.report_progress(step, 3, "working: grüße")
        await asyncio.sleep(0.01)
    return "done"


@server.tool()
def region(name: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})], n: int = 0) -> str:
    """Takes a parameter that is sent as a header too"""
    return f"{name} {n}"


def recorded(app: Asgi, era: str) -> Asgi:
    """The app, with what it was asked kept, and with what its era does not know refused."""
    seen: list[Any] = []

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        if scope["path"] == "/seen":
            await answer(send, 200, seen)
            return
        body = b""
        while True:
            part = await receive()
            body += part.get("body", b"")
            if not part.get("more_body"):
                break
        seen.append([scope["method"], json.loads(body or b"{}").get("method"), headers])
        if era == "modern" and headers.get("mcp-protocol-version") != MODERN.decode():
            error = {"code": -32022, "message": "Unsupported", "data": {"supported": [MODERN.decode()]}}
            await answer(send, 400, {"jsonrpc": "2.0", "id": None, "error": error})
            return
        pieces = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Any:
            return pieces.pop() if pieces else await receive()

        await app(scope, again, send)

    return wrapped


async def answer(send: Any, status: int, value: Any) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(value).encode()})


class _Everything:
    """Every version, as far as the SDK's choice of an era goes: the later one is then refused by the earlier's code."""

    def __contains__(self, _: object) -> bool:
        return True


def main(era: str) -> None:
    if era == "handshake":
        streamable_http_manager.HANDSHAKE_PROTOCOL_VERSIONS = _Everything()  # type: ignore[assignment]
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)  # noqa: T201
    app = recorded(server.streamable_http_app(), era)
    config = uvicorn.Config(app, log_level="error", lifespan="on")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(sys.argv[1])
