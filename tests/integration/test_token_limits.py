"""What a token that is limited to some actions, or to reading, is refused: on every route, and by every action."""

from typing import Any

import pytest

from jobsprint.core.ids import new_id
from jobsprint.domain.callers import MANAGEMENT
from jobsprint.domain.integrations import Capability, Effect, Integration
from jobsprint.repositories.integrations import IntegrationStore
from tests.integration.test_tenants import SCOPES, body_for, filled
from tests.integration.test_tokens import issue
from tests.support.call import Answer, call
from tests.support.receiver import Receiver
from tests.support.rows import connected, rows, subscribed

# Beside these, a route reads if it is a GET.
POSTS_THAT_READ = {("POST", "/events/preview"), ("POST", "/integrations/{integrationId}/actions/{actionName}")}
GETS_THAT_CHANGE = {("GET", "/integrations/webhooks/{webhookId}/poll")}
READS = {route for route in SCOPES if route[0] == "GET"} - GETS_THAT_CHANGE | POSTS_THAT_READ
OF_TOKENS = {route for route, scope in SCOPES.items() if scope in MANAGEMENT}
OF_INTEGRATIONS = [route for route in SCOPES if "{integrationId}" in route[1]]

pytestmark = pytest.mark.usefixtures("aws")


def token(**given: Any) -> str:
    return str(issue(**given)["token"])


def integration(
    slug: str, url: str = "https://hooks.example.com/", *, kind: str = "custom", **effects: Effect | None
) -> str:
    """The id of a connected integration with that slug, which has actions of these effects."""
    store = IntegrationStore("acme")
    made = store.get(connected(url))
    store.delete(made, 1)
    capabilities = tuple(Capability(name, schema={"type": "object"}, effect=effect) for name, effect in effects.items())
    fields: dict[str, Any] = {**vars(made), "slug": slug, "capabilities": capabilities, "type": kind, "version": 0}
    return store.create(Integration(**fields)).id


def run(integration_id: str, action: str, token: str, **options: Any) -> Answer:
    return call(
        "POST",
        f"/integrations/{integration_id}/actions/{action}",
        token=token,
        body={"parameters": {}},
        **options,
    )


def code(answer: Answer) -> tuple[int, str]:
    return answer.status, "" if answer.body["success"] else answer.error["code"]


# --- read-only --------------------------------------------------------------------------------------------------------


def test_a_read_only_token_is_refused_whatever_may_change_something() -> None:
    integration_id, webhook_id = integration("slack", send="write"), subscribed()["id"]
    reader = token(readOnly=True)
    before = rows()

    for route in set(SCOPES) - READS - OF_TOKENS:
        method, path = route
        for ids in (
            {"integrationId": integration_id, "webhookId": webhook_id},
            {"integrationId": webhook_id, "webhookId": new_id("wh", 1)},
        ):
            answer = call(method, filled(path, **ids), token=reader, body=body_for(method, path))
            assert code(answer) == (403, "token_read_only"), (route, answer.body)
    assert rows() == before


def test_a_read_only_token_reads() -> None:
    integration_id, webhook_id = integration("slack", send="read"), subscribed()["id"]
    reader = token(readOnly=True)

    for method, path in READS - OF_TOKENS:
        target = filled(path, integrationId=integration_id, webhookId=webhook_id)
        answer = call(method, target, token=reader, body=body_for(method, path))
        assert answer.status not in (401, 403), (method, path, answer.body)


@pytest.mark.parametrize("given", [{"readOnly": True}, {"actions": ["*.*"]}])
def test_a_token_for_an_agent_reaches_no_token(given: dict[str, Any]) -> None:
    agent = token(**given)
    before = rows()
    for method, path in OF_TOKENS:
        answer = call(method, filled(path), token=agent, body=body_for(method, path))
        assert code(answer) == (403, "missing_scope")
    assert rows() == before


@pytest.mark.parametrize(
    "options", [{}, {"headers": {"Prefer": "respond-async"}}, {"headers": {"Idempotency-Key": "k"}}]
)
def test_a_read_only_token_runs_actions_that_read(endpoint: Receiver, options: dict[str, Any]) -> None:
    integration_id = integration("slack", endpoint.url, look=None, find="read", send="write", drop="destructive")
    reader = token(readOnly=True)
    before = rows()

    for action in ("look", "send", "drop"):
        answer = run(integration_id, action, reader, **options)
        assert code(answer) == (403, "token_read_only")
        assert f"slack.{action}" in answer.error["message"]
    assert rows() == before
    assert endpoint.received == []
    assert run(integration_id, "find", reader, **options).status in (200, 202)


# --- limited to actions -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("actions", "allowed"),
    [
        (["slack.send"], {"slack.send"}),
        (["slack.*"], {"slack.send", "slack.find"}),
        (["slack.s*", "github.find"], {"slack.send", "github.find"}),
        (["*.find"], {"slack.find", "github.find"}),
        (["*.*"], {"slack.send", "slack.find", "github.send", "github.find"}),
        (["sla.send"], set()),
        (["slack.sen"], set()),
        (["slack_2.*"], set()),
        ([], {"slack.send", "slack.find", "github.send", "github.find"}),
    ],
)
def test_a_limited_token_runs_its_actions_alone(endpoint: Receiver, actions: list[str], allowed: set[str]) -> None:
    ids = {slug: integration(slug, endpoint.url, send="write", find="read") for slug in ("slack", "github")}
    agent = token(actions=actions)
    visible = {name.partition(".")[0] for name in allowed}

    for name in ("slack.send", "slack.find", "github.send", "github.find"):
        slug, _, action = name.partition(".")
        sent = len(endpoint.received)
        answer = run(ids[slug], action, agent)
        if name in allowed:
            assert answer.status == 200, answer.body
            assert len(endpoint.received) == sent + 1
        else:
            hidden = (404, "integration_not_found")
            shown = (403, "token_limited")
            expected = {hidden, shown} if slug not in visible else {shown}
            assert code(answer) in expected
            assert answer.status == 404 or name in answer.error["message"]
            assert len(endpoint.received) == sent
    listed = call("GET", "/integrations", token=agent).data
    assert {item["id"] for item in listed} >= {ids[slug] for slug in visible}


