"""Tokens that the API makes, and tokens for agents: limited to some actions, or to reading, through the front door."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobsprint.api.auth import caller_of
from jobsprint.core import aws
from jobsprint.core.clock import iso_seconds, now_ms
from jobsprint.core.ids import new_id
from jobsprint.domain.callers import SCOPES, Caller, Limits
from jobsprint.repositories import api_tokens
from jobsprint.security.api_tokens import NewToken, delegate
from tests.integration.test_tokens import issue, manage
from tests.support.call import Answer, authorized, call
from tests.support.rows import rows
from tests.support.template import ROOT
from tools.local import tokens

DAY = 86400
AGENT_ALL = [scope for scope in SCOPES if scope not in ("tokens:manage", "portal:sessions", "*")]

pytestmark = pytest.mark.usefixtures("aws")


@pytest.fixture
def manager() -> str:
    """A token of `acme` with every scope."""
    return str(issue()["token"])


def create(token: str, **body: Any) -> Answer:
    given = {"name": "Agent", "scopes": ["integrations:read"], **body}
    return call("POST", "/tokens", token=token, body=given)


def listed(token: str) -> dict[str, Any]:
    return {item["id"]: item for item in call("GET", "/tokens", token=token).data}


def wrong_fields(answer: Answer) -> set[str]:
    assert answer.status == 422, answer.body
    return {detail["field"] for detail in answer.error["details"]}


def id_of(token: str) -> str:
    return f"tok_{token.split('_')[1]}"


# --- making -----------------------------------------------------------------------------------------------------------


def test_a_token_makes_another_that_works(manager: str) -> None:
    before = now_ms()
    answer = create(manager, scopes=["integrations:read", "mcp:tools"], actions=["slack.*"], readOnly=True)

    assert answer.status == 201
    made = answer.data
    assert made["parent"] == id_of(manager)
    assert (made["name"], made["scopes"], made["valid"]) == ("Agent", ["integrations:read", "mcp:tools"], True)
    assert (made["actions"], made["readOnly"]) == (["slack.*"], True)
    context = authorized(made["token"])
    assert context is not None
    ends = int(context.pop("expiresAt"))
    assert before + 7 * DAY * 1000 <= ends <= now_ms() + 7 * DAY * 1000
    assert made["expiresAt"] == iso_seconds(ends)
    assert context == {
        "tenant": "acme",
        "scopes": "integrations:read mcp:tools",
        "tokenId": made["id"],
        "actions": "slack.*",
        "readOnly": "true",
    }
    assert call("GET", "/integrations", token=made["token"]).status == 200


def test_a_made_token_is_shown_once_and_not_kept(manager: str) -> None:
    made = create(manager).data

    kept = "\n".join(rows())
    assert made["token"] not in kept
    assert made["token"].rpartition("_")[2] not in kept
    shown = listed(manager)[made["id"]]
    assert shown == {name: value for name, value in made.items() if name != "token"}


def test_an_idempotency_key_keeps_no_token(manager: str) -> None:
    """A kept answer would be the token itself, and would go to another token that sends the same key."""
    request = {"name": "Agent", "scopes": ["integrations:read"]}
    answers = [
        call("POST", "/tokens", token=manager, body=request, headers={"Idempotency-Key": "k"}).data for _ in range(2)
    ]

    assert answers[0]["token"] != answers[1]["token"]
    assert len(listed(manager)) == 3


@pytest.mark.parametrize("seconds", [60, 3600, 365 * DAY])
def test_a_life_can_be_chosen(manager: str, seconds: int) -> None:
    made = create(manager, expiresIn=seconds).data

    row = api_tokens.find(made["id"])
    assert row is not None
    assert row.expires_at == row.created_at + seconds * 1000


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("expiresIn", [0, 59, -1, 365 * DAY + 1, 3.5, "60", True]),
        ("name", ["", " ", "x" * 101, "a\nb", None, 3]),
        ("scopes", [[], ["everything"], ["tokens:manage"], ["integrations:read", "tokens:manage"], "*", None]),
        ("actions", [["slack"], ["Slack.*"], ["slack."], [".send"], ["slack.se nd"], ["slack.[ab]"], ["slack.s?nd"]]),
        ("actions", [["s" * 41 + ".*"], ["slack." + "a" * 101], ["a.b"] * 21, "slack.*", ["slack.ä"], ["a.b\n"]]),
        ("readOnly", ["yes", 1, None]),
        ("parent", ["tok_x"]),
        ("tenant", ["globex"]),
    ],
)
def test_a_wrong_field_is_named_and_makes_nothing(manager: str, field: str, values: list[Any]) -> None:
    before = rows()
    for value in values:
        fields = wrong_fields(create(manager, **{field: value}))
        assert {name.partition("[")[0] for name in fields} == {f"body.{field}"}, value
    assert rows() == before


def test_every_wrong_field_is_named(manager: str) -> None:
    short = issue(scopes=["tokens:manage"], expiresInDays=1)["token"]

    answer = create(short, scopes=["events:publish", "events:read"], expiresIn=2 * DAY)

    assert wrong_fields(answer) == {"body.scopes", "body.expiresIn"}
    assert "events:publish, events:read" in answer.error["message"]


def test_every_scope_is_all_but_the_management_of_tokens(manager: str) -> None:
    made = create(manager, scopes=["*"]).data

    assert made["scopes"] == AGENT_ALL
    for method, path, body in (("GET", "/tokens", None), ("POST", "/tokens", {"name": "a", "scopes": ["*"]})):
        refused = call(method, path, token=made["token"], body=body)
        assert (refused.status, refused.error["code"]) == (403, "missing_scope")
    assert call("DELETE", f"/tokens/{id_of(manager)}", token=made["token"]).status == 403


@pytest.mark.parametrize(
    "given",
    [
        {"actions": ["slack.*"]},
        {"readOnly": True},
        {"scopes": ["*", "mcp:tools"]},
        {"scopes": ["*", "mcp:events"]},
    ],
)
def test_a_token_for_an_agent_manages_no_tokens(given: dict[str, Any]) -> None:
    made = issue(**given)

    assert made["scopes"] == AGENT_ALL
    assert call("GET", "/tokens", token=made["token"]).status == 403


@pytest.mark.parametrize("given", [{"actions": ["slack.*"]}, {"readOnly": True}, {}])
def test_an_operator_cannot_give_an_agent_the_management_of_tokens(given: dict[str, Any]) -> None:
    scopes = ["tokens:manage"] if given else ["tokens:manage", "mcp:tools"]
    with pytest.raises(Exception, match="cannot have tokens:manage"):
        issue(scopes=scopes, **given)
    assert rows() == []


def test_limits_beat_the_scopes_that_a_context_claims() -> None:
    """Should a limited token ever be stored with `*`, it manages no tokens either."""
    row = api_tokens.TokenRow(new_id("tok", 1), "acme", "0", ("*",), 1, limits=Limits(("slack.*",)))
    api_tokens.add(row)
    kept = api_tokens.find(row.id)
    assert kept is not None
    assert not Caller("acme", frozenset(kept.scopes), kept.id, kept.limits).may("tokens:manage")
    assert not Caller("acme", frozenset({"*", "mcp:tools"})).may("tokens:manage")


_SCOPE = st.sampled_from(SCOPES)
_ASKED = st.fixed_dictionaries(
    {"scopes": st.lists(_SCOPE, min_size=1, max_size=4, unique=True)},
    optional={
        "actions": st.lists(st.sampled_from(["*.*", "slack.*", "slack.send", "*.read_*"]), max_size=2),
        "readOnly": st.booleans(),
    },
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parent=_ASKED, days=st.sampled_from([None, 0.5, 1, 30]), child=_ASKED, seconds=st.sampled_from([None, 60, 2 * DAY])
)
def test_no_token_made_by_the_api_is_wider_than_its_parent(
    parent: dict[str, Any], days: float | None, child: dict[str, Any], seconds: int | None
) -> None:
    """What the authorizer says of the parent and of the child, whatever is asked for."""
    try:
        made_by = issue(**parent, **({} if days is None else {"expiresInDays": days}))
    except Exception:  # noqa: BLE001 - an operator asks for what an agent cannot have
        return
    answer = create(made_by["token"], **child, **({} if seconds is None else {"expiresIn": seconds}))
    if answer.status != 201:
        assert answer.status in (403, 422), answer.body
        return
    above, below = authorized(made_by["token"]), authorized(answer.data["token"])
    assert above is not None
    assert below is not None
    own, given_ = set(above["scopes"].split()), set(below["scopes"].split())
    assert given_ <= (set(AGENT_ALL) if "*" in own else own)
    assert given_.isdisjoint({"*", "tokens:manage"})
    assert "actions" not in above
    assert "readOnly" not in above
    assert below.get("actions", "") == " ".join(child.get("actions", []))
    assert ("readOnly" in below) == child.get("readOnly", False)
    assert int(below["expiresAt"]) <= int(above.get("expiresAt", now_ms() + 365 * DAY * 1000))
    assert below["tenant"] == above["tenant"]


def test_a_made_token_never_outlives_its_parent() -> None:
    short = issue(scopes=["tokens:manage", "events:read"], expiresInDays=1)["token"]

    made = create(short, scopes=["events:read"]).data
    own, parent = api_tokens.find(made["id"]), api_tokens.find(id_of(short))
    assert own is not None
    assert parent is not None
    assert parent.expires_at is not None
    assert own.expires_at is not None
    assert parent.expires_at - 1000 < own.expires_at <= parent.expires_at
    assert wrong_fields(create(short, scopes=["events:read"], expiresIn=DAY + 1)) == {"body.expiresIn"}


def test_a_parent_that_has_ended_makes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """API Gateway may have kept the authorizer's answer for up to a minute."""
    context = authorized(issue(scopes=["*"], expiresInDays=1)["token"])
    assert context is not None
    monkeypatch.setattr("functions.create_token.app.now_ms", lambda: now_ms() + DAY * 1000)
    monkeypatch.setattr("tests.support.call.authorized", lambda _: context)

    answer = create("kept")

    assert (answer.status, answer.error["code"]) == (401, "unauthenticated")


