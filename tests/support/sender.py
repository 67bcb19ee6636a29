"""The dispatcher as a container runs it, against receivers of a test: its own budget, certificates and name server."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jobsprint.core import aws as clients
from jobsprint.delivery import attempt as attempts
from jobsprint.delivery import dispatcher as dispatching
from jobsprint.outbound import client as outbound
from jobsprint.outbound import pinning
from tests.support.deliveries import Outbox, dispatch, publish, record, subscribe

_STATUS = Path("/proc/self/status")


def close(client: Any) -> None:
    """Closes the connections of a client that a cached function made, if it did; its next call makes a new one."""
    if client.cache_info().currsize:
        client().close()
    client.cache_clear()


@contextmanager
def sending(
    monkeypatch: pytest.MonkeyPatch,
    *,
    budget: float | None = None,
    bundle: str | None = None,
    resolver: Callable[..., Any] | None = None,
) -> Iterator[None]:
    """Let the dispatcher create a new client: `budget` seconds for an attempt, a CA bundle, a resolver."""
    if budget:
        monkeypatch.setattr(attempts, "BUDGET_SECONDS", budget)
    if bundle:
        monkeypatch.setattr("certifi.where", lambda: bundle)
    if resolver:
        monkeypatch.setattr(pinning, "system_resolver", resolver)
    dispatching.delivery_client.cache_clear()
    try:
        yield
    finally:
        close(dispatching.delivery_client)


def loopback(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
    """A resolver to which every name is 127.0.0.1."""
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]


@dataclass(frozen=True)
class Sent:
    """The result of one batch: the delivery of each webhook by its name, the seconds that the sending took (without
    what the tables cost), and by how many MB the process had grown at its largest.
    """

    deliveries: dict[str, dict[str, Any]]
    seconds: float
    grown_mb: float

    def attempt(self, name: str) -> dict[str, Any]:
        """The last attempt as its row has it."""
        attempt: dict[str, Any] = json.loads(self.deliveries[name]["attempts"]["L"][-1]["S"])
        return attempt

    def state(self, name: str) -> str:
        return str(self.deliveries[name]["state"]["S"])


def send_to(outbox: Outbox, urls: dict[str, str], *, tenant: str = "acme") -> Sent:
    """Subscribes each URL to an event of its own kind, publishes it once, and dispatches all messages as one batch."""
    event = f"hostile.n{time.monotonic_ns()}"
    webhooks = {name: subscribe(url, event, tenant=tenant)["id"] for name, url in urls.items()}
    publish(event, tenant=tenant)
    messages = [record(message.body) for message in outbox.take()]
    assert len(messages) == len(urls)
    before = _peak_from_now()
    with pytest.MonkeyPatch.context() as patch:
        spent = _watch(patch)
        failed = dispatch(*messages)
    grown = (_kilobytes("VmHWM") - before) / 1024
    assert failed == []
    outbox.take()
    return Sent({name: _row(tenant, webhook) for name, webhook in webhooks.items()}, sum(spent), grown)


def _row(tenant: str, webhook_id: str) -> dict[str, Any]:
    """The only delivery of a webhook as DynamoDB holds it: the timings too, which no list shows."""
    [item] = clients.dynamodb().query(
        TableName="EventsTable",
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"{tenant}#{webhook_id}"}},
    )["Items"]
    return dict(item)


def _watch(patch: pytest.MonkeyPatch) -> list[float]:
    """The seconds of each `send_all` from now on."""
    spent: list[float] = []
    send_all = outbound.Client.send_all

    def timed(*arguments: Any, **named: Any) -> None:
        began = time.monotonic()
        send_all(*arguments, **named)
        spent.append(time.monotonic() - began)

    patch.setattr(outbound.Client, "send_all", timed)
    return spent


def _peak_from_now() -> int:
    """The memory in use in KB, from which on the kernel now notes the peak; 0 where it does not tell."""
    if not _STATUS.exists():
        return 0
    Path("/proc/self/clear_refs").write_text("5")
    return _kilobytes("VmRSS")


def _kilobytes(name: str) -> int:
    if not _STATUS.exists():
        return 0
    lines = _STATUS.read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
