"""Clients that other people wrote, unchanged: the Python SDK of two major versions, the Inspector, and AI SDK's."""

import json
import subprocess

import pytest

from tests.mcp_clients.conftest import MODULES, SIMPLE, Served, program, run
from tools.local.options import PROJECT

PYTHON = PROJECT / ".local" / "mcp-python" / "bin" / "python"
# The SDK's own way to send a header: an HTTP client of the caller's.
EARLIER_SDK = """
import asyncio, json, sys
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client
async def main(url, token):
    async with streamablehttp_client(url, headers={"Authorization": f"Bearer {token}"}) as (read, write, _):
        async with ClientSession(read, write) as session:
            await session.initialize()
            tools = [tool.name for tool in (await session.list_tools()).tools]
            result = await session.call_tool("test_simple_text", {"idempotencyKey": "sdk-1"})
            print(json.dumps({"tools": tools, "result": result.structuredContent}))
asyncio.run(main(*sys.argv[1:]))
"""
AI_SDK = """
import { createMCPClient } from '@ai-sdk/mcp';
const [url, token] = process.argv.slice(2);
const headers = { Authorization: `Bearer ${token}` };
const client = await createMCPClient({ transport: { type: 'http', url, headers } });
const tools = await client.tools();
const result = await tools.test_simple_text.execute({ idempotencyKey: 'ai-1' }, { toolCallId: '1', messages: [] });
console.log(JSON.stringify({ tools: Object.keys(tools), result: result.structuredContent }));
await client.close();
"""


def assert_used(printed: str) -> None:
    """The client listed the tools and got the result of one."""
    found = json.loads(printed.strip().splitlines()[-1])
    assert "test_error_handling" in found["tools"]
    assert (found["result"]["status"], found["result"]["result"]["text"]) == ("succeeded", SIMPLE)


def test_the_sdk_before_the_newest(served: Served) -> None:
    if not PYTHON.exists():
        pytest.skip("NOT RUN: mcp 1 is not installed; make test-mcp installs it")
    command = [str(PYTHON), "-c", EARLIER_SDK, served.url, served.token]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    assert_used(ran.stdout)


def test_ai_sdk(served: Served) -> None:
    script = MODULES.parent / "ai-sdk.mjs"
    if MODULES.exists():
        script.write_text(AI_SDK, "utf-8")
    ran = run(script, served.url, served.token, seconds=60)
    assert ran.returncode == 0, ran.stderr
    assert_used(ran.stdout)


@pytest.mark.parametrize("method", ["tools/list", "tools/call"])
def test_the_inspector(served: Served, method: str) -> None:
    words = ["--cli", "--server-url", served.url, "--transport", "http", "--method", method]
    words += [
        "--header",
        f"Authorization: Bearer {served.token}",
    ]
    words += ["--tool-name", "test_simple_text"] if method == "tools/call" else ["--strict"]
    ran = run(program("@modelcontextprotocol/inspector"), *words, seconds=90)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = json.loads(ran.stdout)
    if method == "tools/list":
        assert "test_simple_text" in [tool["name"] for tool in found["tools"]]
    else:
        assert found["structuredContent"]["result"]["text"] == SIMPLE
