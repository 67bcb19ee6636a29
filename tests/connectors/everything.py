"""The official `@modelcontextprotocol/server-everything` on 127.0.0.1, installed from npm into `.local`."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.e2e.local_stack import free_port
from tools.local import node
from tools.local.console import step
from tools.local.options import PROJECT

PACKAGE = "@modelcontextprotocol/server-everything"
VERSION = "2026.8.31"
FOLDER = PROJECT / ".local" / "server-everything"
_START_SECONDS = 60


def install() -> None:
    """Installs it unless it is there in this version. Raises Failure."""
    stamp = FOLDER / ".installed"
    if not stamp.exists() or stamp.read_text() != VERSION:
        with step(f"Installing {PACKAGE} {VERSION}"):
            node.install(f"{PACKAGE}@{VERSION}", FOLDER, "The MCP server could not be installed")
        stamp.write_text(VERSION)


@contextmanager
def everything() -> Iterator[str]:
    """The URL of the server, which speaks Streamable HTTP while the block runs."""
    port = free_port()
    command = [str(node.node()), str(FOLDER / "node_modules" / PACKAGE / "dist" / "index.js"), "streamableHttp"]
    env = node.environment({"PORT": str(port)})
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + _START_SECONDS
            while not _listens(port):
                assert process.poll() is None, "the server has ended"
                assert time.monotonic() < deadline, "the server does not start"
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
