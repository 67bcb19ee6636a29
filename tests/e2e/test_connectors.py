"""MCP servers and Zapier's shape on the deployed stack: token, none and OAuth with consent, under enforced IAM."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from tests.e2e.api import Api, eventually
from tests.e2e.local_stack import Stack
from tests.support.authority import Authority
from tests.support.mcp import FakeServer, text_result
from tests.support.receiver import receiving
from tests.support.zapier import SAID, TOKEN, guarded_zapier, managed_tools

SENT = {"channel": "#general", "text": "Hello from Jobsprint!"}


@pytest.fixture
def zapier() -> Iterator[FakeServer]:
    """A server of Zapier's managed shape that wants the connection token."""
    with receiving() as receiver:
        yield FakeServer(receiver, tools=managed_tools(), called=lambda *_: text_result(SAID), token=TOKEN)


@pytest.fixture
def guarded() -> Iterator[Authority]:
    """The same server behind an authorization server of its own."""
    with guarded_zapier() as made:
        yield made


def act(api: Api, integration: str) -> Any:
    return api.data("POST", f"/integrations/{integration}/actions/send_message", {"parameters": SENT})


def test_zapier_by_token_acts_and_logs(stack: Stack, zapier: FakeServer) -> None:
    api = Api.of(stack)
    found = api.data("GET", "/integrations/available?query=slak")
    assert "zapier_slack" in [item["id"] for item in found[:3]]
    connected = api.data(
        "POST",
        "/integrations/zapier_slack/connect",
        {"authType": "token", "token": TOKEN, "serverUrl": zapier.url},
    )
    assert connected["status"] == "connected", connected
    assert act(api, connected["id"])["result"] == SAID
    assert zapier.calls()[-1]["arguments"].items() >= SENT.items()
    [entry] = api.data("GET", f"/integrations/{connected['id']}/logs")
    assert (entry["action"], entry["status"], entry["input"]) == ("send_message", "success", SENT)
    assert api.data("POST", f"/integrations/{connected['id']}/test")["status"] == "healthy"

    zapier.token = "rotated"
    tested = api.data("POST", f"/integrations/{connected['id']}/test")
    assert tested["testResult"]["reason"] == "credential_rejected"
    assert api.data("GET", f"/integrations/{connected['id']}")["status"] == "error"
    api.data("POST", f"/integrations/{connected['id']}/disconnect")


def test_an_mcp_server_without_credentials(stack: Stack, zapier: FakeServer) -> None:
    api = Api.of(stack)
    zapier.token, zapier.era = None, "modern"
    connected = api.data(
        "POST", "/integrations/mcp_server/connect", {"authType": "none", "serverUrl": zapier.url, "name": "Mine"}
    )
    shown = api.data("GET", f"/integrations/{connected['id']}")
    assert "slack_send_message" in [capability["name"] for capability in shown["capabilities"]]


def test_oauth_from_connect_to_action_and_disconnect(stack: Stack, guarded: Authority) -> None:
    api = Api.of(stack)
    begun = api.call(
        "POST",
        "/integrations/zapier_slack/connect",
        {"authType": "oauth", "redirectUrl": "http://localhost:3000/done", "serverUrl": guarded.mcp},
    )
    assert begun.status_code == 201, begun.text
    pending = begun.json()["data"]
    assert (pending["status"], pending["message"]) == ("pending", "Complete the authorization flow")

    came_back = guarded.consent(pending["authUrl"])
    callback = stack.url + came_back.pop("at")
    done = requests.get(callback, params=came_back, allow_redirects=False, timeout=35)
    assert done.status_code == 302, done.text
    told = dict(parse_qsl(urlsplit(done.headers["Location"]).query))
    assert told == {"integrationId": pending["id"], "status": "connected"}
    again = requests.get(callback, params=came_back, allow_redirects=False, timeout=35)
    assert (again.status_code, again.json()["error"]["code"]) == (400, "invalid_state")

    assert act(api, pending["id"])["result"] == SAID
    guarded.access.clear()
    assert act(api, pending["id"])["result"] == SAID, "a refused token is renewed once"
    assert len(guarded.seen("/token", grant_type="refresh_token")) == 1
    api.data("POST", f"/integrations/{pending['id']}/disconnect")
    eventually(lambda: guarded.seen("/revoke"))


def test_an_authorization_that_the_application_confirms(stack: Stack, guarded: Authority) -> None:
    api = Api.of(stack)
    redirect = "http://localhost:3000/done"
    body = {"authType": "oauth", "redirectUrl": redirect, "serverUrl": guarded.mcp, "confirm": True}
    pending = api.call("POST", "/integrations/zapier_slack/connect", body).json()["data"]
    came_back = guarded.consent(pending["authUrl"])
    back = requests.get(stack.url + came_back.pop("at"), params=came_back, allow_redirects=False, timeout=35)
    told = dict(parse_qsl(urlsplit(back.headers["Location"]).query))
    assert (told["integrationId"], told["status"]) == (pending["id"], "pending")
    confirm = f"/integrations/{pending['id']}/confirm"

    wrong = api.call("POST", confirm, {"confirmation": "wrong"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (422, "invalid_confirmation")
    assert api.data("POST", confirm, {"confirmation": told["confirmation"]})["status"] == "connected"

    assert act(api, pending["id"])["result"] == SAID
    api.data("POST", f"/integrations/{pending['id']}/disconnect")
