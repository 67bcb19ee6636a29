"""What the tests of polling endpoints share: creating one, polling and acknowledging through the API."""

from typing import Any

from tests.support.call import Answer, call


def polling_endpoint(*events: str, tenant: str = "acme", **fields: Any) -> dict[str, Any]:
    """A new polling endpoint as its creation answers it."""
    body = {"type": "polling", "name": "Laptop", "events": list(events) or ["*"], **fields}
    created = call("POST", "/integrations/webhooks", tenant=tenant, body=body)
    assert created.status == 201, created.body
    endpoint: dict[str, Any] = created.data
    return endpoint


def poll(webhook_id: str, query: str = "", tenant: str = "acme") -> list[dict[str, Any]]:
    """The messages of one poll."""
    answer = call("GET", f"/integrations/webhooks/{webhook_id}/poll{query}", tenant=tenant)
    assert answer.status == 200, answer.body
    messages: list[dict[str, Any]] = answer.data["messages"]
    return messages


def report(message: dict[str, Any], status: str = "success", /, **more: Any) -> dict[str, Any]:
    """A report on a message that a poll got."""
    return {"deliveryId": message["deliveryId"], "leaseToken": message["leaseToken"], "status": status, **more}


def acknowledge(webhook_id: str, *reports: dict[str, Any], tenant: str = "acme") -> Answer:
    """Sends reports; the answer."""
    body = {"messages": list(reports)}
    return call("POST", f"/integrations/webhooks/{webhook_id}/ack", tenant=tenant, body=body)


def acknowledged(webhook_id: str, *reports: dict[str, Any]) -> list[dict[str, Any]]:
    """The result of each report."""
    answer = acknowledge(webhook_id, *reports)
    assert answer.status == 200, answer.body
    outcomes: list[dict[str, Any]] = answer.data["messages"]
    return outcomes
