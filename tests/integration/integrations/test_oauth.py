"""OAuth 2.1 in two invocations against a real authorization server: consent, callback, tokens kept fresh, the end."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from jobsprint.actions import runner, service
from jobsprint.connectors import base
from jobsprint.core import aws as clients
from jobsprint.core.errors import BadRequest
from jobsprint.core.redaction import MASK
from jobsprint.domain.oauth import issuer_hash
from jobsprint.integrations import oauth_client, oauth_discovery, oauth_flow, oauth_grants, oauth_tokens
from jobsprint.outbound import address_policy
from jobsprint.outbound import client as outbound
from jobsprint.repositories.dynamodb import unmarshal_item
from jobsprint.repositories.events import events_of
from jobsprint.repositories.integrations import IntegrationStore
from jobsprint.repositories.oauth import GrantStore, flow_id
from tests.conftest import forget_settings
from tests.support.authority import Authority, Faults
from tests.support.call import Answer, Context, call, handler
from tests.support.call import event as make_event
from tests.support.rows import rows

APP = "https://your-app.com/callback"
BASE = "https://api.jobsprint.test/v1"
NOBODYS = f"/integrations/oauth/callback/{'0' * 32}"


def connect(app: str = "zapier_slack", *, tenant: str = "acme", **body: Any) -> Answer:
    given = {"authType": "oauth", "redirectUrl": APP, **body}
    return call("POST", f"/integrations/{app}/connect", tenant=tenant, body=given)


def callback(at: str = NOBODYS, **query: str) -> Answer:
    return call("GET", f"{at}?{urlencode(query)}", tenant=None)


def callback_of(server: Authority) -> str:
    """Our redirect URI at the server's issuer."""
    return f"{BASE}/integrations/oauth/callback/{issuer_hash(server.url)}"


def outcome(answer: Answer) -> dict[str, str]:
    """What the application is told in the redirect."""
    assert answer.status == 302, answer.body
    assert answer.headers["Location"].startswith(f"{APP}?")
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def connected(server: Authority, app: str = "zapier_slack", *, tenant: str = "acme", **body: Any) -> str:
    """The id of an integration connected with consent."""
    begun = connect(app, tenant=tenant, **body)
    assert begun.data["status"] == "pending", begun.body
    assert outcome(callback(**server.consent(begun.data["authUrl"])))["status"] == "connected"
    return str(begun.data["id"])


def shown(integration_id: str, tenant: str = "acme") -> Any:
    return call("GET", f"/integrations/{integration_id}", tenant=tenant).data


def say(integration_id: str, tenant: str = "acme") -> Answer:
    body = {"parameters": {"text": "hello"}}
    return call("POST", f"/integrations/{integration_id}/actions/say", tenant=tenant, body=body)


def grant_key(server: Authority, tenant: str = "acme") -> dict[str, Any]:
    return {"pk": {"S": f"{tenant}#grant"}, "sk": {"S": oauth_grants.grant_id(server.mcp)}}


def set_times(server: Authority, *, refresh_in: float, expires_in: float) -> None:
    """Moves a grant's times, in seconds from now."""
    now = time.time() * 1000
    clients.dynamodb().update_item(
        TableName="TenantsTable",
        Key=grant_key(server),
        UpdateExpression="SET refreshAt = :r, tokenExpires = :e",
        ExpressionAttributeValues={
            ":r": {"N": str(int(now + refresh_in * 1000))},
            ":e": {"N": str(int(now + expires_in * 1000))},
        },
    )


def published() -> list[tuple[str, str]]:
    items = clients.dynamodb().scan(TableName="EventsTable")["Items"]
    kept = [event for item in items if "event" in item for _, event in events_of("acme", unmarshal_item(item))]
    return sorted((event.name, json.loads(event.data)["id"]) for event in kept)


# --- consent ----------------------------------------------------------------------------------------------------------


def test_consent_from_connect_to_action(server: Authority) -> None:
    begun = connect()

    assert begun.status == 201
    assert (begun.data["status"], begun.data["message"]) == ("pending", "Complete the authorization flow")
    assert begun.data["authUrl"].startswith(f"{server.url}/authorize?")
    query = dict(parse_qsl(urlsplit(begun.data["authUrl"]).query))
    assert query["redirect_uri"] == callback_of(server)
    assert (query["resource"], query["scope"]) == (server.mcp, "tools offline_access")
    assert say(begun.data["id"]).error["code"] == "not_connected"

    back = callback(**server.consent(begun.data["authUrl"]))

    assert outcome(back) == {"integrationId": begun.data["id"], "status": "connected"}
    assert back.headers["Cache-Control"] == "no-store"
    assert [one["name"] for one in shown(begun.data["id"])["capabilities"]] == ["say"]
    done = say(begun.data["id"])
    assert (done.status, done.data["result"]["said"]) == (200, "hello")
    assert server.seen("/token", grant_type="authorization_code", resource=server.mcp)
    assert published() == [("integration.connected", begun.data["id"])]


def test_secrets_stand_in_no_row_and_no_answer(server: Authority) -> None:
    begun = connect()
    brought = server.consent(begun.data["authUrl"])
    waiting = "\n".join(rows())
    callback(**brought)
    say(begun.data["id"])
    kept = "\n".join(rows()) + json.dumps(shown(begun.data["id"])) + json.dumps(say(begun.data["id"]).body)

    assert brought["state"] not in waiting
    assert [secret for secret in [*server.access, *server.refresh, brought["code"]] if secret in kept] == []


def test_the_second_app_of_a_tenant_needs_no_second_consent(server: Authority) -> None:
    first = connected(server)
    before = len(server.requests)

    second = connect("zapier_gmail")

    assert (second.status, second.data["status"]) == (201, "connected")
    assert "authUrl" not in second.data
    assert [one.path for one in server.requests[before:]] == ["/mcp"]  # the real test, and nothing else
    assert say(second.data["id"]).status == say(first).status == 200


def test_another_tenant_gives_its_own_consent_and_has_its_own_client(server: Authority) -> None:
    connected(server)

    connected(server, tenant="globex")

    assert len(server.clients) == 2
    assert len(server.access) == 2


def test_two_apps_whose_consents_cross(server: Authority) -> None:
    first, second = connect(), connect("zapier_gmail")
    brought = [server.consent(begun.data["authUrl"]) for begun in (second, first)]

    told = [outcome(callback(**answer)) for answer in brought]

    assert [one["status"] for one in told] == ["connected", "connected"]
    assert say(first.data["id"]).status == say(second.data["id"]).status == 200