# --- listing and revoking ---------------------------------------------------------------------------------------------


def test_a_list_has_every_token_of_the_tenant_alone(manager: str) -> None:
    theirs = issue("globex")["token"]
    made = [create(manager, name=f"Agent {number}").data["id"] for number in range(5)]
    create(theirs)

    pages: list[list[str]] = []
    cursor = ""
    while True:
        answer = call("GET", f"/tokens?limit=2{cursor}", token=manager)
        pages.append([item["id"] for item in answer.data])
        if not answer.body["pagination"]["hasMore"]:
            break
        cursor = f"&cursor={answer.body['pagination']['nextCursor']}"

    found = [token_id for page in pages for token_id in page]
    assert [len(page) for page in pages] == [2, 2, 2]
    assert found == sorted([*made, id_of(manager)], reverse=True)
    foreign = call("GET", f"/tokens?limit=2{cursor}", token=theirs)
    assert (foreign.status, foreign.error["code"]) == (400, "invalid_cursor")


def test_revoking_a_token_ends_those_it_made(manager: str) -> None:
    other = issue()["token"]
    made, kept = create(manager).data, create(other).data

    answer = call("DELETE", f"/tokens/{id_of(manager)}", token=other)

    assert (answer.status, answer.data) == (200, {"id": id_of(manager), "deleted": True})
    assert authorized(manager) is None
    assert authorized(made["token"]) is None
    assert authorized(kept["token"]) is not None
    shown = listed(other)
    assert {key: item["valid"] for key, item in shown.items()} == {
        id_of(manager): False,
        made["id"]: False,
        id_of(other): True,
        kept["id"]: True,
    }
    assert shown[made["id"]]["revokedAt"] == shown[id_of(manager)]["revokedAt"]


