"""OAuth 2.1 in two invocations against a real authorization server: consent, callback, tokens kept fresh, the end."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from jobsprint import aws as clients
from jobsprint.connectors import calls, registry
from jobsprint.integrations import grants
from jobsprint.store.grants import GrantStore, consent_id
from jobsprint.store.integrations import IntegrationStore
from tests.conftest import forget_settings
from tests.support.authority import Authority, authority
from tests.support.call import Answer, call
from tests.support.rows import rows

APP = "https://your-app.com/callback"
CALLBACK = "https://api.jobsprint.test/v1/integrations/oauth/callback"
DOCUMENT = "https://api.jobsprint.test/v1/oauth/client-metadata.json"


@pytest.fixture
def server(aws: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Authority]:
    """A protected server that is this deployment's Zapier, and a connector that can talk to it."""
    for kind in ("zapier", "mcp"):
        monkeypatch.setitem(registry.CONNECTORS, kind, "tests.support.bearer:Bearer")  # type: ignore[misc]
    with authority() as made:
        monkeypatch.setenv("ZAPIER_MCP_URL", made.mcp)
        forget_settings()
        yield made


def connect(app: str = "zapier_slack", *, tenant: str = "acme", **body: Any) -> Answer:
    given = {"authType": "oauth", "redirectUrl": APP, **body}
    return call("POST", f"/integrations/{app}/connect", tenant=tenant, body=given)


def callback(**query: str) -> Answer:
    return call("GET", f"/integrations/oauth/callback?{urlencode(query)}", tenant=None)


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
    return {"pk": {"S": f"{tenant}#grant"}, "sk": {"S": grants.grant_id(server.mcp)}}


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
    return sorted((item["event"]["S"], json.loads(item["data"]["S"])["id"]) for item in items if "event" in item)


# --- consent ----------------------------------------------------------------------------------------------------------


def test_consent_from_connect_to_action(server: Authority) -> None:
    begun = connect()

    assert begun.status == 201
    assert (begun.data["status"], begun.data["message"]) == ("pending", "Complete the authorization flow")
    assert begun.data["authUrl"].startswith(f"{server.url}/authorize?")
    query = dict(parse_qsl(urlsplit(begun.data["authUrl"]).query))
    assert query["redirect_uri"] == CALLBACK
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


def test_refresh_race(server: Authority) -> None:
    assert connected(server)