def test_a_client_is_registered_once(server: Authority) -> None:
    connect()
    connect("zapier_gmail")
    connected(server, "mcp_server", serverUrl=server.mcp)

    assert len(server.seen("/register")) == 1
    [client] = server.clients.values()
    assert client["client_name"]
    assert client["grant_types"] == ["authorization_code", "refresh_token"]
    assert (client["application_type"], client["token_endpoint_auth_method"]) == ("web", "none")
    assert client["redirect_uris"] == [callback_of(server)]


def test_a_metadata_document_makes_registration_needless(server: Authority) -> None:
    server.faults.server = {"client_id_metadata_document_supported": True}

    connected(server)

    assert server.seen("/register") == []
    url = f"{BASE}/oauth/clients/{issuer_hash(server.url)}.json"
    assert server.seen("/token", client_id=url)
    document = call("GET", url.removeprefix(BASE), tenant=None)
    assert document.body["client_id"] == url
    assert document.body["redirect_uris"] == [callback_of(server)]
    assert document.body["token_endpoint_auth_method"] == "none"


def test_without_https_nobody_could_read_the_document(server: Authority) -> None:
    server.faults.server = {"client_id_metadata_document_supported": True}
    folder, event = call_event(headers={"Host": "127.0.0.1:4566"})

    answer = json.loads(handler(folder)(event, Context())["body"])["data"]

    query = dict(parse_qsl(urlsplit(answer["authUrl"]).query))
    assert query["redirect_uri"] == callback_of(server).replace(BASE, "http://127.0.0.1:4566/v1")
    assert query["client_id"] == "client-1"


def call_event(**options: Any) -> tuple[str, dict[str, Any]]:
    """A connect as the local emulator hands it over: it names no domain."""
    body = {"authType": "oauth", "redirectUrl": "http://localhost:3000/done"}
    folder, event = make_event("POST", "/integrations/zapier_slack/connect", body=body, **options)
    del event["requestContext"]["domainName"]
    return folder, event


@pytest.mark.parametrize("method", ["client_secret_post", "client_secret_basic"])
def test_a_confidential_client_shows_its_secret(server: Authority, method: str) -> None:
    server.faults.server = {"token_endpoint_auth_methods_supported": [method]}
    server.faults.registered = {"client_secret": "s3cret/+value", "client_secret_expires_at": 0}

    integration_id = connected(server)

    [exchange] = server.seen("/token")
    assert ("client_secret" in exchange.form) == (method == "client_secret_post")
    set_times(server, refresh_in=-1, expires_in=-1)
    assert say(integration_id).status == 200
    assert "s3cret/+value" not in "\n".join(rows())


@pytest.mark.parametrize(
    ("registered", "method"),
    [
        ({"token_endpoint_auth_method": None}, "client_secret_basic"),
        ({"token_endpoint_auth_method": ""}, "client_secret_basic"),
        ({"token_endpoint_auth_method": "client_secret_basic"}, "client_secret_basic"),
        ({"token_endpoint_auth_method": "client_secret_post"}, "client_secret_post"),
        ({"token_endpoint_auth_method": "none"}, "none"),
    ],
)
@pytest.mark.parametrize("offered", [["none"], ["client_secret_post"], None])
def test_a_secret_without_a_method_is_shown_by_basic(
    server: Authority, registered: dict[str, Any], method: str, offered: list[str] | None
) -> None:
    """RFC 7591, 2: what is not said is client_secret_basic, whatever was asked for."""
    server.faults.server = {"token_endpoint_auth_methods_supported": offered}
    secret = "" if method == "none" else "s3cret-value"
    server.faults.registered = {**registered, "client_secret": "s3cret-value"}
    if not secret:
        server.faults.registered["client_secret"] = ""

    connected(server)

    [exchange] = server.seen("/token")
    assert exchange.headers.get("authorization", "").startswith("Basic ") == (method == "client_secret_basic")
    assert exchange.form.get("client_secret", "") == ("s3cret-value" if method == "client_secret_post" else "")


def test_a_client_authentication_that_we_cannot_is_refused(server: Authority) -> None:
    server.faults.registered = {"client_secret": "s", "token_endpoint_auth_method": "private_key_jwt"}

    assert connect().error["code"] == "registration_refused"


@pytest.mark.parametrize("expires", ["1e999", "1e30", "-5", "true", '"soon"', "null", "[]", "0"])
def test_an_end_of_a_client_secret_that_is_none_is_never(server: Authority, expires: str) -> None:
    registered = f'{{"client_id": "c-1", "client_secret": "s3cret", "client_secret_expires_at": {expires}}}'
    server.faults.registration = (201, registered, {})

    assert connect().data["status"] == "pending"
    assert connect("zapier_gmail").data["status"] == "pending"

    assert len(server.seen("/register")) == 1


def test_an_expired_client_secret_is_registered_again(server: Authority) -> None:
    server.faults.server = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    server.faults.registered = {"client_secret": "s3cret-value", "client_secret_expires_at": int(time.time()) + 10}

    connect()
    connect()

    assert len(server.seen("/register")) == 2


def test_a_client_that_is_no_longer_known_is_registered_again(server: Authority) -> None:
    begun = connect()
    brought = server.consent(begun.data["authUrl"])
    server.clients.clear()

    assert outcome(callback(**brought))["error"] == "invalid_client"
    again = connect(begun.data["id"])

    assert again.data["status"] == "pending"
    assert len(server.seen("/register")) == 2


def test_a_client_whose_last_flow_never_came_back_is_registered_again(server: Authority) -> None:
    """A server that lost the registration shows the person an error page, and the browser never returns."""
    begun = connect()
    server.clients.clear()

    again = connect()
    third = connect(begun.data["id"])

    assert len(server.seen("/register")) == 3
    assert outcome(callback(**server.consent(third.data["authUrl"])))["status"] == "connected"
    assert outcome(callback(**server.consent(again.data["authUrl"])))["status"] == "connected"


@pytest.mark.parametrize("denied", [False, True])
def test_a_client_whose_last_flow_came_back_is_used_again(server: Authority, denied: bool) -> None:
    begun = connect()
    brought = server.consent(begun.data["authUrl"])
    callback(**(brought | {"error": "access_denied"} if denied else brought))
    call("POST", f"/integrations/{begun.data['id']}/disconnect")

    assert connected(server)
    assert len(server.seen("/register")) == 1


@pytest.mark.parametrize(("minutes", "registered"), [(9, 1), (11, 2)])
def test_a_flow_of_another_application_may_be_under_way_for_ten_minutes(
    server: Authority, minutes: int, registered: int
) -> None:
    connect()
    [item] = [item for item in clients.dynamodb().scan(TableName="TenantsTable")["Items"] if "openedAt" in item]
    item["openedAt"]["N"] = str(int(item["openedAt"]["N"]) - minutes * 60_000)
    clients.dynamodb().put_item(TableName="TenantsTable", Item=item)

    connect("zapier_gmail")

    assert len(server.seen("/register")) == registered


