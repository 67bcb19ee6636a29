"""Real servers and the deployed stack, under enforced IAM: n8n as self-hosters put it under a path, and the MCP
project's own server.

n8n knows the path it is reached by (`N8N_PATH`) for the links it makes and does not serve under it: the reverse proxy
takes it off.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from tests.connectors.conftest import Aloud, running_n8n
from tests.connectors.n8n_admin import Admin, fail, keep, respond, wait, webhook
from tests.e2e.api import Api, eventually
from tests.e2e.local_stack import Stack
from tests.support.n8n_world import HOOK_SECRET, KEYS
from tests.support.receiver import Received, Receiver, Reply, receiving

PREFIX = "/automation"
SLOW_SECONDS = 31  # more than API Gateway waits
_OWN_HEADERS = ("connection", "content-encoding", "content-length", "host", "keep-alive", "transfer-encoding")
_ORDER = "={{ JSON.stringify({ order: $json.params.order, note: $json.body.note, path: $json.webhookUrl }) }}"


@pytest.fixture
def api(stack: Stack) -> Api:
    return Api.of(stack)


@dataclass(frozen=True)
class N8n:
    """An n8n under a path; `proxy` has the requests that came in from outside."""

    admin: Admin
    proxy: Receiver

    @property
    def url(self) -> str:
        """Its base URL."""
        return self.proxy.url + PREFIX


@pytest.fixture(scope="module")
def n8n(tmp_path_factory: pytest.TempPathFactory, aloud: Aloud) -> Iterator[N8n]:
    """A real one, with a workflow for each test."""
    with receiving() as proxy:
        outside = proxy.url + PREFIX
        links = {"N8N_PATH": f"{PREFIX}/", "N8N_EDITOR_BASE_URL": f"{outside}/", "N8N_WEBHOOK_URL": f"{outside}/"}
        home = tmp_path_factory.mktemp("n8n")
        with running_n8n(home, aloud, {**links, "N8N_PROXY_HOPS": "1"}) as inside:
            proxy.answer = lambda request: _passed_on(request, inside)
            admin = Admin(inside)
            _make_workflows(admin)
            yield N8n(admin, proxy)


def _passed_on(request: Received, target: str) -> Reply:
    """What the server behind the proxy answers to a request under the prefix."""
    if not request.path.startswith(f"{PREFIX}/"):
        return Reply(404, b"nothing here", {"Content-Type": "text/plain"})
    headers = {name: value for name, value in request.headers.items() if name not in _OWN_HEADERS}
    url = target + request.path.removeprefix(PREFIX)
    got = requests.request(
        request.method,
        url,
        data=request.body,
        headers={**headers, "X-Forwarded-Host": request.headers["host"], "X-Forwarded-Proto": "http"},
        allow_redirects=False,
        timeout=60,
    )
    kept = {name: value for name, value in got.headers.items() if name.lower() not in _OWN_HEADERS}
    return Reply(got.status_code, got.content, kept)


def _make_workflows(admin: Admin) -> None:
    lock = admin.credential("httpHeaderAuth", "Header", {"name": "X-Hook-Key", "value": HOOK_SECRET})
    locked: dict[str, Any] = {"mode": "responseNode", "authentication": "headerAuth", "credentials": lock}
    workflows = {
        "Ship order": [webhook("orders/:order/ship", **locked), respond(_ORDER)],
        "Greet": [webhook("greet"), keep(greeting="=Hello {{ $json.body.name }}")],
        "Break": [webhook("break"), fail("The invoice has no lines")],
        "Take long": [webhook("take-long"), wait(SLOW_SECONDS)],
    }
    made = {name: admin.workflow(name, nodes) for name, nodes in workflows.items()}
    admin.mcp_token()
    admin.expose(made["Greet"])


def connected(api: Api, n8n: N8n, **more: Any) -> str:
    """The id of a connection that may look at executions."""
    body = {"baseUrl": n8n.url, "apiKey": n8n.admin.key(f"key {time.time_ns()}", KEYS["full"]), **more}
    integration: str = api.data("POST", "/integrations/n8n_workflows/connect", body)["id"]
    return integration


def newest_log(api: Api, integration: str) -> Any:
    return api.data("GET", f"/integrations/{integration}/logs")[0]


def execution(n8n: N8n, execution_id: str) -> Any:
    """What n8n itself says of an execution."""
    return n8n.admin.api("GET", f"executions/{execution_id}")


def test_n8n_under_a_path_runs_a_protected_webhook(api: Api, n8n: N8n) -> None:
    lock = {"default": {"type": "header", "name": "X-Hook-Key", "value": HOOK_SECRET}}
    integration = connected(api, n8n, webhookAuth=lock)

    sent = {"parameters": {"order": "A 7", "note": "fragile"}}
    result = api.data("POST", f"/integrations/{integration}/actions/ship_order", sent)["result"]

    assert (result["order"], result["note"]) == ("A 7", "fragile")
    assert result["path"].startswith(f"{n8n.url}/webhook/"), "n8n knows its path"
    entry = newest_log(api, integration)
    assert (entry["action"], entry["status"]) == ("ship_order", "success")
    assert entry["output"]["executionId"] == result["executionId"]
    assert execution(n8n, result["executionId"])["status"] == "success"
    shown = api.data("GET", f"/integrations/{integration}")
    assert shown["configuration"] == {"url": n8n.url}
    assert HOOK_SECRET not in json.dumps([shown, entry])
    assert api.data("POST", f"/integrations/{integration}/test")["status"] == "healthy"


def test_n8n_under_a_path_runs_a_workflow_over_mcp(api: Api, n8n: N8n) -> None:
    integration = connected(api, n8n, mcpToken=n8n.admin.mcp_token())
    before = len(n8n.proxy.received)

    sent = {"parameters": {"name": "Ada"}}
    result = api.data("POST", f"/integrations/{integration}/actions/greet", sent)["result"]

    assert result["items"] == [{"greeting": "Hello Ada"}]
    assert {request.path for request in n8n.proxy.received[before:]} == {f"{PREFIX}/mcp-server/http"}
    assert newest_log(api, integration)["output"]["executionId"] == result["executionId"]
    assert execution(n8n, result["executionId"])["status"] == "success"


def test_the_address_without_the_path_is_not_n8n(api: Api, n8n: N8n) -> None:
    body = {"baseUrl": n8n.proxy.url, "apiKey": n8n.admin.key(f"key {time.time_ns()}", KEYS["full"])}
    refused = api.call("POST", "/integrations/n8n_workflows/connect", body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "not_n8n")


def test_a_node_that_fails_is_named_and_n8n_keeps_its_insides(api: Api, n8n: N8n) -> None:
    integration = connected(api, n8n)

    failed = api.call("POST", f"/integrations/{integration}/actions/break", {"parameters": {}})

    assert (failed.status_code, failed.json()["error"]["code"]) == (502, "workflow_failed"), failed.text
    assert "The invoice has no lines" in failed.json()["error"]["message"]
    assert "node_modules" not in failed.text
    assert newest_log(api, integration)["status"] == "error"


def test_a_slow_workflow_outlives_the_29_seconds_of_the_gateway(api: Api, n8n: N8n) -> None:
    integration = connected(api, n8n)

    run = f"/integrations/{integration}/actions/take_long"
    accepted = api.call("POST", run, {"parameters": {}}, headers={"Prefer": "respond-async"})

    assert accepted.status_code == 202, accepted.text
    path = f"/integrations/{integration}/executions/{accepted.json()['data']['executionId']}"
    under_way = ("queued", "running")
    done = eventually(lambda: (it := api.data("GET", path))["status"] not in under_way and it, 3 * SLOW_SECONDS)
    assert done["status"] == "succeeded", done
    entry = newest_log(api, integration)
    assert entry["status"] == "success"
    assert entry["executionTime"] >= SLOW_SECONDS * 1000
    assert execution(n8n, done["result"]["executionId"])["status"] == "success"


@pytest.fixture
def mcp_url(server: str, admin: Admin) -> Iterator[str]:
    """n8n's own MCP server, which has its own authorization server; its clients are forgotten afterwards."""
    admin.mcp_token()
    yield f"{server}/mcp-server/http"
    admin.forget_clients()