def test_the_operators_command_ends_them_too(manager: str) -> None:
    made = create(manager).data

    manage(action="revoke", id=id_of(manager))

    assert authorized(made["token"]) is None
    assert [token["valid"] for token in manage(action="list", tenant="acme")["tokens"]] == [False, False]


def test_revoking_a_made_token_leaves_its_parent(manager: str) -> None:
    made, sibling = create(manager).data, create(manager).data

    for _ in range(2):
        assert call("DELETE", f"/tokens/{made['id']}", token=manager).status == 200

    assert authorized(made["token"]) is None
    assert authorized(manager) is not None
    assert authorized(sibling["token"]) is not None


def test_a_parent_that_is_not_kept_has_ended(manager: str) -> None:
    made, other = create(manager).data, issue()["token"]
    aws.dynamodb().delete_item(TableName="TokensTable", Key={"id": {"S": id_of(manager)}})

    assert authorized(made["token"]) is None
    assert listed(other)[made["id"]]["valid"] is False


def test_a_token_made_while_its_parent_is_revoked_never_works(manager: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """API Gateway lets the parent in for up to a minute more; what it makes then is dead from the start."""
    context = authorized(manager)
    manage(action="revoke", id=id_of(manager))
    with monkeypatch.context() as patched:
        patched.setattr("tests.support.call.authorized", lambda _: context)
        late = create(manager)

    assert late.status == 201
    assert authorized(late.data["token"]) is None


def test_whatever_the_race_no_descendant_survives(manager: str) -> None:
    other, context = issue()["token"], authorized(manager)
    assert context is not None

    def make(number: int) -> str | None:
        if number == 10:
            assert call("DELETE", f"/tokens/{id_of(manager)}", token=other).status == 200
            return None
        return delegated(context, number)

    with ThreadPoolExecutor(8) as pool:
        made = [token for token in pool.map(make, range(40)) if token]

    assert len(made) == 39
    assert [token for token in made if authorized(token)] == []
    shown = call("GET", "/tokens?limit=100", token=other).data
    assert [item["valid"] for item in shown if item.get("parent") == id_of(manager)] == [False] * 39


def delegated(context: dict[str, str], number: int) -> str:
    """A token made by the service behind the route: a handler of a function takes one request at a time."""
    caller = caller_of({"requestContext": {"authorizer": context}})
    return delegate(caller, NewToken(f"Agent {number}", ("events:read",), Limits()), now=now_ms()).token


def test_another_tenants_token_cannot_be_revoked(manager: str) -> None:
    theirs = issue("globex")["token"]
    before = rows()

    for token_id in (id_of(theirs), new_id("tok", 1), "tok_x", "x"):
        answer = call("DELETE", f"/tokens/{token_id}", token=manager)
        assert (answer.status, answer.error["code"]) == (404, "token_not_found")

    assert rows() == before
    assert authorized(theirs) is not None


# --- the operator's commands ------------------------------------------------------------------------------------------


class Administration:
    """The stack's function as `tools.local.tokens` reaches it."""

    def manage(self, **request: object) -> Any:
        return manage(**request)


def test_make_token_limits_a_token() -> None:
    clients: Any = Administration()
    made = tokens.issue(clients, "acme", ["*"], 30, actions=["slack.*", "github.get_*"], read_only=True)

    context = authorized(made)
    assert context is not None
    assert (context["actions"], context["readOnly"]) == ("slack.* github.get_*", "true")
    [shown] = manage(action="list", tenant="acme")["tokens"]
    assert (shown["actions"], shown["readOnly"]) == (["slack.*", "github.get_*"], True)
    assert shown["scopes"] == AGENT_ALL


def test_make_hands_on_the_limits() -> None:
    command = ["make", "-n", "token", "TENANT=acme", "ACTIONS=slack.*,github.get_*"]
    plain, limited = (
        subprocess.run([*command, *more], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for more in ([], ["READONLY=1"])
    )

    assert '--actions "slack.*,github.get_*"' in plain
    assert "--read-only" not in plain
    assert "--read-only" in limited
