"""What agents pay beside REST: CPU of warm requests over MCP as ratios to the same over REST, in one run."""

import statistics
from collections.abc import Callable
from contextlib import ExitStack
from itertools import count
from typing import Any

from tests.support.call import event
from tests.support.receiver import Reply
from tools.bench.figures import Figure
from tools.bench.runtime import Function, running
from tools.bench.service import Service

_FUNCTIONS = ("serve_mcp", "execute_action", "list_integrations")
_APPS, _ACTIONS = 10, 4  # 40 tools, the most that are listed one by one
_MCP = {"MCP-Protocol-Version": "2025-11-25"}
Make = Callable[[], dict[str, Any]]


def figures(service: Service, rounds: int = 60) -> list[Figure]:
    """Medians of warm requests, each kind in turn. The functions that run executions must still consume their queue."""
    service.receiver.answer = lambda _: Reply(body={"success": True})
    actions = [{"name": f"do_{n}", "effect": "read" if n % 2 else "write"} for n in range(_ACTIONS)]
    bodies = [
        {"name": f"Agent {chr(97 + n)}", "url": f"{service.receiver.url}/act", "actions": actions} for n in range(_APPS)
    ]
    first, *_ = (service.post("/integrations/custom_webhook/connect", body)["id"] for body in bodies)
    token = service.stack.auth["Authorization"]
    keys = map(str, count())

    def mcp(method: str, **params: Any) -> dict[str, Any]:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return event("POST", "/mcp?mode=direct", tenant=None, body=body, headers={**_MCP, "Authorization": token})[1]

    def rest(action: str, **headers: str) -> dict[str, Any]:
        target = f"/integrations/{first}/actions/{action}"
        return event("POST", target, body={"parameters": {}}, tenant="demo", headers=headers)[1]

    kinds: dict[str, tuple[str, Make]] = {
        "list": ("serve_mcp", lambda: mcp("tools/list")),
        "GET /v1/integrations": (
            "list_integrations",
            lambda: event("GET", "/integrations?limit=100", tenant="demo")[1],
        ),
        "read": ("serve_mcp", lambda: mcp("tools/call", name="agenta_do_1", arguments={})),
        "rest read": ("execute_action", lambda: rest("do_1")),
        "write": (
            "serve_mcp",
            lambda: mcp("tools/call", name="agenta_do_0", arguments={"idempotencyKey": next(keys)}),
        ),
        "rest write": ("execute_action", lambda: rest("do_0", **{"Idempotency-Key": f"r{next(keys)}"})),
    }
    with ExitStack() as stack:
        processes = {
            name: stack.enter_context(running(service.folders(name), service.environment(name))) for name in _FUNCTIONS
        }
        cpu = _measured(processes, kinds, rounds)
    return [
        _ratio("tools/list of 40 over GET /v1/integrations", cpu, "list", "GET /v1/integrations", 1.5),
        _ratio("a read tool over the same action by REST", cpu, "read", "rest read", 1.2),
        _ratio("a write tool over REST, both with a key", cpu, "write", "rest write", 1.2),
    ]


def _measured(processes: dict[str, Function], kinds: dict[str, tuple[str, Make]], rounds: int) -> dict[str, float]:
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(rounds):
        for kind, (name, make) in kinds.items():
            times[kind].append(processes[name].invoke(make()))
    return {kind: statistics.median(each[5:]) for kind, each in times.items()}


def _ratio(name: str, cpu: dict[str, float], ours: str, other: str, target: float) -> Figure:
    note = f"CPU {cpu[ours]:.2f} and {cpu[other]:.2f} ms"
    return Figure(name, cpu[ours] / cpu[other], "x", target, note)
