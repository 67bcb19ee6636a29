"""Tokens: issued by a function that no route reaches, hashed at rest, and judged by the authorizer."""

import re
from typing import Any

import pytest

from jobsprint.core.clock import now_ms
from jobsprint.core.errors import InvalidFields
from tests.support.call import Context, call, handler
from tests.support.rows import rows
from tests.support.template import resources, routes

ARN = "arn:aws:execute-api:us-east-1:000000000000:api123/v1/GET/integrations"

pytestmark = pytest.mark.usefixtures("aws")


def manage(**event: Any) -> Any:
    return handler("manage_tokens")(event, Context())


def issue(tenant: str = "acme", **more: Any) -> Any:
    return manage(action="issue", tenant=tenant, **more)


def authorize(header: str | None, arn: str = ARN) -> Any:
    event = {"type": "TOKEN", "methodArn": arn} | ({"authorizationToken": header} if header is not None else {})
    return handler("authorize")(event, Context())


def allowed(header: str | None) -> bool:
    [statement] = authorize(header)["policyDocument"]["Statement"]
    return bool(statement["Effect"] == "Allow")


def test_a_token_opens_the_api_for_its_tenant_and_scopes() -> None:
    issued = issue(scopes=["integrations:read", "webhooks:write"])

    answer = authorize(f"Bearer {issued['token']}")

    assert answer["principalId"] == issued["id"]
    assert answer["context"] == {
        "tenant": "acme",
        "scopes": "integrations:read webhooks:write",
        "tokenId": issued["id"],
    }
    [statement] = answer["policyDocument"]["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Action": "execute-api:Invoke",
        "Resource": "arn:aws:execute-api:us-east-1:000000000000:api123/v1/*",
    }


def test_a_token_has_every_scope_by_default_and_no_end() -> None:
    issued = issue()

    assert re.fullmatch(r"jsp_[0-9a-z]{26}_[A-Za-z0-9_-]{43}", issued["token"])
    assert (issued["scopes"], issued["valid"], "expiresAt" in issued) == (["*"], True, False)


def test_the_token_itself_is_not_kept() -> None:
    issued = issue()

    assert issued["token"] not in "\n".join(rows())
    assert issued["token"].split("_", 2)[2] not in "\n".join(rows())
    assert "token" not in manage(action="list", tenant="acme")["tokens"][0]


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Basic dXNlcjpwYXNz",
        "{token}",
        "Bearer {token}x",
        "Bearer x{token}",
        "Bearer {other}",
        "Token {token}",
        "Bearer jsp_" + "0" * 26 + "_" + "a" * 43,
        "Bearer jsp_é",
    ],
)
def test_whatever_is_no_token_is_denied(header: str | None) -> None:
    token = issue()["token"]
    last = "A" if token[-1] != "A" else "B"

    assert not allowed(header and header.format(token=token, other=token[:-1] + last))


@pytest.mark.parametrize("header", ["Bearer {}", "bearer {}", "BEARER {}", "Bearer  {} "])
def test_spellings_of_the_header(header: str) -> None:
    assert allowed(header.format(issue()["token"]))


def test_the_secret_of_one_token_does_not_open_another() -> None:
    mine, theirs = issue()["token"], issue("globex")["token"]

    mixed = theirs[: len("jsp_") + 27] + mine[len("jsp_") + 27 :]

    assert not allowed(f"Bearer {mixed}")


def test_an_expired_token_is_denied(monkeypatch: pytest.MonkeyPatch) -> None:
    issued = issue(expiresInDays=1)
    assert allowed(f"Bearer {issued['token']}")

    monkeypatch.setattr("functions.authorize.app.now_ms", lambda: now_ms() + 86_400_000)
    assert not allowed(f"Bearer {issued['token']}")
    monkeypatch.setattr("functions.manage_tokens.app.now_ms", lambda: now_ms() + 86_400_000)
    assert manage(action="list", tenant="acme")["tokens"][0]["valid"] is False