def test_a_client_that_the_authorization_endpoint_refuses_is_registered_again(server: Authority) -> None:
    begun = connect()
    brought = {**server.consent(begun.data["authUrl"]), "error": "unauthorized_client"}

    assert outcome(callback(**brought))["error"] == "unauthorized_client"
    connect("zapier_gmail")

    assert len(server.seen("/register")) == 2


@pytest.mark.parametrize(
    "faults",
    [
        {"challenge": False},
        {"challenge": False, "metadata_at": "/.well-known/oauth-protected-resource"},
        {"challenge": False, "metadata_at": "/nowhere"},  # MCP of 2025-03-26: the server is its own issuer
        {"server_at": "/.well-known/openid-configuration"},
        {"resource": {"resource": "{url}/"}},
    ],
)
def test_every_way_to_be_found(server: Authority, faults: dict[str, Any]) -> None:
    for name, value in faults.items():
        setattr(server.faults, name, value)
    if server.faults.resource:
        server.faults.resource = {"resource": f"{server.url}/"}
        server.faults.tool = lambda token: (200, {}, {}) if server.access.get(token) == f"{server.url}/" else None

    connected(server)


def test_an_issuer_with_a_path(server: Authority) -> None:
    issuer = f"{server.url}/tenants/one"
    server.faults.resource = {"authorization_servers": [issuer]}
    server.faults.server = {"issuer": issuer, "authorization_response_iss_parameter_supported": None}
    server.faults.server_at = "/tenants/one/.well-known/openid-configuration"
    server.faults.consent = lambda answer: {**answer, "iss": issuer}

    connected(server)


def test_authorization_servers_are_tried_in_order(server: Authority) -> None:
    bad = ["http://[bad", "http://127.0.0.1:1", f"{server.url}/nothing", f"{server.url}/lies", f"{server.url}/closed"]
    described = {"authorization_endpoint": f"{server.url}/authorize", "token_endpoint": f"{server.url}/token"}
    pkce = {"code_challenge_methods_supported": ["S256"]}
    server.faults.resource = {"authorization_servers": [*bad, 7, server.url, f"{server.url}/never"]}
    well_known = "/.well-known/oauth-authorization-server"
    server.faults.answers = {
        f"{well_known}/lies": (200, {"issuer": "https://elsewhere.example", **described, **pkce}, {}),
        f"{well_known}/closed": (200, {"issuer": f"{server.url}/closed", **described, **pkce}, {}),  # registers nobody
    }

    connected(server)

    asked = [one.path for one in server.requests if one.path.startswith(well_known)]
    assert asked == [f"{well_known}/nothing", f"{well_known}/lies", f"{well_known}/closed", well_known]


def test_a_silent_authorization_server_leaves_time_for_the_next(
    server: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oauth_discovery, "DISCOVERY_SECONDS", 2.0)
    server.faults.resource = {"authorization_servers": [f"{server.url}/silent", server.url]}
    slow = SlowReply(1.5)
    server.faults.answers = {"/.well-known/oauth-authorization-server/silent": slow}

    connected(server)


class SlowReply(tuple[int, dict[str, Any], dict[str, str]]):
    """A reply of 404 that takes a while."""

    def __new__(cls, seconds: float) -> "SlowReply":
        made = super().__new__(cls, (404, {}, {}))
        made.seconds = seconds
        return made

    seconds: float

    def __iter__(self) -> Iterator[Any]:
        time.sleep(self.seconds)
        return super().__iter__()


def test_of_authorization_servers_that_all_fail_the_first_is_named(server: Authority) -> None:
    server.faults.resource = {"authorization_servers": [server.url, f"{server.url}/nothing"]}
    server.faults.server = {"code_challenge_methods_supported": None}

    answer = connect()

    assert answer.error["code"] == "pkce_not_supported"
    assert rows("TenantsTable") == []


@pytest.mark.parametrize(
    ("resource", "code"),
    [
        ({"authorization_servers": ["http://[bad"]}, "upstream_malformed_url"),
        ({"resource": "http://[bad"}, "upstream_malformed_url"),
        ({"authorization_servers": "https://as.example"}, "authorization_not_offered"),
        ({"authorization_servers": [None, 7]}, "authorization_not_offered"),
    ],
)
def test_addresses_that_are_none(server: Authority, resource: dict[str, Any], code: str) -> None:
    server.faults.resource = resource

    answer = connect()

    assert (answer.status, answer.error["code"]) == (502, code)


@pytest.mark.parametrize(
    "names",
    [["s" * 90] * 2 + [f"scope:{n}:{'x' * 80}" for n in range(500)], ["x" * 300] * 3, [f"s{n}" for n in range(9999)]],
)
def test_long_scopes_are_bounded(server: Authority, names: list[str]) -> None:
    server.faults.resource = {"scopes_supported": names}

    begun = connect()

    query = dict(parse_qsl(urlsplit(begun.data["authUrl"]).query))
    asked = query["scope"].split()
    assert len(query["scope"]) <= 2000
    assert len(asked) <= 50
    assert asked[-1] == "offline_access"
    assert asked[:-1] == list(dict.fromkeys(name for name in names if len(name) <= 100))[: len(asked) - 1]
    assert len(begun.data["authUrl"]) < 4000
    assert outcome(callback(**server.consent(begun.data["authUrl"])))["status"] == "connected"


def test_a_long_scope_of_a_token_is_bounded(server: Authority) -> None:
    long = " ".join(f"scope:{number}:{'x' * 80}" for number in range(2500))

    def token(form: Any) -> Any:
        return 200, {"access_token": "at-1", "token_type": "Bearer", "scope": long, "refresh_token": "r" * 20_000}, {}

    server.faults.token = token
    server.access["at-1"] = server.mcp

    assert say(connected(server)).status == 200


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize("kind", [FORM, f"{FORM}; charset=utf-8", "text/plain", "Application/X-WWW-Form-URLencoded"])
def test_a_token_answer_in_form_encoding(server: Authority, kind: str) -> None:
    """GitHub answers so, among others."""

    def token(form: Any) -> Any:
        answer = {"access_token": "at-1", "token_type": "bearer", "scope": "a b", "expires_in": "100"}
        return 200, urlencode({**answer, "refresh_token": "rt-1"}), {"Content-Type": kind}

    server.faults.token = token
    server.access["at-1"] = server.mcp

    assert say(connected(server)).status == 200
    item = clients.dynamodb().get_item(TableName="TenantsTable", Key=grant_key(server))["Item"]
    assert abs(int(item["tokenExpires"]["N"]) / 1000 - time.time() - 100) < 5


def test_a_refusal_in_form_encoding(server: Authority) -> None:
    refusal = "error=bad_verification_code&error_description=The+code+is+wrong"
    server.faults.token = lambda _: (200, refusal, {"Content-Type": FORM})
    begun = connect()

    assert outcome(callback(**server.consent(begun.data["authUrl"])))["error"] == "bad_verification_code"


