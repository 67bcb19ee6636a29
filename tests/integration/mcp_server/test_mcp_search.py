"""Searching connected actions through the router: what is found, when that changes, and for whom."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from jobsprint.core import aws
from jobsprint.core.clock import now_ms
from jobsprint.mcp_server import actions
from jobsprint.repositories.integrations import IntegrationStore
from tests.support.call import call
from tests.support.connected_actions import integrations
from tests.support.mcp_messages import modern, result, token
from tests.support.receiver import Receiver
from tests.support.rows import connected

pytestmark = pytest.mark.usefixtures("aws")
APPS = ("Slack", "Stripe", "GitHub", "Zendesk", "Google Calendar", "Gmail")


def searched(query: str, *, caller: str | None = None, limit: int = 5) -> list[dict[str, Any]]:
    params = {"name": "search_actions", "arguments": {"query": query, "limit": limit}}
    found = result(modern("tools/call", params, token=caller or token()))
    return list(found["structuredContent"]["actions"])


def names(query: str, **options: Any) -> list[str]:
    return [found["action"] for found in searched(query, **options)]


@pytest.fixture
def many() -> None:
    """More than a hundred actions of known applications."""
    for integration in integrations():
        if integration.name in APPS:
            IntegrationStore("acme").create(integration)


@pytest.fixture
def reads() -> Iterator[list[str]]:
    """The names of the indexes that DynamoDB is queried by; `table` for the table itself."""
    seen: list[str] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        seen.append(params.get("IndexName", "table"))

    events = aws.dynamodb().meta.events
    events.register("provide-client-params.dynamodb.Query", note)
    yield seen
    events.unregister("provide-client-params.dynamodb.Query", note)


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("drop a line in the sales channel", "slack_send_message"),
        ("give the client the money back", "stripe_create_refund"),
        ("what meetings do I have tomorrow", "googlecalendar_list_events"),
        ("open a suport case", "zendesk_create_ticket"),
    ],
)
def test_a_request_finds_what_it_means(query: str, expected: str) -> None:
    [found] = [one for one in searched(query) if one["action"] == expected]
    assert found["connection"] in APPS
    assert found["description"]


@pytest.mark.usefixtures("many")
def test_the_actions_are_read_again_only_when_a_connection_changed(reads: list[str], endpoint: Receiver) -> None:
    first = names("send a message")
    assert reads.count("table") == 1
    reads.clear()
    assert names("send a message") == first
    assert reads == ["byStatus"]
    id_ = connected(f"{endpoint.url}/hook", name="Pager", actions=[{"name": "send", "description": "Send a page"}])
    assert "pager_send" in names("send a page to the pager")
    call("PATCH", f"/integrations/{id_}", body={"name": "Beeper"})
    assert [one["connection"] for one in searched("beeper", limit=1)] == ["Beeper"]
    call("POST", f"/integrations/{id_}/disconnect")
    assert "pager_send" not in names("beeper send", limit=20)


@pytest.mark.usefixtures("many")
def test_a_kept_index_answers_each_token_with_what_it_may_run_alone(endpoint: Receiver) -> None:
    connected(f"{endpoint.url}/hook", name="Pay", actions=[{"name": "list", "effect": "read"}, {"name": "charge"}])
    assert len(names("list charge message", limit=20)) == 20
    limited = token("acme", "mcp:tools", actions=("slack.*",))
    assert {name.partition("_")[0] for name in names("list charge message", caller=limited, limit=20)} == {"slack"}
    reading = token("acme", "mcp:tools", read_only=True)
    assert names("list charge message", caller=reading, limit=20) == ["pay_list"]
    assert names("list charge message", caller=token("globex")) == []


@pytest.mark.usefixtures("many")
def test_every_found_action_can_be_described_and_its_tools_are_few() -> None:
    for name in names("create something", limit=20):
        params = {"name": "describe_action", "arguments": {"action": name}}
        assert result(modern("tools/call", params, token=token()))["structuredContent"]["name"] == name
    listed = result(modern("tools/list", token=token("acme", "mcp:tools")))["tools"]
    assert len(listed) == 6
    # A token is about four characters of JSON; with three for each it still is within 2,000.
    assert len(json.dumps(listed)) / 3 <= 2_000


def test_a_name_means_its_first_owner_for_a_minute_and_then_the_next_one(
    monkeypatch: pytest.MonkeyPatch, endpoint: Receiver
) -> None:
    def use() -> dict[str, Any]:
        answer = modern("tools/call", {"name": "pay_charge", "arguments": {}}, token=token())
        return dict(result(answer)["structuredContent"])

    body = {"name": "Pay", "actions": [{"name": "charge", "effect": "read"}]}
    first = connected(f"{endpoint.url}/first", **body)
    assert use()["status"] == "succeeded"
    assert call("POST", f"/integrations/{first}/disconnect").status == 200
    assert call("DELETE", f"/integrations/{first}").status == 200
    connected(f"{endpoint.url}/second", **body)
    assert use()["error"]["code"] == "integration_not_found"
    monkeypatch.setattr(actions, "now_ms", lambda: now_ms() + 60_001)
    assert use()["status"] == "succeeded"
    assert [request.path for request in endpoint.received] == ["/first", "/second"]
