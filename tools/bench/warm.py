"""Warm requests: CPU of one over that of a bare handler that makes the very same DynamoDB calls.

What a function asks of DynamoDB is read off the wire: first it runs behind a forwarder in front of the emulator.
"""

import json
import statistics
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tools.bench.cold import succeeded
from tools.bench.figures import Figure
from tools.bench.runtime import Runtime, running
from tools.bench.service import Service

ROUNDS = 15
_REQUESTS = 20
_WARM = 5
_SAME_CALLS = Path(__file__).parent / "handlers" / "same_calls"
_FUNCTIONS = ("list_integrations", "get_integration", "get_webhook", "list_logs")
_MUST = 1.3


def figures(service: Service, rounds: int = ROUNDS) -> list[Figure]:
    """Subject and bare handler answer 20 requests each in turn; medians of the rounds."""
    return [_figure(service, folder, rounds) for folder in _FUNCTIONS]


def _figure(service: Service, folder: str, rounds: int) -> Figure:
    calls = _calls_when_warm(service, folder)
    env, event = service.environment(folder), service.first_request(folder)
    with running(service.folders(folder), env) as subject, running([_SAME_CALLS], env) as bare:
        for _ in range(_WARM):
            subject.invoke(event)
            bare.invoke({"calls": calls})
        pairs = [(_cpu_of(subject, event), _cpu_of(bare, {"calls": calls})) for _ in range(rounds)]
    own, other = (statistics.median(times) for times in zip(*pairs, strict=True))
    note = f"{own:.2f} ms; {' + '.join(name for name, _ in calls)}"
    return Figure(f"warm request of {folder}", own / other, "x", _MUST, note=note)


def _cpu_of(function: Runtime, event: dict[str, Any]) -> float:
    before = function.cpu_ms()
    for _ in range(_REQUESTS):
        succeeded(function.invoke(event))
    return (function.cpu_ms() - before) / _REQUESTS


def _calls_when_warm(service: Service, folder: str) -> list[tuple[str, Any]]:
    """Operation and parameters of each DynamoDB call of a second request."""
    env, event = service.environment(folder), service.first_request(folder)
    with (
        _recording(env["AWS_ENDPOINT_URL"]) as (url, calls),
        running(service.folders(folder), env | {"AWS_ENDPOINT_URL": url}) as function,
    ):
        function.invoke(event)
        calls.clear()
        function.invoke(event)
        return list(calls)


@contextmanager
def _recording(upstream: str) -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    calls: list[tuple[str, Any]] = []

    class Forwarder(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            target = self.headers.get("X-Amz-Target", "")
            if target.startswith("DynamoDB_"):
                calls.append((target.rpartition(".")[2], json.loads(body)))
            request = urllib.request.Request(upstream + self.path, body, dict(self.headers))
            with urllib.request.urlopen(request) as answer:
                content = answer.read()
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    if name.lower() not in {"transfer-encoding", "content-length", "connection"}:
                        self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Forwarder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", calls
    finally:
        server.shutdown()
        server.server_close()