def test_limits_and_reading_add_up(endpoint: Receiver) -> None:
    integration_id = integration("slack", endpoint.url, send="write", find="read", list="read")
    agent = token(actions=["slack.send", "slack.find"], readOnly=True)

    assert code(run(integration_id, "send", agent)) == (403, "token_read_only")
    assert code(run(integration_id, "list", agent)) == (403, "token_limited")
    assert run(integration_id, "find", agent).status == 200


def test_a_kept_outcome_is_for_those_who_may_run_the_action(endpoint: Receiver) -> None:
    integration_id = integration("slack", endpoint.url, send="write", find="read")
    key = {"headers": {"Idempotency-Key": "order-1"}}
    assert run(integration_id, "send", token(), **key).status == 200

    for given in ({"actions": ["slack.find"]}, {"readOnly": True}):
        assert run(integration_id, "send", token(**given), **key).status == 403
    replayed = run(integration_id, "send", token(actions=["slack.send"]), **key)
    assert (replayed.status, replayed.headers["Idempotent-Replayed"]) == (200, "true")
    assert len(endpoint.received) == 1


@pytest.mark.parametrize("route", OF_INTEGRATIONS, ids=" ".join)
def test_a_limited_token_knows_of_its_integrations_alone(route: tuple[str, str], endpoint: Receiver) -> None:
    method, path = route
    mine = integration("slack", endpoint.url, send="write")
    hidden = [integration("github", endpoint.url, send="write"), subscribed()["id"]]
    agent, before = token(actions=["slack.*"]), rows()

    if SCOPES[route] == "integrations:write":
        for integration_id in (mine, *hidden, "custom_webhook", new_id("int", 1)):
            target = filled(path, integrationId=integration_id)
            answer = call(method, target, token=agent, body=body_for(method, path))
            assert code(answer) == (403, "token_limited"), answer.body
        assert rows() == before
        return
    for integration_id in hidden:
        answer = call(method, filled(path, integrationId=integration_id), token=agent, body=body_for(method, path))
        unknown = integration_id[:-4] + "0000"
        nowhere = call(method, filled(path, integrationId=unknown), token=agent, body=body_for(method, path))
        assert answer.status == nowhere.status == 404
        assert answer.error["code"] == nowhere.error["code"]
        assert answer.error["message"].replace(integration_id, "") == nowhere.error["message"].replace(unknown, "")
    assert rows() == before
    answer = call(method, filled(path, integrationId=mine), token=agent, body=body_for(method, path))
    assert answer.status == (404 if "{executionId}" in path else 200), answer.body


@pytest.mark.parametrize("query", ["", "?type=custom", "?status=connected", "?type=custom&status=connected"])
def test_a_list_leaves_out_what_a_limited_token_may_not_know(query: str) -> None:
    ids = {slug: integration(slug) for slug in ("slack", "github", "slack_2", "notion")}
    subscribed()

    def listed(token: str) -> set[str]:
        found, cursor = set(), ""
        while True:
            answer = call("GET", f"/integrations{query}{'&' if query else '?'}limit=1{cursor}", token=token)
            found |= {item["id"] for item in answer.data}
            if not answer.body["pagination"]["hasMore"]:
                return found
            cursor = f"&cursor={answer.body['pagination']['nextCursor']}"

    assert listed(token(actions=["slack.*"])) == {ids["slack"]}
    assert listed(token(actions=["slack*.send", "notion.x"])) == {ids["slack"], ids["slack_2"], ids["notion"]}
    assert listed(token(actions=["*.send"])) == {*ids.values()}
    assert listed(token(actions=["none.*"])) == set()


def test_search_offers_no_server_that_a_limited_token_may_not_know() -> None:
    ids = {slug: integration(slug, kind="mcp", send="read") for slug in ("slack", "github")}

    def found(token: str) -> set[str]:
        items = call("GET", "/integrations/available?type=mcp&limit=100", token=token).data
        return {item["id"] for item in items} & {*ids.values()}

    assert found(token()) == {*ids.values()}
    assert found(token(actions=["slack.*"])) == {ids["slack"]}


def test_a_token_without_limits_is_as_before(endpoint: Receiver) -> None:
    integration_id = integration("", endpoint.url, send=None)
    for given in ({}, {"scopes": ["integrations:read", "integrations:write", "actions:execute"]}):
        plain = token(**given)
        assert run(integration_id, "send", plain).status == 200
        assert call("GET", f"/integrations/{integration_id}", token=plain).status == 200
        assert len(call("GET", "/integrations", token=plain).data) == 1
        assert call("PATCH", f"/integrations/{integration_id}", token=plain, body={"name": "n"}).status == 200