@pytest.mark.parametrize(
    ("body", "kind"),
    [("access_token=at-1", "text/html"), ("&".join(["a=b"] * 60) + "&access_token=at-1", FORM), ("%00%ff=;;", FORM)],
)
def test_a_form_that_holds_no_token(server: Authority, body: str, kind: str) -> None:
    server.faults.token = lambda _: (200, body, {"Content-Type": kind})
    begun = connect()

    assert outcome(callback(**server.consent(begun.data["authUrl"])))["error"] == "token_endpoint_failed"


# --- what a connect refuses -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "change", "code"),
    [
        ("server", {"issuer": "https://elsewhere.example"}, "issuer_mismatch"),
        ("server", {"issuer": "{url}//"}, "issuer_mismatch"),
        ("server", {"issuer": "{url}/x"}, "issuer_mismatch"),
        ("server", {"issuer": "{url}?"}, "issuer_mismatch"),
        ("server", {"code_challenge_methods_supported": None}, "pkce_not_supported"),
        ("server", {"code_challenge_methods_supported": ["plain"]}, "pkce_not_supported"),
        ("server", {"registration_endpoint": None}, "registration_not_offered"),
        ("server", {"token_endpoint": None}, "authorization_not_offered"),
        ("server", {"authorization_endpoint": "javascript:alert(1)"}, "forbidden_url"),
        ("server", {"authorization_endpoint": "http://169.254.169.254/a"}, "forbidden_url"),
        ("server", {"registration_endpoint": "http://169.254.169.254/r"}, "upstream_blocked_address"),
        ("resource", {"resource": "https://elsewhere.example/mcp"}, "resource_mismatch"),
        ("resource", {"resource": "{url}/mc"}, "resource_mismatch"),
        ("resource", {"authorization_servers": []}, "authorization_not_offered"),
        ("resource", {"authorization_servers": ["http://169.254.169.254"]}, "upstream_blocked_address"),
    ],
)
def test_servers_that_are_not_trusted(server: Authority, part: str, change: dict[str, Any], code: str) -> None:
    filled = {k: v.replace("{url}", server.url) if isinstance(v, str) else v for k, v in change.items()}
    setattr(server.faults, part, filled)

    answer = connect()

    assert (answer.status, answer.error["code"]) == (502, code)
    assert rows("TenantsTable") == []


@pytest.mark.parametrize(
    ("registration", "code"),
    [
        ((403, {"error": "access_denied"}, {}), "registration_refused"),
        ((429, "slow down", {}), "registration_refused"),
        ((201, "no json", {}), "registration_refused"),
        ((201, {"client_secret": "x"}, {}), "registration_refused"),
    ],
)
def test_a_registration_that_is_refused(server: Authority, registration: Any, code: str) -> None:
    server.faults.registration = registration

    answer = connect()

    assert (answer.status, answer.error["code"]) == (502, code)
    assert rows("TenantsTable") == []


@pytest.mark.parametrize(
    "faults",
    [
        {"tool": lambda _: (200, {}, {})},  # it demands nothing
        {"registration": (404, "", {})},  # nothing is at the defaults either
        {"answers": {"/.well-known/oauth-protected-resource/mcp": (401, {}, {})}},
        {"answers": {"/.well-known/oauth-protected-resource": (503, {}, {})}},
        {"answers": {"/.well-known/oauth-authorization-server": (403, {}, {})}},
        {"answers": {"/.well-known/oauth-authorization-server": (429, {}, {"Retry-After": "5"})}},
        {"answers": {"/.well-known/openid-configuration": (500, {}, {})}},
        {"answers": {"/.well-known/openid-configuration": (200, "<html>", {})}},
    ],
)
def test_a_server_without_oauth(server: Authority, faults: dict[str, Any]) -> None:
    server.faults = Faults(challenge=False, metadata_at="/nowhere", server_at="/nowhere", **faults)

    assert connect().error["code"] == "authorization_not_offered"
    assert rows("TenantsTable") == []


def test_a_server_without_metadata_is_found_at_the_defaults(server: Authority) -> None:
    """MCP 2025-03-26: /authorize, /token and /register at the server's origin, and no `iss`."""
    server.faults = Faults(challenge=False, metadata_at="/nowhere", server_at="/nowhere")
    server.faults.consent = lambda answer: {"code": answer["code"], "state": answer["state"]}

    begun = connect()

    query = dict(parse_qsl(urlsplit(begun.data["authUrl"]).query))
    assert begun.data["authUrl"].startswith(f"{server.url}/authorize?")
    assert (query["code_challenge_method"], query["client_id"]) == ("S256", "client-1")
    assert outcome(callback(**server.consent(begun.data["authUrl"])))["status"] == "connected"
    assert say(begun.data["id"]).status == 200
    set_times(server, refresh_in=-1, expires_in=-1)
    assert say(begun.data["id"]).status == 200
    asked = [one.path for one in server.requests]
    assert asked.index("/register") > max(place for place, path in enumerate(asked) if "well-known" in path)


def test_a_named_authorization_server_has_to_describe_itself(server: Authority) -> None:
    server.faults.server_at = "/nowhere"

    assert connect().error["code"] == "authorization_not_offered"
    assert server.seen("/register") == []


@pytest.mark.parametrize(
    "url",
    [
        "http://your-app.com/callback",
        "https://user@your-app.com/",
        "https://your-app.com\\@evil.example/",
        "https://your-app.com/#part",
        "javascript:alert(1)",
        "//your-app.com/",
        "https://",
        "http://localhost.evil.example/",
        5,
        None,
    ],
)
def test_redirects_that_are_refused(server: Authority, url: Any) -> None:
    answer = connect(redirectUrl=url, name="")

    assert answer.status == 422
    assert {detail["field"] for detail in answer.error["details"]} == {"body.redirectUrl", "body.name"}
    assert server.requests == []


