"""The API over HTTP as a tenant calls it."""

import itertools
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

from tests.e2e.local_stack import Stack

_session = secrets.token_hex(3)
_tenants = (f"t{_session}-{number}" for number in itertools.count(1))


@dataclass(frozen=True)
class Api:
    """One tenant's way in."""

    url: str
    token: str

    @classmethod
    def of(cls, stack: Stack, *, tenant: str | None = None, scopes: tuple[str, ...] = ("*",)) -> "Api":
        """The API for a tenant of its own, so that no test sees another's things."""
        return cls(stack.url, stack.issue_token(tenant or next(_tenants), scopes))

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> requests.Response:
        """One request with the token; `body` is sent as JSON."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return requests.request(method, self.url + path, json=body, headers=headers, timeout=35, **options)

    def data(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """The data of a successful call."""
        answer = self.call(method, path, body, **options)
        assert answer.json()["success"] is True, answer.text
        return answer.json()["data"]

    def connect_custom(self, url: str, **given: Any) -> str:
        """Connects a custom integration with an action `send` and gives its id."""
        body = {"name": "Custom", "url": url, "actions": [{"name": "send"}], **given}
        connected: str = self.data("POST", "/integrations/custom_webhook/connect", body)["id"]
        return connected

    def create_webhook(self, url: str, **given: Any) -> Any:
        """Subscribes a webhook to everything."""
        return self.data("POST", "/integrations/webhooks", {"name": "Hook", "url": url, "events": ["*"], **given})


def eventually(look: Callable[[], Any], seconds: float = 20) -> Any:
    """What `look` gives once it is true; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.2)
