"""The MCP endpoint: who may call it, and how each revision's messages are read and answered."""

import base64
import json
from typing import Any

import pytest

from jobsprint.core import config
from jobsprint.repositories.integrations import IntegrationStore
from tests.support.mcp_messages import LEGACY, MODERN, legacy, modern, raw, result, token

pytestmark = pytest.mark.usefixtures("aws")
ORIGIN = "https://app.example.com"


def code(answer: Any) -> int:
    return int(answer.body["error"]["code"])


# --- who may call -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent", [None, "jsp_x", "jsp_01m8q8fgmw6n3s4ee2ra7n6dw5_mN9nPmu6G_cPJctyddNXCg4zuRxImv6wYVPgUH8JQS0"]
)
def test_without_a_valid_token_the_answer_says_where_the_metadata_is(sent: str | None) -> None:
    answer = modern("tools/list", token=sent)
    assert answer.status == 401
    url = "https://api.jobsprint.test/v1/.well-known/oauth-protected-resource/mcp"
    assert answer.headers["WWW-Authenticate"] == f'Bearer resource_metadata="{url}"'
    assert answer.body["error"]["data"]["code"] == "unauthenticated"


def test_the_metadata_names_this_resource() -> None:
    answer = raw(None, token=None, method="GET", target="/.well-known/oauth-protected-resource/mcp")
    assert answer.status == 200
    assert answer.body["resource"] == "https://api.jobsprint.test/v1/mcp"
    assert answer.body["scopes_supported"] == ["mcp:tools", "mcp:events"]
    of_tenant = raw(None, token=None, method="GET", target="/.well-known/oauth-protected-resource/mcp/acme")
    assert of_tenant.body["resource"] == "https://api.jobsprint.test/v1/mcp/acme"


def test_a_token_without_the_scope_is_told_which_it_lacks() -> None:
    answer = modern("tools/list", token=token("acme", "events:read"))
    assert answer.status == 403
    assert 'error="insufficient_scope", scope="mcp:tools"' in answer.headers["WWW-Authenticate"]
    assert modern("server/discover", token=token("acme", "events:read")).status == 200


def test_at_the_url_of_a_tenant_only_its_own_tokens_count() -> None:
    assert modern("tools/list", token=token("acme"), target="/mcp/acme").status == 200
    answers = [modern("tools/list", token=token("acme"), target=f"/mcp/{other}") for other in ("globex", "nobody")]
    assert [answer.status for answer in answers] == [403, 403]
    assert answers[0].body == answers[1].body


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_messages_come_by_post_only(method: str) -> None:
    answer = raw(None, token=token(), method=method)
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")


def test_a_page_may_call_only_if_its_origin_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = modern("tools/list", token=token(), headers={"Origin": ORIGIN})
    assert refused.status == 403
    assert "Access-Control-Allow-Origin" not in refused.headers
    monkeypatch.setenv("MCP_ORIGINS", f"https://other.example.com, {ORIGIN}")
    config.settings.cache_clear()
    allowed = modern("tools/list", token=token(), headers={"Origin": ORIGIN})
    assert (allowed.status, allowed.headers["Access-Control-Allow-Origin"]) == (200, ORIGIN)


def test_guesses_of_tokens_are_limited_and_the_right_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENANT_BURST", "5")
    monkeypatch.setenv("TENANT_RATE", "1")
    config.settings.cache_clear()
    right = token()
    answers = [modern("tools/list", token="jsp_guess") for _ in range(8)]
    assert [answer.status for answer in answers] == [401] * 5 + [429] * 3
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert modern("tools/list", token=right).status == 200


# --- the modern form --------------------------------------------------------------------------------------------------