def test_a_revoked_token_is_denied_and_stays_revoked() -> None:
    issued, other = issue(), issue()

    assert manage(action="revoke", id=issued["id"]) == {"id": issued["id"], "revoked": True}
    first = manage(action="list", tenant="acme")["tokens"]
    assert manage(action="revoke", id=issued["id"])["revoked"] is True

    assert manage(action="list", tenant="acme")["tokens"] == first
    assert {token["id"]: token["valid"] for token in first} == {issued["id"]: False, other["id"]: True}
    assert not allowed(f"Bearer {issued['token']}")
    assert allowed(f"Bearer {other['token']}")


def test_a_tenant_lists_its_own_tokens() -> None:
    mine = issue()
    issue("globex")

    assert [token["id"] for token in manage(action="list", tenant="acme")["tokens"]] == [mine["id"]]
    assert manage(action="list", tenant="nobody") == {"tokens": []}


def test_an_unknown_token_cannot_be_revoked() -> None:
    with pytest.raises(Exception, match="There is no token"):
        manage(action="revoke", id="tok_" + "0" * 26)
    assert rows() == []


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"action": "issue"},
        {"action": "drop", "tenant": "acme"},
        *({"action": "issue", "tenant": tenant} for tenant in ("", "Acme", "a#b", "a b", "-a", "x" * 64, "ä", "a\n")),
        {"action": "issue", "tenant": "acme", "scopes": []},
        {"action": "issue", "tenant": "acme", "scopes": ["everything"]},
        *({"action": "issue", "tenant": "acme", "expiresInDays": days} for days in (0, -1, 3651, "soon", float("nan"))),
        {"action": "issue", "tenant": "acme", "more": 1},
        {"action": "list", "tenant": "a#b"},
        {"action": "revoke"},
    ],
)
def test_what_is_not_understood_raises_and_makes_nothing(event: dict[str, Any]) -> None:
    with pytest.raises(InvalidFields):
        manage(**event)
    assert rows() == []


FORM = resources("AWS::Serverless::Api")["Api"]["Auth"]["Authorizers"]["TokenAuthorizer"]["Identity"]


@pytest.mark.parametrize("header", ["Bearer {}", "bearer {}", "BEARER {}", "Bearer  {} "])
def test_api_gateway_asks_the_authorizer_for_every_spelling_of_a_token(header: str) -> None:
    assert FORM["Header"] == "Authorization"
    for _ in range(20):
        assert re.fullmatch(FORM["ValidationExpression"], header.format(issue()["token"]))


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer x",
        "Basic dXNlcjpwYXNz",
        "{token}",
        "Bearer {token}x",
        "Bearer x{token}",
        "Token {token}",
        "Bearer {token},{token}",
        "Bearer jsp_" + "i" * 26 + "_" + "a" * 43,
        "Bearer jsp_" + "0" * 26 + "_" + "a" * 42,
        "Bearer jsp_" + "0" * 26 + "_" + "é" * 43,
        "Bearer " + "a" * 8000,
    ],
)
def test_what_is_no_token_costs_no_invocation(header: str) -> None:
    header = header.format(token=issue()["token"])
    assert not re.fullmatch(FORM["ValidationExpression"], header)
    assert not allowed(header)


def test_more_than_ten_thousand_tenants_are_no_matter_of_api_gateway() -> None:
    """An account has 10,000 API keys, and CreateApiKey may be called five times a second."""
    assert not resources("AWS::ApiGateway::UsagePlan")
    assert not resources("AWS::ApiGateway::ApiKey")
    assert "usageIdentifierKey" not in authorize(f"Bearer {issue()['token']}")


def test_no_route_reaches_the_administration() -> None:
    assert "manage_tokens" not in routes().values()
    assert call("GET", "/health", tenant=None).data["status"] == "ok"
