"""Requests: CPU of cold starts and of warm requests, as ratios to a bare handler and to plain ones."""

import json
import statistics
from collections import defaultdict
from typing import Any

from tests.support.call import event
from tools.bench.figures import Figure
from tools.bench.runtime import STOCK_PACKAGES, running
from tools.bench.service import HANDLERS, Service

_READING = ("get_webhook", "list_integrations", "get_integration", "list_logs", "list_deliveries", "search_available")
_WRITING = ("create_webhook", "connect_integration", "execute_action", "publish_events")
_TARGETS = {**dict.fromkeys(_READING, 1.2), **dict.fromkeys(_WRITING, 1.6)}
_PLAIN = {"get_webhook": "plain_get_webhook", "create_webhook": "plain_create_webhook"}


def figures(service: Service, rounds: int = 7) -> list[Figure]:
    """Medians over fresh processes, all kinds in turn: CPU from the start to the first answer, and of a warm request.

    Prints the milliseconds: bare (stock boto3), plain (Powertools, pydantic, stock boto3), ours.
    """
    requests, env = _requests(service), service.environment("create_webhook")
    folders = {name: service.folders(name) for name in _TARGETS}
    # The plain ones have our dependencies, but boto3 as Lambda's own runtime has it, before the layer's.
    folders |= {name: [HANDLERS / name, STOCK_PACKAGES, service.opt] for name in _PLAIN.values()}
    folders["bare"] = [HANDLERS / "bare"]
    with running(folders["plain_create_webhook"], env) as function:
        function.invoke(requests["create_webhook"])
        created = json.loads(function.answer["body"])["data"]["id"]
    requests["plain_create_webhook"] = requests["create_webhook"]
    requests["bare"] = requests["plain_get_webhook"] = _request("GET", f"/integrations/webhooks/{created}")
    cold, warm = defaultdict[str, list[float]](list), defaultdict[str, list[float]](list)
    for _ in range(rounds):
        for name, paths in folders.items():
            with running(paths, service.environment(name) if name in _TARGETS else env) as function:
                cold[name].append(function.invoke(requests[name]))
                if name in ("bare", "plain_get_webhook", "get_webhook"):
                    warm[name].append(statistics.mean([function.invoke(requests[name]) for _ in range(25)][5:]))
    starts, answers = ({name: statistics.median(each) for name, each in found.items()} for found in (cold, warm))
    print(f"  {'CPU of a cold start, ms':<28} {'bare':>8} {'plain':>8} {'ours':>8}")
    for name in _TARGETS:
        columns = [f"{starts[it]:.0f}" if it else "-" for it in ("bare", _PLAIN.get(name), name)]
        print(f"  {name:<28} " + " ".join(f"{column:>8}" for column in columns))
    own, bare = answers["get_webhook"], starts["bare"]
    found = [Figure(f"cold start of {name} over bare", starts[name] / bare, "x", it) for name, it in _TARGETS.items()]
    found += [
        Figure(f"cold start of {name} over plain", starts[name] / starts[it], "x", 1.0) for name, it in _PLAIN.items()
    ]
    found.append(Figure("warm get_webhook over bare", own / answers["bare"], "x", 1.5, f"{own:.2f} ms of CPU"))
    return [*found, Figure("warm get_webhook over plain", own / answers["plain_get_webhook"], "x")]


def _request(method: str, target: str, body: Any = None) -> dict[str, Any]:
    return event(method, target, body=body, tenant="demo")[1]


def _requests(service: Service) -> dict[str, dict[str, Any]]:
    """For each function an event that it answers with success."""
    url = f"{service.receiver.url}/hook"
    custom = {"name": "Orders", "url": url, "actions": [{"name": "order"}]}
    integration = f"/integrations/{service.post('/integrations/custom_webhook/connect', custom)['id']}"
    webhook = f"/integrations/webhooks/{service.webhook}"
    new = {"name": "New", "url": url, "events": ["a.b"]}
    return {
        "get_webhook": _request("GET", webhook),
        "list_integrations": _request("GET", "/integrations?limit=1"),
        "get_integration": _request("GET", integration),
        "list_logs": _request("GET", f"{integration}/logs"),
        "list_deliveries": _request("GET", f"{webhook}/deliveries?limit=1"),
        "search_available": _request("GET", "/integrations/available?query=slack&limit=10"),
        "create_webhook": _request("POST", "/integrations/webhooks", new),
        "connect_integration": _request("POST", "/integrations/custom_webhook/connect", custom),
        "execute_action": _request("POST", f"{integration}/actions/order", {"parameters": {"sku": "A-1"}}),
        "publish_events": _request("POST", "/events", {"event": "bench.happened", "data": {"n": 1}}),
    }
