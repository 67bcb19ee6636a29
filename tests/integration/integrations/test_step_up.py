"""A server that demands more than was consented to: the connection says what is missing, a new consent asks for it."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from jobsprint.core import aws as clients
from jobsprint.domain.oauth import joined_scope
from jobsprint.repositories.integrations import IntegrationStore
from tests.support.authority import Authority, Reply, Seen, authority
from tests.support.call import Answer, call
from tests.support.mcp import FakeServer, tool
from tests.support.receiver import Received, receiving

DEMANDS = 'Bearer realm="mcp", error="insufficient_scope", scope="files:read files:write", error_description="more"'


class Guarded:
    """An MCP server behind an authorization server. `methods` are answered 403 with `demands` unless the token has
    `needed`.
    """

    def __init__(self, made: Authority, server: FakeServer) -> None:
        self.authority = made
        self.methods = {"tools/call"}
        self.needed = "files:write"
        self.demands: str | None = DEMANDS
        self._server = server
        made.behind = self._behind

    def _behind(self, seen: Seen) -> Reply:
        token = seen.headers["authorization"].removeprefix("Bearer ")
        lacks = self.needed not in self.authority.scopes[token].split()
        if seen.form.get("method") in self.methods and lacks:
            return 403, {"error": "insufficient_scope"}, {"WWW-Authenticate": self.demands} if self.demands else {}
        reply = self._server._answer(Received("/mcp", seen.headers, json.dumps(seen.form).encode(), seen.method))
        return reply.status, reply.body, reply.headers

    def calls(self) -> int:
        return len(self.authority.seen("/mcp", method="tools/call"))


@pytest.fixture
def server(aws: dict[str, Any]) -> Iterator[Guarded]:
    with authority() as made, receiving() as receiver:
        yield Guarded(made, FakeServer(receiver, tools=[tool("save", text=True)]))


def connect(server: Guarded, target: str = "mcp_server") -> Answer:
    body = {"authType": "oauth", "redirectUrl": "https://your-app.com/done", "serverUrl": server.authority.mcp}
    return call("POST", f"/integrations/{target}/connect", body=body)


def consent(server: Guarded, begun: Answer) -> dict[str, str]:
    """What the application is told once the person gave the consent that `begun` asks for."""
    brought = server.authority.consent(begun.data["authUrl"])
    back = call("GET", f"{brought.pop('at')}?{urlencode(brought)}", tenant=None)
    return dict(parse_qsl(urlsplit(back.headers["Location"]).query))


def connected(server: Guarded, target: str = "mcp_server") -> str:
    begun = connect(server, target)
    assert consent(server, begun)["status"] == "connected"
    return str(begun.data["id"])


def asked(begun: Answer) -> list[str]:
    """The scope that a consent asks for."""
    return dict(parse_qsl(urlsplit(begun.data["authUrl"]).query))["scope"].split()


def save(integration_id: str, **options: Any) -> Answer:
    body = {"parameters": {"text": "hello"}}
    return call("POST", f"/integrations/{integration_id}/actions/save", body=body, **options)


def shown(integration_id: str) -> Any:
    return call("GET", f"/integrations/{integration_id}").data


def run_test(integration_id: str) -> Any:
    return call("POST", f"/integrations/{integration_id}/test").data["testResult"]


def test_a_call_that_lacks_a_scope_names_it_and_a_consent_for_both_heals(server: Guarded) -> None:
    integration_id = connected(server)

    refused = save(integration_id)

    assert (refused.status, refused.error["code"]) == (409, "reauth_required")
    assert refused.error["message"].endswith("missing scope: files:read files:write")
    detail = shown(integration_id)
    assert (detail["status"], detail["health"]["reason"]) == ("error", "reauth_required")
    assert "files:read files:write" in detail["health"]["message"]
    assert "files:read files:write" in detail["health"]["nextStep"]
    # Nobody tries again by himself: no call, no refresh, and no test makes it healthy.
    before = len(server.authority.requests)
    assert save(integration_id).error == refused.error
    assert run_test(integration_id)["reason"] == "reauth_required"
    assert shown(integration_id)["status"] == "error"
    assert len(server.authority.requests) == before

    again = connect(server, integration_id)

    assert (again.status, again.data["status"]) == (200, "pending")
    assert sorted(asked(again)) == ["files:read", "files:write", "offline_access", "tools"]
    assert consent(server, again)["status"] == "connected"
    assert save(integration_id).status == 200
    assert IntegrationStore("acme").get(integration_id).missing_scope == ""


def test_a_scope_that_was_asked_for_and_not_given_is_not_asked_for_again(server: Guarded) -> None:
    server.authority.faults.scope = lambda _: "tools"
    integration_id = connected(server)
    save(integration_id)
    connected(server, integration_id)

    answers = [save(integration_id) for _ in range(2)]

    assert [(one.status, one.error["code"]) for one in answers] == [(502, "insufficient_scope")] * 2
    assert "files:write" in answers[0].error["message"]
    assert shown(integration_id)["status"] == "connected"
    assert len(server.authority.seen("/token")) == 2


def test_a_test_that_lacks_a_scope_says_so(server: Guarded) -> None:
    integration_id = connected(server)
    server.methods = {"tools/list", "server/discover", "initialize"}

    tested = run_test(integration_id)

    assert (tested["passed"], tested["reason"]) == (False, "reauth_required")
    assert tested["nextStep"].endswith("files:read files:write")
    assert shown(integration_id)["status"] == "error"
    events = [item for item in clients.dynamodb().scan(TableName="EventsTable")["Items"] if "event" in item]
    assert "integration.unhealthy" in [item["event"]["S"] for item in events]
    assert "files:write" in asked(connect(server, integration_id))


def test_a_connect_that_lacks_a_scope_ends_in_a_consent_for_it(server: Guarded) -> None:
    server.methods = {"tools/list"}
    begun = connect(server)

    assert consent(server, begun) == {
        "integrationId": begun.data["id"], "status": "error", "error": "reauth_required"
    }  # fmt: skip
    assert connected(server, begun.data["id"]) == begun.data["id"]
    assert save(begun.data["id"]).status == 200


def test_the_second_of_a_grant_asks_for_what_it_lacks_at_once(server: Guarded) -> None:
    first = connected(server)
    server.methods = {"tools/list"}

    second = connect(server)

    assert second.data["status"] == "pending"
    assert {"tools", "files:write"} <= set(asked(second))
    assert consent(server, second)["status"] == "connected"
    assert shown(first)["status"] == "connected"


def test_a_consent_of_another_does_not_heal_what_lacks_more(server: Guarded) -> None:
    first, second = connected(server), str(connect(server).data["id"])
    save(first)
    server.demands = 'Bearer error="insufficient_scope", scope="admin"'
    server.needed = "admin"
    save(second)

    connected(server, first)

    assert shown(first)["status"] == "connected"
    assert shown(second)["status"] == "error"
    connected(server, second)
    assert save(second).status == save(first).status == 200


@pytest.mark.parametrize(
    "demands",
    [
        None,
        'Bearer error="invalid_token", scope="files:write"',
        'Bearer error="insufficient_scope"',
        'Bearer error="insufficient_scope", scope="\\"\\\\"',
        'Bearer error_description="insufficient_scope", scope="files:write"',
    ],
)
def test_a_403_that_names_no_scope_is_a_403(server: Guarded, demands: str | None) -> None:
    integration_id = connected(server)
    server.demands = demands

    answer = save(integration_id)

    assert (answer.status, answer.error["code"]) == (502, "upstream_refused")
    assert shown(integration_id)["status"] == "connected"


def test_a_key_is_free_again_for_the_call_with_the_new_consent(server: Guarded) -> None:
    integration_id = connected(server)
    key = {"Idempotency-Key": "one"}
    assert save(integration_id, headers=key).status == 409

    connected(server, integration_id)

    assert save(integration_id, headers=key).status == 200


def test_a_scope_that_the_authorization_server_does_not_know_is_dropped(server: Guarded) -> None:
    integration_id = connected(server)
    save(integration_id)
    server.authority.faults.consent = lambda answer: {
        "error": "invalid_scope", "state": answer["state"], "iss": answer["iss"]
    }  # fmt: skip
    assert consent(server, connect(server, integration_id))["error"] == "invalid_scope"

    again = connect(server, integration_id)

    # The grant is alive and good for the rest.
    assert again.data["status"] == "connected"


def test_a_token_of_a_persons_own_is_left_to_that_person(server: Guarded) -> None:
    connected(server)
    [token] = server.authority.access
    body = {"authType": "token", "token": token, "serverUrl": server.authority.mcp}
    own = call("POST", "/integrations/mcp_server/connect", body=body).data["id"]

    answer = save(own)

    assert (answer.status, answer.error["code"]) == (502, "insufficient_scope")
    assert "files:write" in answer.error["message"]
    assert shown(own)["status"] == "connected"


def test_a_demand_without_end_is_cut() -> None:
    names = [f"s{number}" for number in range(1000)]

    assert joined_scope(" ".join(names), "more").split() == names[:50]
    assert joined_scope("a b", "b c", 'd"e f\\g h\x7f', "x" * 101) == "a b c"