def consent(api: Api, mcp_url: str, decide: Callable[[str], str]) -> dict[str, str]:
    """What `redirectUrl` is told after a decision on an `authUrl`."""
    body = {"authType": "oauth", "redirectUrl": "http://localhost:3000/done", "serverUrl": mcp_url}
    begun = api.data("POST", "/integrations/mcp_server/connect", body)
    back = requests.get(decide(begun["authUrl"]), allow_redirects=False, timeout=35)
    assert back.status_code == 302, back.text
    return dict(parse_qsl(urlsplit(back.headers["Location"]).query))


def test_oauth_with_the_authorization_server_of_n8n(api: Api, admin: Admin, mcp_url: str) -> None:
    told = consent(api, mcp_url, lambda url: admin.decide(url, approved=True))
    assert told["status"] == "connected", told
    integration = told["integrationId"]
    run = f"/integrations/{integration}/actions/search_workflows"
    assert "data" in api.data("POST", run, {"parameters": {"limit": 1}})["result"]

    admin.forget_clients()

    refused = api.call("POST", run, {"parameters": {"limit": 1}})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "reauth_required"), refused.text
    shown = api.data("GET", f"/integrations/{integration}")
    assert (shown["status"], shown["health"]["reason"]) == ("error", "reauth_required")


def test_a_consent_that_n8n_is_told_to_deny(api: Api, admin: Admin, mcp_url: str) -> None:
    told = consent(api, mcp_url, lambda url: admin.decide(url, approved=False))
    assert (told["status"], told["error"]) == ("error", "access_denied")


def test_the_server_of_the_mcp_project(api: Api, everything_url: str) -> None:
    body = {"authType": "none", "serverUrl": everything_url}
    integration = api.data("POST", "/integrations/mcp_server/connect", body)["id"]

    sent = {"parameters": {"message": "Grüße 🎉"}}
    result = api.data("POST", f"/integrations/{integration}/actions/echo", sent)["result"]

    assert result["text"] == "Echo: Grüße 🎉"
    entry = newest_log(api, integration)
    assert (entry["action"], entry["status"], entry["input"]) == ("echo", "success", sent["parameters"])
    assert api.data("POST", f"/integrations/{integration}/test")["status"] == "healthy"