def test_discovery_says_what_the_server_can_do() -> None:
    found = result(modern("server/discover", token=token()))
    assert found["resultType"] == "complete"
    assert found["supportedVersions"] == ["2026-07-28", "2025-11-25", "2025-06-18"]
    assert found["capabilities"]["tools"] == {"listChanged": False}
    assert (found["ttlMs"], found["cacheScope"]) == (3_600_000, "public")
    assert found["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "jobsprint-integrations"
    assert "idempotencyKey" in found["instructions"][:512]
    assert "nextStep" in found["instructions"][:512]


def test_lists_say_how_long_and_for_whom_they_may_be_kept() -> None:
    found = result(modern("tools/list", token=token("acme", "mcp:tools")))
    assert (found["tools"], found["ttlMs"], found["cacheScope"]) == ([], 60_000, "private")


@pytest.mark.parametrize("missing", ["protocolVersion", "clientCapabilities"])
def test_a_request_without_what_meta_has_to_say_is_malformed(missing: str) -> None:
    said = {"protocolVersion": MODERN, "clientCapabilities": {}}
    del said[missing]
    meta = {f"io.modelcontextprotocol/{name}": value for name, value in said.items()}
    body = {"jsonrpc": "2.0", "id": 7, "method": "server/discover", "params": {"_meta": meta}}
    headers = {"MCP-Protocol-Version": MODERN, "Mcp-Method": "server/discover"}
    answer = raw(body, token=token(), headers=headers)
    assert (answer.status, code(answer), answer.body["id"]) == (400, -32602, 7)


@pytest.mark.parametrize(
    "headers",
    [
        {"MCP-Protocol-Version": LEGACY},
        {"Mcp-Method": "tools/list"},
        {"Mcp-Name": "another"},
        {"Mcp-Name": "=?base64?not base64?="},
    ],
)
def test_headers_must_repeat_what_the_body_says(headers: dict[str, str]) -> None:
    answer = modern("tools/call", {"name": "x", "arguments": {}}, token=token(), headers=headers)
    assert (answer.status, code(answer)) == (400, -32020)


def test_a_name_may_come_in_base64() -> None:
    name = base64.b64encode("ünknown".encode()).decode()
    answer = modern("tools/call", {"name": "ünknown"}, token=token(), headers={"Mcp-Name": f"=?base64?{name}?="})
    assert code(answer) == -32602
    assert "Unknown tool" in answer.body["error"]["message"]


def test_an_unknown_version_is_answered_with_those_there_are() -> None:
    meta = {"io.modelcontextprotocol/protocolVersion": "1900-01-01"}
    answer = modern("server/discover", token=token(), meta=meta, headers={"MCP-Protocol-Version": "1900-01-01"})
    assert (answer.status, code(answer)) == (400, -32022)
    assert answer.body["error"]["data"] == {
        "supported": ["2026-07-28", "2025-11-25", "2025-06-18"],
        "requested": "1900-01-01",
    }


@pytest.mark.parametrize("method", ["initialize", "ping", "logging/setLevel", "resources/list", "no/such"])
def test_methods_that_this_revision_or_server_lacks_are_not_found(method: str) -> None:
    answer = modern(method, token=token(), id_="a")
    assert (answer.status, code(answer), answer.body["id"]) == (404, -32601, "a")


# --- earlier revisions ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("asked", "agreed"), [(LEGACY, LEGACY), ("2025-06-18", "2025-06-18"), ("2024-11-05", LEGACY)])
def test_the_handshake_ends_with_a_version_that_both_speak(asked: str, agreed: str) -> None:
    params = {"protocolVersion": asked, "capabilities": {}, "clientInfo": {"name": "old", "version": "1"}}
    answer = raw({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}, token=token())
    found = result(answer)
    assert found["protocolVersion"] == agreed
    assert found["serverInfo"]["name"] == "jobsprint-integrations"
    assert "Mcp-Session-Id" not in answer.headers
    assert "resultType" not in found


def test_what_follows_the_handshake_needs_no_session() -> None:
    told = raw({"jsonrpc": "2.0", "method": "notifications/initialized"}, token=token())
    assert (told.status, told.body) == (202, None)
    assert result(legacy("ping", token=token())) == {}
    agent = token("acme", "mcp:tools")
    assert result(legacy("tools/list", token=agent)) == {"tools": []}
    without_header = raw({"jsonrpc": "2.0", "id": 3, "method": "tools/list"}, token=agent)
    assert result(without_header) == {"tools": []}
    unknown = legacy("no/such", token=token())
    assert (unknown.status, code(unknown)) == (200, -32601)


# --- what cannot be read ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("{", -32700),
        ("[]", -32600),
        ('[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600),
        ('"text"', -32600),
        ('{"id":1,"method":"ping"}', -32600),
        ('{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600),
        ('{"jsonrpc":"2.0","id":true,"method":"ping"}', -32600),
        ('{"jsonrpc":"2.0","id":1,"method":7}', -32600),
        ('{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', -32602),
        ("", -32700),
    ],
)
def test_what_is_no_request_is_refused(body: str, expected: int) -> None:
    answer = raw(body, token=token())
    assert (answer.status, code(answer)) == (400, expected)


def test_bodies_are_json_within_the_limit() -> None:
    assert raw("{}", token=token(), headers={"Content-Type": "text/plain"}).status == 415
    assert raw(json.dumps({"x": "y" * 300_000}), token=token()).status == 413


def test_what_nobody_foresaw_is_an_error_of_the_protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret internals")

    monkeypatch.setattr(IntegrationStore, "page", fails)
    answer = modern("tools/list", token=token(), id_=9)
    assert (answer.status, code(answer), answer.body["id"]) == (500, -32603, 9)
    assert answer.body["error"]["data"]["requestId"] == "req-1"
    assert "secret" not in json.dumps(answer.body)