def test_redirects_to_other_origins_are_refused(server: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIRECT_ORIGINS", "https://App.example.com/, https://your-app.com:8443")
    forget_settings()

    assert connect(redirectUrl="https://app.example.com/a?b=c").status == 201
    assert connect(redirectUrl="https://your-app.com:8443/").status == 201
    for url in (APP, "https://app.example.com.evil.example/", "https://app.example.com:8443/", "http://localhost/"):
        answer = connect(redirectUrl=url)
        assert (answer.status, answer.error["details"][0]["field"]) == (422, "body.redirectUrl")


@pytest.mark.parametrize("body", [{"serverUrl": "http://169.254.169.254/"}, {"serverUrl": ""}, {"token": "t"}])
def test_bodies_that_are_refused(server: Authority, body: dict[str, Any]) -> None:
    assert connect("mcp_server", **body).status == 422
    assert rows() == []


def test_an_mcp_server_has_to_be_named(server: Authority) -> None:
    assert connect("mcp_server").error["details"][0]["field"] == "body.serverUrl"


def test_in_aws_nothing_plain_is_called(server: Authority, strict: None) -> None:
    answer = connect()

    assert (answer.status, answer.error["details"][0]["field"]) == (422, "body.serverUrl")
    assert server.requests == []


# --- the callback -----------------------------------------------------------------------------------------------------


def test_a_denied_consent(server: Authority) -> None:
    server.faults.consent = lambda answer: {
        "error": "access_denied", "state": answer["state"], "iss": answer["iss"]
    }  # fmt: skip
    begun = connect()

    back = callback(**server.consent(begun.data["authUrl"]))

    assert outcome(back) == {"integrationId": begun.data["id"], "status": "error", "error": "access_denied"}
    assert shown(begun.data["id"])["status"] == "error"
    assert server.seen("/token") == []
    server.faults.consent = dict
    assert connected(server, begun.data["id"]) == begun.data["id"]


@pytest.mark.parametrize("iss", [None, "", "https://elsewhere.example", "{url}//", "{url}/x", "{URL}", " {url}"])
@pytest.mark.parametrize("denied", [False, True])
def test_an_answer_of_another_issuer(server: Authority, iss: str | None, denied: bool) -> None:
    begun = connect()
    brought = server.consent(begun.data["authUrl"])
    brought.pop("iss")
    if iss is not None:
        brought["iss"] = iss.format(url=server.url, URL=server.url.upper())
    if denied:
        brought = {**brought, "error": "access_denied"}

    assert outcome(callback(**brought))["error"] == "issuer_mismatch"
    assert server.seen("/token") == []


@pytest.mark.parametrize(("named", "described", "sent"), [("", "/", ""), ("/", "", ""), ("", "", "/"), ("/", "/", "")])
def test_a_slash_after_the_host_makes_no_other_issuer(server: Authority, named: str, described: str, sent: str) -> None:
    server.faults.resource = {"authorization_servers": [server.url + named]}
    server.faults.server = {"issuer": server.url + described}
    server.faults.consent = lambda answer: {**answer, "iss": server.url + sent}

    first = connected(server)
    call("POST", f"/integrations/{first}/disconnect")
    server.faults.server = {"issuer": server.url}
    connected(server)

    assert len(server.seen("/register")) == 1


def test_a_code_that_came_to_the_redirect_uri_of_another_issuer(server: Authority) -> None:
    """A mix-up (RFC 9700, 4.4): the person was led on from the issuer that was asked to an honest one."""
    server.faults.server = {"authorization_response_iss_parameter_supported": None}
    server.faults.consent = lambda answer: {"code": answer["code"], "state": answer["state"]}
    for at in (NOBODYS, "/integrations/oauth/callback/x", f"/integrations/oauth/callback/{issuer_hash('https://h')}"):
        begun = connect()
        brought = {**server.consent(begun.data["authUrl"]), "at": at}

        assert outcome(callback(**brought)) == {
            "integrationId": begun.data["id"], "status": "error", "error": "issuer_mismatch"
        }  # fmt: skip
        assert callback(**brought).error["code"] == "invalid_state"
    assert server.seen("/token") == []


def test_a_redirect_uri_and_a_client_for_each_issuer(server: Authority) -> None:
    for issuer in (server.url, f"{server.url}/other"):
        server.faults.resource = {"authorization_servers": [issuer]}
        server.faults.server = {"issuer": issuer}
        server.faults.server_at = f"/.well-known/oauth-authorization-server{issuer.removeprefix(server.url)}"
        assert connect().data["status"] == "pending"

    uris = [client["redirect_uris"] for client in server.clients.values()]
    assert uris == [[f"{BASE}/integrations/oauth/callback/{issuer_hash(issuer)}"] for issuer in (
        server.url, f"{server.url}/other")]  # fmt: skip


@pytest.mark.parametrize("name", ["x.json", f"{'0' * 32}", f"{'0' * 31}.json", f"{'G' * 32}.json", f"{'0' * 33}.json"])
def test_documents_that_are_none(aws: Any, name: str) -> None:
    answer = call("GET", f"/oauth/clients/{name}", tenant=None)

    assert (answer.status, answer.error["code"]) == (404, "not_found")


def test_an_issuer_that_sends_no_iss_need_not(server: Authority) -> None:
    server.faults.server = {"authorization_response_iss_parameter_supported": None}
    server.faults.consent = lambda answer: {"code": answer["code"], "state": answer["state"]}

    connected(server)


def test_an_error_is_handed_on_only_as_a_code(server: Authority) -> None:
    begun = connect()
    brought = server.consent(begun.data["authUrl"])

    back = callback(at=brought["at"], state=brought["state"], error="<script>&x=1", iss=server.url)

    assert outcome(back)["error"] == "authorization_failed"


def test_a_state_is_good_for_one_answer(server: Authority) -> None:
    begun = connect()
    brought = server.consent(begun.data["authUrl"])
    callback(**brought)

    again = callback(**brought)

    assert (again.status, again.error["code"]) == (400, "invalid_state")
    assert "Location" not in again.headers
    assert shown(begun.data["id"])["status"] == "connected"
    assert len(server.seen("/token")) == 1


def test_of_twenty_callbacks_one_is_taken(server: Authority, atomic: None) -> None:
    begun = connect()
    brought = server.consent(begun.data["authUrl"])

    def finish() -> str:
        try:
            at = issuer_hash(server.url)
            return oauth_flow.finish(brought["state"], at=at, code=brought["code"], error=None, iss=brought["iss"])
        except BadRequest as error:
            return error.code

    answers = at_once(finish)

    assert sorted(answer == "invalid_state" for answer in answers) == [False] + [True] * 19
    assert len(server.seen("/token")) == 1
    assert shown(begun.data["id"])["status"] == "connected"


def test_a_state_lasts_ten_minutes(server: Authority) -> None:
    begun = connect()
    brought = server.consent(begun.data["authUrl"])
    key = {"pk": {"S": f"#oauth#{flow_id(brought['state'])}"}, "sk": {"S": "1"}}
    item = clients.dynamodb().get_item(TableName="TenantsTable", Key=key)["Item"]
    assert 595 <= int(item["expiresAt"]["N"]) - time.time() <= 600
    item["expiresAt"] = {"N": str(int(time.time()) - 1)}
    clients.dynamodb().put_item(TableName="TenantsTable", Item=item)

    answer = callback(**brought)

    assert (answer.status, answer.error["code"]) == (400, "invalid_state")
    assert server.seen("/token") == []


@pytest.mark.parametrize("query", [{}, {"state": ""}, {"state": "x" * 5000}, {"code": "a"}, {"state": "\ud800".encode(
    "utf-8", "surrogatepass").decode("latin-1")}])  # fmt: skip
def test_states_that_were_never_given_out(aws: Any, query: dict[str, str]) -> None:
    answer = callback(**query)

    assert (answer.status, answer.error["code"]) == (400, "invalid_state")
    assert "Location" not in answer.headers


def test_a_state_opens_for_its_own_tenant_alone(server: Authority) -> None:
    connected(server, tenant="globex")
    begun = connect()
    brought = server.consent(begun.data["authUrl"])
    clients.dynamodb().update_item(
        TableName="TenantsTable",
        Key={"pk": {"S": f"#oauth#{flow_id(brought['state'])}"}, "sk": {"S": "1"}},
        UpdateExpression="SET tenant = :other",
        ExpressionAttributeValues={":other": {"S": "globex"}},
    )

    assert callback(**brought).error["code"] == "invalid_state"
    assert len(call("GET", "/integrations", tenant="globex").data) == 1
    assert shown(begun.data["id"])["status"] == "pending"


def test_a_code_of_another_flow_is_worth_nothing(server: Authority) -> None:
    mine, theirs = connect(), connect(tenant="globex")
    stolen = server.consent(theirs.data["authUrl"])
    state = server.consent(mine.data["authUrl"])["state"]

    answer = callback(at=stolen["at"], code=stolen["code"], state=state, iss=server.url)

    assert outcome(answer)["error"] == "invalid_grant"
    assert shown(mine.data["id"])["status"] == "error"


@pytest.mark.parametrize("verb", ["disconnect", "delete"])
def test_who_left_meanwhile_is_not_connected(server: Authority, verb: str) -> None:
    begun = connect()
    brought = server.consent(begun.data["authUrl"])
    if verb == "delete":
        call("DELETE", f"/integrations/{begun.data['id']}")
    else:
        call("POST", f"/integrations/{begun.data['id']}/disconnect")

    told = outcome(callback(**brought))

    assert told["error"] == ("integration_not_found" if verb == "delete" else "not_pending")
    assert server.seen("/token") == []


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ((500, "oops", {}), "token_endpoint_failed"),
        ((200, "no json", {}), "token_endpoint_failed"),
        ((200, {"token_type": "Bearer"}, {}), "token_endpoint_failed"),
        ((200, {"access_token": "a b", "token_type": "Bearer"}, {}), "token_endpoint_failed"),
        ((200, {"access_token": "abc", "token_type": "DPoP"}, {}), "token_endpoint_failed"),
        ((302, "", {"Location": "https://elsewhere.example/"}), "token_endpoint_failed"),
        ((400, {"error": "invalid_scope", "error_description": "code-s3cret"}, {}), "invalid_scope"),
    ],
)
def test_an_exchange_that_fails(server: Authority, reply: Any, code: str) -> None:
    server.faults.token = lambda _: reply
    begun = connect()

    told = outcome(callback(**server.consent(begun.data["authUrl"])))

    assert told == {"integrationId": begun.data["id"], "status": "error", "error": code}
    assert GrantStore("acme").find(oauth_grants.grant_id(server.mcp)) is None


