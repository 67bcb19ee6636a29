"""A client of MCP Events: it describes events, subscribes, and answers challenges as a real one does."""

import base64
import json
import os
from typing import Any

from standardwebhooks.webhooks import Webhook

from tests.support.call import Answer, call
from tests.support.mcp_messages import modern, result
from tests.support.receiver import Received, Receiver, Reply

ORDER = "order.paid"
SCHEMA = {
    "type": "object",
    "properties": {
        "orderId": {"type": "string", "description": "The order"},
        "amount": {"type": "number"},
        "lines": {"type": "array"},
    },
}


def new_secret(size: int = 32) -> str:
    """A secret as a client makes it."""
    return "whsec_" + base64.b64encode(os.urandom(size)).decode()


def describe(name: str = ORDER, *, tenant: str = "acme", schema: Any = SCHEMA) -> None:
    """Make an event type."""
    body = {"name": name, "schema": schema, "description": "It was paid"}
    answer = call("PUT", "/event-types", tenant=tenant, body=body)
    assert answer.status in (200, 201), answer.body


def willing(request: Received) -> Reply:
    """The answer of a client that repeats a challenge and takes events."""
    body = request.json
    return Reply(200, {"challenge": body["challenge"]}) if body.get("type") == "verification" else Reply(204)


def params(url: str, secret: str | None, name: str = ORDER, **more: Any) -> dict[str, Any]:
    """The parameters of `events/subscribe`, as @ai-sdk/mcp sends them."""
    delivery = {"mode": "webhook", "url": url} | ({} if secret is None else {"secret": secret})
    return {"name": name, "arguments": {}, "delivery": delivery, "cursor": None} | more


def ask(method: str, token: str, **sent: Any) -> Answer:
    """The answer to `events/<method>`."""
    return modern(f"events/{method}", sent, token=token)


def subscribed(endpoint: Receiver, token: str, secret: str, **more: Any) -> dict[str, Any]:
    """A subscription, as its request was answered."""
    endpoint.answer = willing
    return result(ask("subscribe", token, **params(f"{endpoint.url}/mcp-events", secret, **more)))


def error(answer: Answer) -> dict[str, Any]:
    """The JSON-RPC error of an answer."""
    assert answer.status == 200, answer
    return dict(answer.body["error"])


def verified(request: Received, secret: str) -> Any:
    """The body of a request whose signature the official library accepts."""
    return Webhook(secret).verify(request.body, request.headers) if request.body else json.loads("null")


def events_of(endpoint: Receiver) -> list[Received]:
    """What came beside challenges."""
    return [request for request in endpoint.received if request.json.get("type") != "verification"]
