"""A protected MCP-like server and its authorization server on 127.0.0.1, as strict as the RFCs, with faults to order.

The resource is `/mcp`: it wants a bearer token that was issued for it and answers JSON. `/authorize` gives consent at
once and redirects. Everything that came in is kept in `requests`.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode, urlsplit

from tests.support import receiver as receivers
from tests.support.receiver import Received, Receiver

Json = dict[str, Any]
Reply = tuple[int, Json | str, dict[str, str]]


@dataclass(frozen=True)
class Seen:
    """One request as it came in; `form` holds its form, query or JSON."""

    method: str
    path: str
    form: Json
    headers: dict[str, str]


@dataclass
class Faults:
    """How the two servers differ from well-behaved ones."""

    challenge: bool = True
    metadata_at: str = "/.well-known/oauth-protected-resource/mcp"
    resource: Json = field(default_factory=dict)
    server: Json = field(default_factory=dict)
    server_at: str = "/.well-known/oauth-authorization-server"
    registration: Reply | None = None
    registered: Json = field(default_factory=dict)
    consent: Callable[[Mapping[str, str]], Mapping[str, str]] = dict
    token: Callable[[Mapping[str, str]], Reply | None] = lambda _: None
    scope: Callable[[str], str] = str  # what is granted of what is asked for
    omit_refresh_token: bool = False
    expires_in: int | None = 3600
    tool: Callable[[str], Reply | None] = lambda _: None
    answers: Mapping[str, Reply] = field(default_factory=dict)  # of whole paths


def came_back(location: str) -> dict[str, str]:
    """The query of a redirect to our callback, and under `at` the path below our base URL."""
    parts = urlsplit(location)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return {"at": parts.path[parts.path.index("/integrations/") :], **query}


class Authority:
    """Both servers; `faults` may be changed at any time."""

    def __init__(self, receiver: Receiver) -> None:
        self.faults = Faults()
        self.requests: list[Seen] = []
        self.clients: dict[str, Json] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.access: dict[str, str] = {}
        self.refresh: dict[str, str] = {}
        self.scopes: dict[str, str] = {}  # of access and refresh tokens
        self.behind: Callable[[Seen], Reply] | None = None
        self._lock = threading.Lock()
        self.receiver = receiver
        self.url = receiver.url
        self.mcp = f"{self.url}/mcp"
        receiver.answer = self._serve

    def _serve(self, request: Received) -> receivers.Reply:
        path, _, query = request.path.partition("?")
        is_json = "json" in request.headers.get("content-type", "")
        form = request.json if is_json else dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        seen = Seen(request.method, path, {**dict(parse_qsl(query)), **form}, request.headers)
        with self._lock:
            self.requests.append(seen)
        status, answer, extra = self._answer(seen)
        text = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
        return receivers.Reply(status, text, {"Content-Type": "application/json", **extra})

    # --- what tests ask ----------------------------------------------------------------------------------------------

    def seen(self, path: str, **form: str) -> list[Seen]:
        """The requests to a path whose form has these values."""
        return [one for one in self.requests if one.path == path and form.items() <= one.form.items()]

    def consent(self, auth_url: str) -> dict[str, str]:
        """What a browser brings back after visiting `auth_url`, and under `at` the path that it comes to."""
        status, answer, headers = self._answer(Seen("GET", "/authorize", dict(parse_qsl(urlsplit(auth_url).query)), {}))
        assert status == 302, answer
        return came_back(headers["Location"])

    # --- the servers -------------------------------------------------------------------------------------------------

    def _answer(self, seen: Seen) -> Reply:
        if fault := self.faults.answers.get(seen.path):
            return fault
        match seen.path:
            case "/mcp":
                return self._resource(seen)
            case "/authorize":
                return self._authorize(seen.form)
            case "/token":
                return self.faults.token(seen.form) or self._token(seen)
            case "/register":
                return self.faults.registration or self._register(seen.form)
            case "/revoke":
                return self._revoke(seen.form)
            case self.faults.metadata_at:
                document = {"resource": self.mcp, "authorization_servers": [self.url], "scopes_supported": ["tools"]}
                return 200, {**document, **self.faults.resource}, {}
            case self.faults.server_at:
                return 200, self._description(), {}
            case _:
                return 404, {"error": "not_found"}, {}

    def _description(self) -> Json:
        document = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "registration_endpoint": f"{self.url}/register",
            "revocation_endpoint": f"{self.url}/revoke",
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
            "authorization_response_iss_parameter_supported": True,
            "scopes_supported": ["tools", "offline_access"],
        }
        return {name: value for name, value in {**document, **self.faults.server}.items() if value is not None}

    def _resource(self, seen: Seen) -> Reply:
        token = seen.headers.get("authorization", "").removeprefix("Bearer ")
        if fault := self.faults.tool(token):
            return fault
        if self.access.get(token) != self.mcp:
            where = f', resource_metadata="{self.url}{self.faults.metadata_at}"' if self.faults.challenge else ""
            return 401, {"error": "invalid_token"}, {"WWW-Authenticate": f'Bearer realm="mcp"{where}'}
        if self.behind:
            return self.behind(seen)
        return 200, {"said": seen.form.get("say"), "with": token}, {}

    def _register(self, form: Json) -> Reply:
        for name in ("client_name", "grant_types", "redirect_uris", "application_type"):
            if not form.get(name):
                return 400, {"error": "invalid_client_metadata"}, {}
        client_id = f"client-{len(self.clients) + 1}"
        self.clients[client_id] = {**form, "client_id": client_id, **self.faults.registered}
        return 201, self.clients[client_id], {}

    def _authorize(self, form: Json) -> Reply:
        client = self._client(form["client_id"])
        if client is None or form["redirect_uri"] not in client["redirect_uris"]:
            return 400, {"error": "invalid_request"}, {}
        assert form["response_type"] == "code"
        assert form["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = form
        answer = self.faults.consent({"code": code, "state": form["state"], "iss": self.url})
        return 302, "", {"Location": f"{form['redirect_uri']}?{urlencode(answer)}"}

    def _client(self, client_id: str) -> Json | None:
        if client_id.startswith("https://"):
            base, _, name = client_id.partition("/oauth/clients/")
            return {"redirect_uris": [f"{base}/integrations/oauth/callback/{name.removesuffix('.json')}"]}
        return self.clients.get(client_id)

    def _token(self, seen: Seen) -> Reply:
        form = seen.form
        if not self._authenticated(seen):
            return 401, {"error": "invalid_client"}, {}
        if form["grant_type"] == "refresh_token":
            with self._lock:
                resource = self.refresh.pop(form["refresh_token"], None)
            if resource is None or form["resource"] != resource:
                return 400, {"error": "invalid_grant"}, {}
            time.sleep(0.05)  # long enough for others to come
            return self._issue(resource, self.scopes.get(form["refresh_token"], ""))
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None or any(form[name] != asked[name] for name in ("redirect_uri", "resource", "client_id")):
            return 400, {"error": "invalid_grant"}, {}
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}, {}
        return self._issue(form["resource"], self.faults.scope(asked.get("scope", "")))

    def _authenticated(self, seen: Seen) -> bool:
        basic = seen.headers.get("authorization", "")
        if basic.startswith("Basic "):
            name, _, secret = base64.b64decode(basic[6:]).decode().partition(":")
            client_id, secret = unquote(name), unquote(secret)
            seen.form["client_id"] = client_id
        else:
            client_id, secret = seen.form["client_id"], seen.form.get("client_secret", "")
        client = self._client(client_id)
        return client is not None and secret == client.get("client_secret", "")

    def _issue(self, resource: str, scope: str) -> Reply:
        access, refresh = f"at-{secrets.token_hex(8)}", f"rt-{secrets.token_hex(8)}"
        self.access[access] = resource
        self.scopes |= {access: scope, refresh: scope}
        answer: Json = {"access_token": access, "token_type": "Bearer"}
        if self.faults.expires_in is not None:
            answer["expires_in"] = self.faults.expires_in
        if not self.faults.omit_refresh_token:
            self.refresh[refresh] = resource
            answer["refresh_token"] = refresh
        return 200, answer, {}

    def _revoke(self, form: Json) -> Reply:
        self.refresh.pop(form["token"], None)
        self.access.clear()
        return 200, {}, {}


@contextmanager
def authority() -> Iterator[Authority]:
    """Both servers, listening while the block runs."""
    with receivers.receiving() as receiver:
        yield Authority(receiver)