def test_a_fault_of_ours_sends_the_person_back_too(server: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = connect()
    brought = server.consent(begun.data["authUrl"])
    with monkeypatch.context() as patch:
        patch.setattr(oauth_grants, "save", lambda *_: 1 / 0)
        told = outcome(callback(**brought))

    assert told["error"] == "internal_error"
    assert shown(begun.data["id"])["status"] == "error"
    assert connected(server, begun.data["id"])


def test_a_consent_outlives_a_server_that_is_down(server: Authority) -> None:
    begun = connect()
    brought = server.consent(begun.data["authUrl"])
    server.faults.tool = lambda _: (503, "down", {})

    assert outcome(callback(**brought))["error"] == "upstream_failed"
    server.faults.tool = lambda _: None
    again = connect(begun.data["id"])

    assert (again.status, again.data["status"]) == (200, "connected")


# --- tokens kept fresh ------------------------------------------------------------------------------------------------


@pytest.fixture
def atomic(server: Authority) -> Iterator[None]:
    """Threads in place of containers: each has its own HTTP client, and moto works one request at a time, as DynamoDB
    does on each item.
    """
    lock, local, made = threading.Lock(), threading.local(), []

    class OneAtATime:
        def __init__(self, client: Any) -> None:
            self._client = client

        def __getattr__(self, name: str) -> Any:
            operation = getattr(self._client, name)

            def locked(**arguments: Any) -> Any:
                with lock:
                    return operation(**arguments)

            return locked

    def client_of_thread() -> outbound.Client:
        if not hasattr(local, "client"):
            local.client = outbound.Client(address_policy.deployment_policy(), user_agent="test")
            made.append(local.client)
        client: outbound.Client = local.client
        return client

    with pytest.MonkeyPatch.context() as patch:
        for name in ("dynamodb", "kms"):
            client = OneAtATime(getattr(clients, name)())
            patch.setattr(clients, name, lambda client=client: client)
        patch.setattr(oauth_client, "outbound_client", client_of_thread)
        yield
    for client in made:
        client.close()


def at_once(work: Any, count: int = 20) -> list[Any]:
    """What `work` gives in so many threads that start together."""
    barrier = threading.Barrier(count)

    def started(_: int) -> Any:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(started, range(count)))


def access(integration_id: str) -> str:
    return oauth_tokens.credentials_for_call(IntegrationStore("acme").get(integration_id)).keys["token"]


@pytest.mark.parametrize("expires_in", [-1, 120], ids=["expired", "ahead"])
def test_twenty_calls_make_one_refresh(server: Authority, atomic: None, expires_in: float) -> None:
    integration_id = connected(server)
    old = access(integration_id)
    set_times(server, refresh_in=-1, expires_in=expires_in)

    tokens = set(at_once(lambda: access(integration_id)))

    assert len(server.seen("/token", grant_type="refresh_token")) == 1
    assert access(integration_id) != old
    assert old not in tokens if expires_in < 0 else tokens <= {old, access(integration_id)}
    assert shown(integration_id)["status"] == "connected"


def test_twenty_refused_calls_make_one_refresh(server: Authority, atomic: None) -> None:
    integration_id = connected(server)
    integration = IntegrationStore("acme").get(integration_id)
    refused = oauth_tokens.credentials_for_call(integration)

    def another() -> str:
        return oauth_tokens.with_another_token(integration, refused).keys["token"]

    tokens = set(at_once(another))

    assert len(server.seen("/token", grant_type="refresh_token")) == 1
    assert len(tokens) == 1
    assert refused.keys["token"] not in tokens


