"""Sessions of the portal, through the front door: made, exchanged once, no wider than their maker, and ended."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from jobsprint.core import clock, config
from jobsprint.core.clock import iso_seconds, now_ms
from jobsprint.core.ids import new_id
from jobsprint.core.redaction import MASK, redact_text
from jobsprint.domain.portal import CAPABILITIES, SCOPES_OF
from jobsprint.repositories import api_tokens
from jobsprint.security import portal_sessions
from tests.support.call import Answer, Context, authorized, call, event, handler
from tests.support.portal import ALL, create, exchange, manager, session
from tests.support.rows import connected, rows, subscribed

DAY = 86400
READING = ("portal:sessions", "webhooks:read", "integrations:read", "events:read", "audit:read")

pytestmark = pytest.mark.usefixtures("aws")


def post(token: str, **body: Any) -> Answer:
    return call("POST", "/portal/sessions", token=token, body={"capabilities": ["view"], **body})


def try_exchange(code: Any) -> Answer:
    return call("POST", "/portal/sessions/exchange", tenant=None, body={"code": code})


def refused(answer: Answer) -> dict[str, str]:
    assert answer.status == 422, answer.body
    return {detail["field"]: detail["message"] for detail in answer.error["details"]}


# --- making and exchanging --------------------------------------------------------------------------------------------


def test_a_session_is_made_opened_and_read_again() -> None:
    asked = {
        "capabilities": ["send", "view"],
        "sessionId": "user-17",
        "returnUrl": "https://app.example.com/back",
        "refreshUrl": "http://localhost:3000/again",
        "locale": "pt-BR",
        "theme": "dark",
    }
    before = now_ms()
    made = post(manager(), **asked).data

    assert set(made) == {"id", "url", "expiresAt"}
    assert made["url"].startswith("https://api.jobsprint.test/v1/portal#code=jpc_")
    assert iso_seconds(before + 3_600_000) <= made["expiresAt"] <= iso_seconds(now_ms() + 3_600_000)
    opened = exchange(made["url"].partition("#code=")[2])
    shown = {name: value for name, value in asked.items() if name != "sessionId"}
    assert opened == {**shown, "id": made["id"], "expiresAt": made["expiresAt"], "token": opened["token"]}
    again = call("GET", "/portal/session", token=opened["token"])
    assert again.data == {name: value for name, value in opened.items() if name != "token"}
    context = authorized(opened["token"])
    assert context is not None
    assert (context["tenant"], context["tokenId"], context["capabilities"]) == ("acme", made["id"], "send view")


def test_the_answer_with_the_token_is_kept_by_nobody() -> None:
    code = create(manager(), ["view"])["code"]
    assert try_exchange(code).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("spoil", ["wrong", "used", "lapsed", "no code", "of another session"])
def test_every_code_that_does_not_work_looks_the_same(spoil: str, monkeypatch: pytest.MonkeyPatch) -> None:
    code = create(manager(), ["view"])["code"]
    match spoil:
        case "wrong":
            code = code[:-1] + ("A" if code[-1] != "A" else "B")
        case "used":
            exchange(code)
        case "lapsed":
            later = now_ms() + 120_000
            monkeypatch.setattr("functions.exchange_portal_code.app.now_ms", lambda: later)
        case "no code":
            code = "jpc_x"
        case _:
            code = f"{code[:31]}{create(manager(), ['view'])['code'][31:]}"
    answer = try_exchange(code)

    assert (answer.status, answer.error["code"]) == (401, "portal_code_invalid")
    assert answer.error["message"] == try_exchange("x").error["message"]


def test_a_code_works_for_two_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    code = create(manager(), ["view"])["code"]
    later = now_ms() + 118_000
    monkeypatch.setattr("functions.exchange_portal_code.app.now_ms", lambda: later)
    assert try_exchange(code).status == 200


def test_of_exchanges_at_the_same_time_one_succeeds() -> None:
    code = create(manager(), ["view"])["code"]

    def attempt(_: int) -> str | None:
        try:
            return portal_sessions.exchange(code, now=now_ms())[1]
        except Exception:  # noqa: BLE001 - whatever it is, it gave no token
            return None

    with ThreadPoolExecutor(16) as pool:
        [token] = [token for token in pool.map(attempt, range(32)) if token]
    assert call("GET", "/portal/session", token=token).status == 200


def test_guesses_of_codes_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENANT_BURST", "5")
    monkeypatch.setenv("TENANT_RATE", "1")
    config.settings.cache_clear()
    code = create(manager(), ["view"])["code"]
    answers = [try_exchange("jpc_guess") for _ in range(8)]
    assert [answer.status for answer in answers] == [401] * 5 + [429] * 3
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert try_exchange(code).status == 200


@pytest.mark.parametrize("body", ["{", '{"code": 1}', "{}", '{"code": "x", "more": 1}'])
def test_what_is_no_request_for_an_exchange_is_refused(body: str) -> None:
    assert call("POST", "/portal/sessions/exchange", tenant=None, body=body).status in (400, 422)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"capabilities": []}, "body.capabilities"),
        ({"capabilities": ["view", "fly"]}, "body.capabilities[1]"),
        ({"expiresIn": 299}, "body.expiresIn"),
        ({"expiresIn": 604_801}, "body.expiresIn"),
        ({"sessionId": ""}, "body.sessionId"),
        ({"sessionId": "x" * 201}, "body.sessionId"),
        ({"webhooks": ["wh_01jgzq4x8m7v2c5k9t3w6y0n1p"]}, "body.webhooks[0]"),
        ({"integrations": ["slack"]}, "body.integrations[0]"),
        ({"returnUrl": "javascript:alert(1)"}, "body.returnUrl"),
        ({"returnUrl": "http://example.com/"}, "body.returnUrl"),
        ({"refreshUrl": "https:///path"}, "body.refreshUrl"),
        ({"refreshUrl": "//example.com"}, "body.refreshUrl"),
        ({"refreshUrl": "https://[x"}, "body.refreshUrl"),
        ({"locale": "it"}, "body.locale"),
        ({"theme": "pink"}, "body.theme"),
        ({"more": 1}, "body.more"),
    ],
)
def test_a_wrong_field_is_named(changes: dict[str, Any], field: str) -> None:
    token = manager()
    before = rows()
    assert set(refused(post(token, **changes))) == {field}
    assert rows() == before


@pytest.mark.parametrize("seconds", [300, 604_800])
def test_a_session_lives_as_long_as_is_asked_for(seconds: int) -> None:
    before = now_ms()
    made = create(manager(), ["view"], expiresIn=seconds, sessionId="x" * 200)
    assert iso_seconds(before + seconds * 1000) <= made["expiresAt"] <= iso_seconds(now_ms() + seconds * 1000)


def test_what_is_named_twice_counts_once() -> None:
    wh = subscribed()["id"]
    opened = exchange(create(manager(), ["view", "send", "view"], webhooks=[wh, wh])["code"])
    assert (opened["capabilities"], opened["webhooks"]) == (["view", "send"], [wh])
    reader = manager(*READING)
    assert set(refused(post(reader, capabilities=["view", "view", "act"]))) == {"body.capabilities[2]"}


# --- no wider than its maker ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_a_capability_needs_each_of_its_scopes(capability: Any) -> None:
    for missing in SCOPES_OF[capability]:
        scopes = {"portal:sessions", *(scope for every in SCOPES_OF.values() for scope in every)} - {missing}
        asked = [capability] if capability == "payloads" else ["payloads", capability]
        held = {"webhooks:read", "integrations:read", "events:read"} <= scopes
        place = f"body.capabilities[{asked.index(capability)}]"
        found = refused(post(manager(*sorted(scopes)), capabilities=asked))
        assert missing in found[place]
        assert set(found) == {place} or not held


def test_a_token_that_reads_gives_what_reads() -> None:
    reader = manager(*READING)
    assert session(["view", "payloads"], by=reader)
    for capability in set(CAPABILITIES) - {"view", "payloads"}:
        assert set(refused(post(reader, capabilities=["view", capability]))) == {"body.capabilities[1]"}


def test_a_session_has_the_scopes_of_its_capabilities_alone() -> None:
    context = authorized(session(["send"]))
    assert context is not None
    assert context["scopes"] == "events:publish webhooks:write"


def test_a_session_ends_no_later_than_its_maker(monkeypatch: pytest.MonkeyPatch) -> None:
    short = handler("manage_tokens")({"action": "issue", "tenant": "acme", "expiresInDays": 0.02}, Context())
    assert set(refused(post(short["token"], expiresIn=7200))) == {"body.expiresIn"}
    assert create(short["token"], ["view"])["expiresAt"] <= short["expiresAt"]


@pytest.mark.parametrize("limits", [{"actions": ["slack.*"]}, {"readOnly": True}, {"scopes": ["mcp:tools", "*"]}])
def test_no_token_for_an_agent_makes_sessions(limits: dict[str, Any]) -> None:
    made = handler("manage_tokens")({"action": "issue", "tenant": "acme", **limits}, Context())
    assert "portal:sessions" not in made["scopes"]
    assert post(made["token"]).status == 403
    asked = {"action": "issue", "tenant": "acme", "scopes": ["portal:sessions"], "readOnly": True}
    with pytest.raises(Exception, match="portal:sessions"):
        handler("manage_tokens")(asked, Context())


def test_no_token_that_the_api_makes_makes_sessions() -> None:
    everything = call("POST", "/tokens", token=manager(), body={"name": "n", "scopes": ["*"]}).data
    assert "portal:sessions" not in everything["scopes"]
    named = call("POST", "/tokens", token=manager(), body={"name": "n", "scopes": ["portal:sessions"]})
    assert set(refused(named)) == {"body.scopes"}


def test_a_session_makes_no_session() -> None:
    token = session(ALL)
    assert post(token).error["code"] == "missing_capability"
    assert call("DELETE", "/portal/sessions?sessionId=x", token=token).error["code"] == "missing_capability"


# --- tokens of a session ----------------------------------------------------------------------------------------------


def make_token(token: str, **body: Any) -> Answer:
    return call("POST", "/tokens", token=token, body={"name": "Agent", "scopes": ["webhooks:read"], **body})


def test_a_token_of_a_session_is_no_wider_and_lives_no_longer() -> None:
    wh = subscribed()["id"]
    subscribed()
    made = create(manager(), ["view", "agents"], expiresIn=600, webhooks=[wh])
    token = exchange(made["code"])["token"]
    for scopes in (["webhooks:write"], ["*"], ["tokens:manage"], ["portal:sessions"], ["mcp:tools"]):
        assert set(refused(make_token(token, scopes=scopes))) == {"body.scopes"}
    assert set(refused(make_token(token, expiresIn=601))) == {"body.expiresIn"}
    agent = make_token(token).data
    assert agent["expiresAt"] <= made["expiresAt"]
    assert agent["parent"] == made["id"]
    assert [hook["id"] for hook in call("GET", "/integrations/webhooks", token=agent["token"]).data] == [wh]
    assert call("GET", "/portal/session", token=agent["token"]).status == 403
    assert make_token(agent["token"]).status == 403


def test_a_session_knows_of_its_own_tokens_alone() -> None:
    operator = manager()
    by_operator = make_token(operator).data["id"]
    token, other = session(["agents", "view"], by=operator), session(["agents", "view"], by=operator)
    own, theirs = make_token(token).data["id"], make_token(other).data["id"]
    assert [row["id"] for row in call("GET", "/tokens", token=token).data] == [own]
    for token_id in (by_operator, theirs, f"tok_{operator.split('_')[1]}"):
        assert call("DELETE", f"/tokens/{token_id}", token=token).status == 404
    assert call("DELETE", f"/tokens/{own}", token=token).status == 200
    assert {by_operator, own, theirs} < {row["id"] for row in call("GET", "/tokens", token=operator).data}


def test_what_a_session_made_ends_with_it() -> None:
    operator = manager()
    made = create(operator, ["view", "agents"])
    token = exchange(made["code"])["token"]
    agent = make_token(token).data
    assert authorized(agent["token"])
    call("DELETE", f"/portal/sessions/{made['id']}", token=operator)
    assert authorized(agent["token"]) is None
    [row] = [row for row in call("GET", "/tokens", token=operator).data if row["id"] == agent["id"]]
    assert not row["valid"]


# --- ending -----------------------------------------------------------------------------------------------------------


def test_sessions_end_with_the_token_that_made_them() -> None:
    operator = manager()
    opened, waiting = session(["view", "agents"], by=operator), create(operator, ["view"])["code"]
    agent = make_token(opened).data["token"]
    handler("manage_tokens")({"action": "revoke", "id": f"tok_{operator.split('_')[1]}"}, Context())
    assert authorized(opened) is None
    assert authorized(agent) is None
    assert try_exchange(waiting).error["code"] == "portal_code_invalid"


def test_a_session_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    token = session(["view"], expiresIn=300)
    real = clock.now_ms
    monkeypatch.setattr("functions.authorize.app.now_ms", lambda: real() + 299_000)
    assert authorized(token)
    monkeypatch.setattr("functions.authorize.app.now_ms", lambda: real() + 300_000)
    assert authorized(token) is None


def test_a_session_is_ended_by_its_maker_or_itself() -> None:
    operator = manager()
    made, other = create(operator, ["view"]), create(operator, ["view"])
    token = exchange(made["code"])["token"]
    assert call("DELETE", f"/portal/sessions/{other['id']}", token=token).status == 404
    for by in (token, operator, operator):
        answer = call("DELETE", f"/portal/sessions/{made['id']}", token=by)
        assert answer.data == {"id": made["id"], "deleted": True}
        assert authorized(token) is None
    assert authorized(exchange(other["code"])["token"])


def test_a_session_that_was_ended_is_not_opened() -> None:
    operator = manager()
    made = create(operator, ["view"])
    call("DELETE", f"/portal/sessions/{made['id']}", token=operator)
    assert try_exchange(made["code"]).error["code"] == "portal_code_invalid"


def test_the_page_learns_within_the_authorizers_minute_that_its_session_ended() -> None:
    operator = manager()
    made = create(operator, ["view"])
    folder, request = event("GET", "/portal/session", token=exchange(made["code"])["token"])
    call("DELETE", f"/portal/sessions/{made['id']}", token=operator)
    assert handler(folder)(request, Context())["statusCode"] == 401


def test_all_sessions_of_a_name_end_and_later_ones_live() -> None:
    operator = manager()
    token, other, nameless = (
        session(["view", "agents"], by=operator, sessionId="u1"),
        session(["view"], by=operator, sessionId="u2"),
        session(["view"], by=operator),
    )
    waiting = create(operator, ["view"], sessionId="u1")["code"]
    elsewhere = session(["view"], by=manager(tenant="globex"), sessionId="u1")
    agent = make_token(token).data
    answer = call("DELETE", "/portal/sessions?sessionId=u1", token=operator)
    assert answer.data == {"sessionId": "u1", "ended": True}
    assert authorized(token) is None
    assert authorized(agent["token"]) is None
    [row] = [row for row in call("GET", "/tokens", token=operator).data if row["id"] == agent["id"]]
    assert not row["valid"]
    assert try_exchange(waiting).error["code"] == "portal_code_invalid"
    assert all(authorized(lives) for lives in (other, nameless, elsewhere))
    later = session(["view"], by=operator, sessionId="u1")
    assert authorized(later)
    assert call("DELETE", "/portal/sessions?sessionId=u1", token=operator).status == 200
    assert authorized(later) is None


@pytest.mark.parametrize("query", ["", "?sessionId=", f"?sessionId={'x' * 201}", "?sessionId=a&more=1"])
def test_ending_all_needs_a_name(query: str) -> None:
    assert call("DELETE", f"/portal/sessions{query}", token=manager()).status == 422


def test_a_session_of_another_tenant_and_a_token_are_no_sessions_here() -> None:
    theirs = create(manager(tenant="globex"), ["view"])
    operator = manager()
    for an_id in (theirs["id"], f"tok_{operator.split('_')[1]}", new_id("ses", 1), "x"):
        answer = call("DELETE", f"/portal/sessions/{an_id}", token=operator)
        assert (answer.status, answer.error["code"]) == (404, "portal_session_not_found")
    assert call("DELETE", f"/tokens/{theirs['id']}", token=operator).status == 404
    assert call("DELETE", f"/tokens/{create(operator, ['view'])['id']}", token=operator).status == 404
    assert authorized(exchange(theirs["code"])["token"])


# --- what is kept -----------------------------------------------------------------------------------------------------


def test_neither_code_nor_token_is_kept_logged_or_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    operator = manager()
    made = create(operator, ["view"], sessionId="a-name-of-a-person")
    token = exchange(made["code"])["token"]
    try_exchange(made["code"])
    call("GET", "/portal/session", token=token)
    entries = call("GET", "/audit", token=operator).body
    call("DELETE", f"/portal/sessions/{made['id']}", token=token)
    kept = "\n".join([*rows(), *rows("AuditTable"), *rows("LimitsTable"), json.dumps(entries), *capsys.readouterr()])
    for secret in (made["code"], token):
        assert secret not in kept
        assert secret.split("_", 2)[2] not in kept
        assert redact_text(f"see {secret}") != f"see {secret}"
    assert "a-name-of-a-person" not in "\n".join(rows("TokensTable"))


def test_making_and_ending_are_recorded() -> None:
    operator = manager()
    made = create(operator, ["view"], sessionId="u1")
    token = exchange(made["code"])["token"]
    call("DELETE", f"/portal/sessions/{made['id']}", token=token)
    call("DELETE", "/portal/sessions?sessionId=u1", token=operator)
    found = call("GET", "/audit", token=operator).data
    every, ended, created = (entry for entry in found if entry["kind"].startswith("portal."))
    maker = f"tok_{operator.split('_')[1]}"
    assert (created["kind"], created["actor"], created["subject"]) == ("portal.session.create", maker, made["id"])
    # Whom a session is for, is masked.
    assert created["arguments"] == {"capabilities": ["view"], "sessionId": MASK}
    assert (ended["kind"], ended["actor"], ended["subject"]) == ("portal.session.end", made["id"], made["id"])
    assert (every["kind"], every["arguments"]) == ("portal.session.end_all", {"sessionId": MASK})
    assert {entry["outcome"] for entry in (every, ended, created)} == {"succeeded"}


def test_what_is_kept_of_a_session_goes_by_itself() -> None:
    operator = manager()
    made = create(operator, ["view"], expiresIn=300, sessionId="u1")
    call("DELETE", "/portal/sessions?sessionId=u1", token=operator)
    items = [json.loads(row.removeprefix("TokensTable ")) for row in rows("TokensTable")]
    [kept] = [item for item in items if item["id"]["S"] == made["id"]]
    [group] = [item for item in items if item["id"]["S"].startswith("acme#session#")]
    seconds = now_ms() // 1000
    assert seconds + 300 + DAY - 60 <= int(kept["removeAt"]["N"]) <= seconds + 300 + DAY
    assert int(group["removeAt"]["N"]) >= seconds + 7 * DAY
    assert {kept["tenant"]["S"], group["tenant"]["S"]} == {"acme#portal"}
    assert [row.id for row in api_tokens.of_tenant("acme")] == [f"tok_{operator.split('_')[1]}"]


# --- MCP --------------------------------------------------------------------------------------------------------------


def over_mcp(token: str, method: str, **params: Any) -> Answer:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    headers = {"Authorization": f"Bearer {token}", "MCP-Protocol-Version": "2025-11-25"}
    return call("POST", "/mcp", tenant=None, body=body, headers=headers)


def tools(token: str) -> set[str]:
    answer = over_mcp(token, "tools/list")
    assert answer.status == 200, answer.body
    return {tool["name"] for tool in answer.body["result"]["tools"]}


def test_the_mcp_endpoint_refuses_sessions() -> None:
    assert over_mcp(session(ALL), "ping").status == 403


def test_agents_of_a_session_have_its_capabilities() -> None:
    mine = connected("https://hooks.example.com/", name="Mine", actions=[{"name": "send"}])
    connected("https://hooks.example.com/", name="Other", actions=[{"name": "send"}])
    wh = subscribed()["id"]

    def agent(capabilities: list[str], scopes: list[str], **body: Any) -> str:
        made = make_token(session(["payloads", "agents", *capabilities], **body), scopes=["mcp:tools", *scopes])
        return str(made.data["token"])

    assert tools(agent(["act"], [])) == {"mine_send", "other_send"}
    assert tools(agent(["act"], [], integrations=["mine"])) == {"mine_send"}
    assert tools(agent(["act"], [], integrations=[mine])) == {"mine_send"}
    reading = {"webhook_list", "webhook_stats", "webhook_deliveries", "webhook_delivery", "webhook_events"}
    sending = {"webhook_test", "webhook_resend", "webhook_recover"}
    assert tools(agent(["view"], ["webhooks:read"])) == reading
    assert tools(agent(["send"], ["webhooks:write"])) == sending
    assert tools(agent(["webhooks"], ["webhooks:write"])) == set()
    assert tools(agent(["view", "send"], ["webhooks:read", "webhooks:write"], webhooks=[wh])) == set()
    without = make_token(session(["act", "agents"]), scopes=["mcp:tools"])
    assert set(refused(without)) == {"body.scopes"}
    assert make_token(session(["webhooks", "payloads", "agents"]), scopes=["mcp:events"]).status == 201
    restricted = session(["webhooks", "payloads", "agents"], webhooks=[wh])
    assert set(refused(make_token(restricted, scopes=["mcp:events"]))) == {"body.scopes"}
