"""Stored credentials go to no other origin than the one they were given for; a change of path keeps them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from jobsprint.connectors.fields import is_same_origin
from jobsprint.repositories.integrations import IntegrationStore
from tests.integration.integrations.test_upstream_text import n8n_that_says
from tests.support.call import Answer, call
from tests.support.mcp import FakeServer, tool
from tests.support.receiver import Received, Receiver, Reply, receiving
from tests.support.rows import connected, rows, subscribed

pytestmark = pytest.mark.usefixtures("aws")

TOKEN, OTHER_TOKEN = "token-of-the-first-server", "token-of-the-second-one"
AUTH = {"default": {"type": "basic", "username": "u", "password": "hook-password"}}


@pytest.fixture
def elsewhere() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@dataclass
class Connection:
    """A connection with credentials: how it is changed, what its address is called, and what has to be given again."""

    id: str
    address: str
    again: dict[str, Any]
    path: str = "/integrations/{}"

    def change(self, **body: Any) -> Answer:
        return call("PATCH", self.path.format(self.id), body=body)

    def reconnect(self, **body: Any) -> Answer:
        return call("POST", f"/integrations/{self.id}/connect", body=body)


KINDS = ("mcp", "zapier", "n8n", "custom", "webhook")


def made(kind: str, at: Receiver) -> Connection:
    """A connection of that kind to `at`."""
    if kind == "webhook":
        webhook = subscribed(url=f"{at.url}/first", headers={"X-Key": TOKEN, "X-Env": "data"})
        again = {"headers": {"X-Key": OTHER_TOKEN}}
        return Connection(webhook["id"], "url", again, "/integrations/webhooks/{}")
    if kind == "custom":
        id_ = connected(f"{at.url}/first", headers={"Authorization": TOKEN}, secret="signs-" + TOKEN)
        return Connection(id_, "url", {"headers": {"Authorization": OTHER_TOKEN}})
    if kind == "n8n":
        at.answer = below("/in", n8n_that_says("fine"))
        body: dict[str, Any] = {"baseUrl": at.url, "apiKey": TOKEN, "webhookAuth": AUTH}
        answer = call("POST", "/integrations/n8n_workflows/connect", body=body)
        return Connection(answer.data["id"], "baseUrl", {"apiKey": OTHER_TOKEN, "webhookAuth": {}})
    FakeServer(at, tools=[tool("slack_send")])
    body = {"authType": "token", "token": TOKEN, "serverUrl": f"{at.url}/mcp"}
    app = "zapier_slack" if kind == "zapier" else "mcp_server"
    answer = call("POST", f"/integrations/{app}/connect", body={**body, "name": "Tools"})
    assert answer.status == 201, answer.body
    return Connection(answer.data["id"], "serverUrl", {"token": OTHER_TOKEN})


def below(path: str, answer: Callable[[Received], Reply]) -> Callable[[Received], Reply]:
    """The same answers also below a path."""
    return lambda request: answer(replace(request, path=request.path.removeprefix(path)))


def in_error(connection: Connection) -> None:
    store = IntegrationStore("acme")
    store.update(replace(store.get(connection.id), status="error", status_reason="credential_rejected"))


def missing(answer: Answer) -> list[str]:
    assert answer.status == 422, answer.body
    return sorted(detail["field"] for detail in answer.error["details"])


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_of_origin_needs_every_credential_again(kind: str, endpoint: Receiver, elsewhere: Receiver) -> None:
    connection, before = made(kind, endpoint), rows()

    answer = connection.change(**{connection.address: f"{elsewhere.url}/in"})

    assert missing(answer) == sorted(f"body.{name}" for name in connection.again)
    assert elsewhere.received == []
    assert rows() == before


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "webhook"])
def test_reconnecting_in_error_does_too(kind: str, endpoint: Receiver, elsewhere: Receiver) -> None:
    connection = made(kind, endpoint)
    in_error(connection)

    answer = connection.reconnect(**{connection.address: f"{elsewhere.url}/in"})

    assert missing(answer) == sorted(f"body.{name}" for name in connection.again)
    assert elsewhere.received == []


@pytest.mark.parametrize("kind", KINDS)
def test_with_them_the_origin_changes(kind: str, endpoint: Receiver, elsewhere: Receiver) -> None:
    connection = made(kind, endpoint)
    elsewhere.answer = endpoint.answer

    answer = connection.change(**{connection.address: f"{elsewhere.url}/in", **connection.again})

    assert answer.status == 200, answer.body
    assert not any(TOKEN in str(request.headers) for request in elsewhere.received)


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_of_path_keeps_them(kind: str, endpoint: Receiver) -> None:
    connection = made(kind, endpoint)
    seen = len(endpoint.received)

    answer = connection.change(**{connection.address: f"{endpoint.url}/in"})

    assert answer.status == 200, answer.body
    assert call("POST", f"/integrations/{connection.id}/test").data["status"] == "healthy"
    assert any(TOKEN in str(request.headers) for request in endpoint.received[seen:])


@pytest.mark.parametrize("kind", ["custom", "webhook"])
def test_empty_headers_drop_them(kind: str, endpoint: Receiver, elsewhere: Receiver) -> None:
    connection = made(kind, endpoint)

    answer = connection.change(url=f"{elsewhere.url}/in", headers={})
    tested = call("POST", f"/integrations/{connection.id}/test")

    assert (answer.status, tested.data["status"]) == (200, "healthy")
    [request] = elsewhere.received
    assert TOKEN not in str(request.headers)
    assert "webhook-signature" in request.headers, "the signing secret stays: it never leaves"


def test_every_missing_field_is_listed_with_other_wrong_ones(endpoint: Receiver, elsewhere: Receiver) -> None:
    connection = made("n8n", endpoint)
    answer = connection.change(baseUrl=elsewhere.url, tags=["a,b"], name="")
    assert missing(answer) == ["body.apiKey", "body.name", "body.tags", "body.webhookAuth"]
    assert missing(made("custom", endpoint).change(url="https://10.0.0.1/x")) == ["body.headers"]


def test_a_webhook_that_leaves_its_headers_by_null_does_not_keep_them(endpoint: Receiver, elsewhere: Receiver) -> None:
    connection = made("webhook", endpoint)
    assert missing(connection.change(url=f"{elsewhere.url}/in", headers=None)) == ["body.headers"]
    assert connection.change(url=f"{endpoint.url}/other", headers=None).status == 200


def test_the_token_in_a_zapier_url_counts(endpoint: Receiver, elsewhere: Receiver) -> None:
    connection = made("zapier", endpoint)
    elsewhere.answer = endpoint.answer

    assert connection.change(serverUrl=f"{elsewhere.url}/mcp?token={OTHER_TOKEN}").status == 200

    assert {request.headers["authorization"] for request in elsewhere.received} == {f"Bearer {OTHER_TOKEN}"}


def test_without_a_token_nothing_is_kept(endpoint: Receiver, elsewhere: Receiver) -> None:
    connection = made("mcp", endpoint)
    elsewhere.answer = endpoint.answer

    assert connection.change(serverUrl=f"{elsewhere.url}/mcp", authType="none").status == 200

    assert not any("authorization" in request.headers for request in elsewhere.received)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a.example/x", "https://a.example/y?z=1", True),
        ("https://a.example", "https://A.EXAMPLE:443/", True),
        ("https://a.example:8443/", "https://a.example:8443/x", True),
        ("https://bücher.example/", "https://xn--bcher-kva.example/x", True),
        ("http://a.example/", "http://a.example:80/", True),
        ("http://a.example/", "https://a.example/", False),
        ("https://a.example/", "https://a.example:8443/", False),
        ("https://a.example/", "https://b.a.example/", False),
        ("https://a.example/", "https://a.example.evil.example/", False),
        ("https://a.example/", "https://a.example@evil.example/", False),
        ("https://a.example/", "https://\uff41.example.evil/", False),
        ("https://a.example/", "no url", False),
        ("https://a.example/", None, False),
    ],
)
def test_origins(one: str, other: Any, same: bool) -> None:
    assert is_same_origin(other, one) is same


# --- after a disconnect -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "missing"),
    [("mcp", ["body.token"]), ("zapier", ["body.token"]), ("n8n", ["body.apiKey"]), ("custom", None)],
)
def test_reconnecting_after_a_disconnect_takes_what_is_kept_but_for_credentials(
    kind: str, missing: list[str] | None, endpoint: Receiver
) -> None:
    connection = made(kind, endpoint)
    before = call("GET", f"/integrations/{connection.id}").data
    call("POST", f"/integrations/{connection.id}/disconnect")

    if missing:
        refused = connection.reconnect()
        assert (refused.status, [detail["field"] for detail in refused.error["details"]]) == (422, missing)
    answer = connection.reconnect(**connection.again)

    assert (answer.status, answer.data["status"]) == (200, "connected"), answer.body
    after = call("GET", f"/integrations/{connection.id}").data
    for name in ("name", "description", "configuration", "capabilities"):
        assert after[name] == before[name]
    assert call("POST", f"/integrations/{connection.id}/test").data["testResult"]["passed"]