def test_a_token_is_renewed_ahead_of_its_end(server: Authority) -> None:
    server.faults.expires_in = 3600
    connected(server)
    item = clients.dynamodb().get_item(TableName="TenantsTable", Key=grant_key(server))["Item"]

    assert int(item["tokenExpires"]["N"]) - int(item["refreshAt"]["N"]) == 300_000
    assert abs(int(item["tokenExpires"]["N"]) / 1000 - time.time() - 3600) < 5


def test_a_short_token_is_renewed_at_its_last_fifth(server: Authority) -> None:
    server.faults.expires_in = 100
    connected(server)
    item = clients.dynamodb().get_item(TableName="TenantsTable", Key=grant_key(server))["Item"]

    assert int(item["tokenExpires"]["N"]) - int(item["refreshAt"]["N"]) == 20_000


def test_an_answer_without_refresh_token_keeps_the_old_one(server: Authority) -> None:
    integration_id = connected(server)
    [kept] = server.refresh
    server.faults.omit_refresh_token = True
    for _ in range(2):
        server.refresh[kept] = server.mcp
        set_times(server, refresh_in=-1, expires_in=-1)
        assert say(integration_id).status == 200

    assert len(server.seen("/token", grant_type="refresh_token", refresh_token=kept, resource=server.mcp)) == 2


def test_a_crashed_refresher_is_replaced(server: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oauth_tokens, "LOCK_MS", 600)
    integration_id = connected(server)
    set_times(server, refresh_in=-1, expires_in=-1)
    store = GrantStore("acme")
    grant = store.find(oauth_grants.grant_id(server.mcp))
    assert grant
    now = int(time.time() * 1000)
    assert store.lock(grant, "crashed", until=now + 600, now=now)
    started = time.monotonic()

    assert say(integration_id).status == 200

    assert 0.4 < time.monotonic() - started < 3
    assert len(server.seen("/token", grant_type="refresh_token")) == 1


def held_by_another(server: Authority, *, seconds: float) -> None:
    """The token has run out, and somebody who died holds the lock for so long."""
    set_times(server, refresh_in=-1, expires_in=-1)
    store = GrantStore("acme")
    grant = store.find(oauth_grants.grant_id(server.mcp))
    assert grant
    now = int(time.time() * 1000)
    assert store.lock(grant, "crashed", until=now + int(seconds * 1000), now=now)


