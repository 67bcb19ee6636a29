"""`make smoke`: try a deployed stack end to end over HTTPS, as a tenant of its own that it leaves empty.

It needs no receiver: its webhooks point at the API itself, one at an operation that answers 200, one at a path that
does not exist.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from tools.local.console import Failure
from tools.local.tokens import Clients, issue

_TENANT = "smoke"
_READ = ("/integrations", "/integrations/available?query=slack", "/integrations/webhooks", "/event-types")
_METADATA = "https://169.254.169.254/latest/meta-data/"
_DELIVERY_SECONDS = 60.0
# API Gateway keeps what the authorizer said for 60 s.
_REVOCATION_SECONDS = 75.0
_EVENT = "smoke.tested"


@dataclass
class Smoke:
    """One run: the API's address, the tenant's token, and what the run has created so far."""

    url: str
    token: str
    created: list[str] = field(default_factory=list)

    def call(self, method: str, path: str, body: object = None, *, token: bool = True) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"} if token else {}
        return requests.request(method, self.url + path, json=body, headers=headers, timeout=35)

    def data(self, method: str, path: str, body: object = None) -> Any:
        """The data of an answer that has to be a success."""
        answer = self.call(method, path, body)
        _expect(answer.ok, f"{method} {path} answered {answer.status_code} {answer.text[:200]}")
        return answer.json()["data"]

    def create(self, path: str, body: Mapping[str, object]) -> str:
        """Create an integration or a webhook that the end of the run deletes; its id."""
        identifier: str = self.data("POST", path, body)["id"]
        self.created.append(f"/integrations/{'webhooks/' if identifier.startswith('wh_') else ''}{identifier}")
        return identifier

    def delete(self, path: str) -> None:
        """Delete what `create` made; what is connected has to be disconnected first."""
        if "/webhooks/" not in path:
            self.call("POST", f"{path}/disconnect")
        self.call("DELETE", path)


def run(clients: Clients, url: str, *, revocation_seconds: float = _REVOCATION_SECONDS) -> int:
    """Make every check, print a line for each, and give the exit status: 0 if all passed."""
    print(f"  Trying {url}")
    token = issue(clients, _TENANT, ["*"], 1)
    smoke = Smoke(url, token)
    failed = 0
    try:
        for check in (_new_token, _health, _reads, _gateway_answers, _too_large, _guard, _action, _deliveries):
            failed += not _passes(check, smoke)
    finally:
        for path in reversed(smoke.created):
            smoke.delete(path)
    failed += not _passes(lambda one: _revocation(one, clients, revocation_seconds), smoke, _revocation.__doc__)
    print(f"  {failed} failed" if failed else "  All passed")
    return 1 if failed else 0


def _passes(check: Callable[[Smoke], str | None], smoke: Smoke, name: str | None = None) -> bool:
    name = name or check.__doc__
    started = time.monotonic()
    try:
        note = check(smoke)
    except (Failure, requests.RequestException, LookupError, ValueError) as failure:
        print(f"  FAILED  {name} {failure}", flush=True)
        return False
    print(f"  ok      {name} ({time.monotonic() - started:.1f} s{f', {note}' if note else ''})", flush=True)
    return True


def _expect(right: bool, what: str) -> None:
    if not right:
        raise Failure(what)


def _new_token(smoke: Smoke) -> None:
    """A new token works at once."""
    smoke.data("GET", "/integrations")


def _health(smoke: Smoke) -> str:
    """The service answers without a token and names its version."""
    answer = smoke.call("GET", "/health", token=False)
    _expect(answer.ok, f"GET /health answered {answer.status_code}")
    return f"version {answer.json()['data']['version']}"


def _reads(smoke: Smoke) -> None:
    """Every kind of thing can be listed."""
    for path in _READ:
        smoke.data("GET", path)


def _gateway_answers(smoke: Smoke) -> None:
    """What API Gateway answers by itself has the envelope, CORS and nosniff."""
    for answer, status in (
        (smoke.call("GET", "/integrations", token=False), 401),
        (smoke.call("GET", "/nowhere"), 404),
    ):
        _expect(answer.status_code == status, f"{answer.url} answered {answer.status_code}, not {status}")
        _expect(answer.json()["success"] is False, f"{answer.url} has no envelope")
        for header in ("Access-Control-Allow-Origin", "X-Content-Type-Options"):
            _expect(header in answer.headers, f"{answer.url} has no {header}")
    preflight = requests.options(
        f"{smoke.url}/events",
        headers={"Origin": "https://app.example", "Access-Control-Request-Method": "POST"},
        timeout=35,
    )
    _expect(preflight.ok, f"the preflight answered {preflight.status_code}")
    _expect("traceparent" in preflight.headers["Access-Control-Allow-Headers"], "the preflight lacks traceparent")


def _too_large(smoke: Smoke) -> None:
    """A body of 300 KB is 413."""
    answer = smoke.call("POST", "/events", {"event": _EVENT, "data": {"text": "x" * 300_000}})
    _expect(answer.status_code == 413, f"it is {answer.status_code}")


def _guard(smoke: Smoke) -> None:
    """A webhook cannot point at the metadata service."""
    answer = smoke.call("POST", "/integrations/webhooks", {"name": "Guard", "url": _METADATA, "events": ["*"]})
    _expect(answer.status_code == 422, f"it is {answer.status_code}")


def _answering(smoke: Smoke) -> tuple[str, dict[str, str]]:
    """An address of the API that answers 200 to any body, and the headers that it wants."""
    body = {"name": "Tested", "url": f"{smoke.url}/health", "actions": [{"name": "send"}]}
    tested = smoke.create("/integrations/custom_webhook/connect", body)
    return f"{smoke.url}/integrations/{tested}/test", {"Authorization": f"Bearer {smoke.token}"}


def _action(smoke: Smoke) -> None:
    """An action is run and logged."""
    url, headers = _answering(smoke)
    acting = smoke.create(
        "/integrations/custom_webhook/connect",
        {"name": "Acting", "url": url, "headers": headers, "actions": [{"name": "send"}]},
    )
    smoke.data("POST", f"/integrations/{acting}/actions/send", {"parameters": {}})
    _expect(bool(smoke.data("GET", f"/integrations/{acting}/logs")), "there is no log entry")


def _deliveries(smoke: Smoke) -> str:
    """An event is delivered to a good webhook beside a failing one, whose attempt is recorded."""
    url, headers = _answering(smoke)
    hooks = {"name": "Good", "url": url, "headers": headers, "events": [_EVENT]}
    good = smoke.create("/integrations/webhooks", hooks)
    failing = smoke.create("/integrations/webhooks", hooks | {"name": "Failing", "url": f"{smoke.url}/nowhere"})
    started = time.monotonic()
    smoke.data("POST", "/events", {"event": _EVENT, "data": {}})
    seconds: dict[str, float] = {}
    while len(seconds) < 2:
        for webhook, states in ((good, {"delivered"}), (failing, {"retrying", "exhausted"})):
            if states & {row["state"] for row in smoke.data("GET", f"/integrations/webhooks/{webhook}/deliveries")}:
                seconds.setdefault(webhook, time.monotonic() - started)
        _expect(time.monotonic() - started < _DELIVERY_SECONDS, f"after {_DELIVERY_SECONDS:.0f} s they are not")
        time.sleep(0.3)
    return f"delivered after {seconds[good]:.1f} s"


def _revocation(smoke: Smoke, clients: Clients, seconds: float) -> None:
    """A revoked token stops working within about a minute."""
    identifier = "tok_" + smoke.token.split("_")[1]
    clients.manage(action="revoke", id=identifier)
    deadline = time.monotonic() + seconds
    while smoke.call("GET", "/integrations").status_code != 401:
        _expect(time.monotonic() < deadline, "it still works")
        time.sleep(2)