def test_waiting_for_another_refresher_ends_in_time_for_a_refresh_and_the_call(
    server: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_times(monkeypatch)
    integration_id = connected(server)
    held_by_another(server, seconds=60)
    before, started = len(server.seen("/mcp")), time.monotonic()

    answer = say(integration_id)

    assert (answer.status, answer.error["code"]) == (502, "token_refresh_failed")
    # Of 3.0: 0.8 for a refresh and 0.7 for the call stay free; a busy machine takes the rest.
    assert 1.0 < time.monotonic() - started < 3.0
    assert shown(integration_id)["status"] == "connected"
    assert server.seen("/token", grant_type="refresh_token") == []
    assert len(server.seen("/mcp")) == before


def test_lock_refresh_and_call_together_end_in_time(server: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worst case: a refresher that died, a slow token endpoint, and a server that never answers."""
    short_times(monkeypatch)
    integration_id = connected(server)
    held_by_another(server, seconds=1.2)

    def slow_token(_: Any) -> None:
        time.sleep(0.6)

    server.faults.token = slow_token
    server.faults.tool = lambda _: time.sleep(2) or (200, {}, {})
    started = time.monotonic()

    answer = say(integration_id)

    assert (answer.status, answer.error["code"]) == (504, "upstream_timeout")
    assert 2.7 < time.monotonic() - started < 3.6
    assert len(server.seen("/token", grant_type="refresh_token")) == 1


def test_a_refused_token_is_not_renewed_where_no_time_is_left(
    server: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_times(monkeypatch)
    integration_id = connected(server)
    server.faults.tool = lambda _: time.sleep(1.8) or (401, {}, {})
    started = time.monotonic()

    answer = say(integration_id)

    assert (answer.status, answer.error["code"]) == (502, "token_refresh_failed")
    assert time.monotonic() - started < 3.0
    assert server.seen("/token", grant_type="refresh_token") == []
    assert shown(integration_id)["status"] == "connected"


def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """About an eighth of the real ones."""
    monkeypatch.setattr(service, "ACTION_SECONDS", 3.0)
    monkeypatch.setattr(runner, "LEAST_CALL_SECONDS", 0.7)
    monkeypatch.setattr(oauth_tokens, "TOKEN_SECONDS", 0.8)
    monkeypatch.setattr(oauth_client, "TOKEN_SECONDS", 0.8)
    monkeypatch.setattr(oauth_tokens, "LOCK_MS", 1200)


def test_the_real_times_leave_room_for_a_call() -> None:
    lock = oauth_tokens.LOCK_MS / 1000

    assert lock + base.LEAST_CALL_SECONDS + oauth_client.TOKEN_SECONDS < base.ACTION_SECONDS < 29 - 2
    assert oauth_client.TOKEN_SECONDS + base.TEST_SECONDS < base.ACTION_SECONDS


def test_a_frozen_refresher_cannot_undo_a_newer_one(server: Authority) -> None:
    integration_id = connected(server)
    store = GrantStore("acme")
    stale = store.find(oauth_grants.grant_id(server.mcp))
    assert stale
    set_times(server, refresh_in=-1, expires_in=-1)
    fresh = access(integration_id)

    assert not store.write(replace(stale, version=stale.version + 1))
    assert not store.invalidate(stale)
    assert access(integration_id) == fresh


def test_the_lock_outlives_a_refresh() -> None:
    assert oauth_tokens.LOCK_MS > oauth_client.TOKEN_SECONDS * 1000 + 2000


@pytest.mark.parametrize("reply", [(500, "", {}), (429, {"error": "slow_down"}, {}), (400, "no json", {}), (
    400, {"error": "temporarily_unavailable"}, {})])  # fmt: skip
def test_a_token_endpoint_that_fails_for_a_while(server: Authority, reply: Any) -> None:
    integration_id = connected(server)
    server.faults.token = lambda _: reply

    set_times(server, refresh_in=-1, expires_in=60)
    assert [say(integration_id).status for _ in range(3)] == [200, 200, 200]  # the old token still works
    assert len(server.seen("/token", grant_type="refresh_token")) == 1
    set_times(server, refresh_in=-1, expires_in=-1)
    failed = say(integration_id)
    tested = call("POST", f"/integrations/{integration_id}/test").data["testResult"]

    assert (failed.status, failed.error["code"]) == (502, "token_refresh_failed")
    assert (tested["passed"], tested["reason"]) == (False, "token_refresh_failed")
    assert shown(integration_id)["status"] == "connected"
    server.faults.token = lambda _: None
    assert say(integration_id).status == 200


def test_a_revoked_grant_ends_all_its_integrations_once(server: Authority) -> None:
    ids = {connected(server), str(connect("zapier_gmail").data["id"])}
    other = connected(server, tenant="globex")
    server.refresh.clear()
    set_times(server, refresh_in=-1, expires_in=-1)

    answers = [say(integration_id) for integration_id in [*ids, *ids]]

    assert [(answer.status, answer.error["code"]) for answer in answers] == [(409, "reauth_required")] * 4
    assert len(server.seen("/token", grant_type="refresh_token")) == 1
    for integration_id in ids:
        detail = shown(integration_id)
        assert (detail["status"], detail["health"]["status"], detail["health"]["reason"]) == (
            "error", "unhealthy", "reauth_required"
        )  # fmt: skip
        tested = call("POST", f"/integrations/{integration_id}/test").data["testResult"]
        assert (tested["passed"], tested["reason"]) == (False, "reauth_required")
        assert tested["nextStep"]
    assert sorted(id_ for event, id_ in published() if event == "integration.unhealthy") == sorted(ids)
    assert shown(other, "globex")["status"] == "connected"


def test_one_new_consent_heals_all_of_a_grant(server: Authority) -> None:
    first, second = connected(server), str(connect("zapier_gmail").data["id"])
    server.refresh.clear()
    set_times(server, refresh_in=-1, expires_in=-1)
    say(first)

    connected(server, first)

    assert say(first).status == say(second).status == 200


def test_a_server_that_refuses_a_token_gets_a_new_one_once(server: Authority) -> None:
    integration_id = connected(server)
    old = access(integration_id)
    server.access.clear()
    before = len(server.seen("/mcp"))

    answer = say(integration_id)

    assert answer.status == 200
    assert len(server.seen("/mcp")) - before == 2
    assert len(server.seen("/token", grant_type="refresh_token")) == 1
    assert old not in json.dumps(answer.body)
    assert answer.data["result"]["with"] == MASK


def test_a_server_that_refuses_every_token(server: Authority) -> None:
    integration_id = connected(server)
    server.faults.tool = lambda _: (401, "no", {})

    answer = say(integration_id)

    assert (answer.status, answer.error["code"]) == (502, "upstream_unauthorized")
    assert len(server.seen("/token", grant_type="refresh_token")) == 1


def test_a_test_renews_a_refused_token_too(server: Authority) -> None:
    integration_id = connected(server)
    server.access.clear()

    tested = call("POST", f"/integrations/{integration_id}/test").data["testResult"]

    assert tested["passed"] is True
    assert shown(integration_id)["status"] == "connected"


def test_a_token_without_refresh_token_ends_with_itself(server: Authority) -> None:
    server.faults.omit_refresh_token = True
    integration_id = connected(server)
    assert say(integration_id).status == 200

    server.access.clear()

    assert say(integration_id).error["code"] == "reauth_required"
    assert shown(integration_id)["status"] == "error"


def test_a_token_that_names_no_end_is_used_until_it_is_refused(server: Authority) -> None:
    server.faults.expires_in = None
    integration_id = connected(server)

    assert say(integration_id).status == 200
    assert server.seen("/token", grant_type="refresh_token") == []


# --- the end ----------------------------------------------------------------------------------------------------------


def test_the_last_disconnect_revokes(server: Authority) -> None:
    first, second = connected(server), str(connect("zapier_gmail").data["id"])
    [refresh_token] = server.refresh

    call("POST", f"/integrations/{first}/disconnect")
    assert server.seen("/revoke") == []
    assert say(second).status == 200
    call("POST", f"/integrations/{second}/disconnect")
    call("POST", f"/integrations/{second}/disconnect")

    assert len(server.seen("/revoke", token=refresh_token, token_type_hint="refresh_token")) == 1
    assert not [row for row in rows("TenantsTable") if "#grant" in row]
    assert connect(first).data["status"] == "pending"


@pytest.mark.parametrize("revoke", [None, "http://127.0.0.1:1/revoke"])
def test_a_disconnect_needs_no_revocation(server: Authority, revoke: str | None) -> None:
    server.faults.server = {"revocation_endpoint": revoke}
    integration_id = connected(server)

    assert call("POST", f"/integrations/{integration_id}/disconnect").data["status"] == "disconnected"
    assert not [row for row in rows("TenantsTable") if "#grant" in row]


def test_deleting_what_is_in_error_lets_go_of_the_grant(server: Authority) -> None:
    integration_id = connected(server)
    server.refresh.clear()
    set_times(server, refresh_in=-1, expires_in=-1)
    say(integration_id)

    assert call("DELETE", f"/integrations/{integration_id}").status == 200
    assert not [row for row in rows("TenantsTable") if "#grant" in row]


def test_a_connection_by_token_leaves_the_grant(server: Authority) -> None:
    integration_id = connected(server)
    server.refresh.clear()
    set_times(server, refresh_in=-1, expires_in=-1)
    say(integration_id)
    body = {"authType": "token", "token": "own-token", "serverUrl": server.mcp}

    answer = call("POST", f"/integrations/{integration_id}/connect", body=body)

    assert answer.data["status"] == "connected"
    assert IntegrationStore("acme").get(integration_id).grant is None
    assert not [row for row in rows("TenantsTable") if "#grant" in row]


def test_every_field_that_may_not_change_under_a_grant_is_listed(server: Authority) -> None:
    integration_id = connected(server)

    answer = call("PATCH", f"/integrations/{integration_id}", body={"token": "t", "name": "", "url": server.url})

    assert answer.status == 422
    assert [detail["field"] for detail in answer.error["details"]] == ["body.token", "body.name", "body.url"]


def test_a_connection_by_token_does_not_change_to_oauth(server: Authority) -> None:
    body = {"authType": "token", "token": "t"}
    integration_id = call("POST", "/integrations/zapier_slack/connect", body=body).data["id"]

    answer = call("PATCH", f"/integrations/{integration_id}", body={"authType": "oauth", "redirectUrl": APP})

    assert (answer.status, answer.error["details"][0]["field"]) == (422, "body.authType")


@pytest.mark.parametrize("field", ["serverUrl", "token", "authType", "redirectUrl"])
def test_a_token_never_follows_to_another_server(server: Authority, field: str) -> None:
    integration_id = connected(server)
    before = len(server.requests)

    answer = call("PATCH", f"/integrations/{integration_id}", body={field: f"{server.url}/other"})

    assert (answer.status, answer.error["details"][0]["field"]) == (422, f"body.{field}")
    assert len(server.requests) == before
    assert call("PATCH", f"/integrations/{integration_id}", body={"name": "New"}).data["name"] == "New"
    assert say(integration_id).status == 200
