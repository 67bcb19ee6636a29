"""Finding an authorization server and becoming its client, as MCP's authorization (2026-07-28) has them.

The protected resource (RFC 9728) names its authorization server (RFC 8414, OpenID Connect Discovery), which registers
us (RFC 7591) unless it takes our metadata document. Every request goes through the outbound guard, the addresses found
on the way too. What a server does wrong is raised as UpstreamFailed with a code of its own.
"""

import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from jobsprint.connectors.signed_post import client as outbound_client
from jobsprint.core.errors import UpstreamFailed, UpstreamTimeout
from jobsprint.domain.oauth import (
    AuthorizationServer,
    Client,
    ProtectedResource,
    challenge_field,
    joined_scope,
    plain_issuer,
    registration,
)
from jobsprint.integrations.oauth_client import MAX_BODY, answered, json_object, text_field
from jobsprint.outbound import address_policy
from jobsprint.outbound.client import Request, Response

DISCOVERY_SECONDS = 20.0
"""The whole budget for finding everything and registering: connect has 29 s."""

METHODS = ("none", "client_secret_post", "client_secret_basic")
"""How this service can authenticate at a token endpoint, the best first."""

_REQUEST_SECONDS = 6.0
_MAX_ISSUERS = 10
_MAX_UNIX_TIME = 1e11


class Budget:
    """The time that is left for several requests together."""

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds

    def share(self, of: int) -> "Budget":
        """An equal part of what is left, for the first of so many things to try."""
        return Budget((self._deadline - time.monotonic()) / of)

    def send(self, request: Request) -> Response:
        """The answer, whatever its status. Raises UpstreamFailed `upstream_<kind>` or UpstreamTimeout without one."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise UpstreamTimeout("Finding the authorization server took too long")
        outcome = outbound_client().send(request, timeout=min(left, _REQUEST_SECONDS), max_body=MAX_BODY)
        return answered(outcome)


# --- finding ----------------------------------------------------------------------------------------------------------


def find_resource(server_url: str, budget: Budget) -> ProtectedResource:
    """What `server_url` says about its protection: in its 401, else at its well-known addresses.

    A server that says nothing is one of the first MCP generation (2025-03-26): it is its own authorization server.
    Raises UpstreamFailed `resource_mismatch` where it describes something else.
    """
    challenge = _challenge(server_url, budget)
    scope = challenge_field(challenge or "", "scope")
    named = challenge_field(challenge or "", "resource_metadata")
    document, nowhere = _first_document([named] if named else resource_metadata_urls(server_url), budget)
    if document is not None:
        return _resource(document, server_url, scope)
    if named:
        raise UpstreamFailed("The server's resource metadata cannot be read", code="authorization_not_offered")
    undescribed = challenge is not None and nowhere
    return ProtectedResource(server_url, (_origin(server_url),), scope, undescribed=undescribed)


def find_server(resource: ProtectedResource, issuer: str, budget: Budget) -> AuthorizationServer:
    """The authorization server of an issuer of a resource: as it describes itself, else at the defaults of 2025-03-26.

    Those are taken only where neither side has anything at any metadata address (404): a 401, 403, 429 or 5xx may hide
    a description. Raises UpstreamFailed: `authorization_not_offered` where nothing describes it, `issuer_mismatch`
    where it names another issuer, `pkce_not_supported` without S256.
    """
    document, nowhere = _first_document(server_metadata_urls(issuer), budget)
    if document is not None:
        return server_of(document, issuer)
    if resource.undescribed and nowhere:
        return default_server(issuer)
    raise UpstreamFailed("The server offers no OAuth authorization", code="authorization_not_offered")


def default_server(origin: str) -> AuthorizationServer:
    """An authorization server without metadata (MCP 2025-03-26, Fallbacks for Servers without Metadata Discovery).

    Its clients are public and use PKCE (2.1.1 and 2.3 there); what it does with `iss` is not known.
    """
    return AuthorizationServer(
        issuer=origin,
        authorize_url=_checked(f"{origin}/authorize"),
        token_url=_checked(f"{origin}/token"),
        register_url=f"{origin}/register",
        auth_methods=("none",),
        assumed=True,
    )


def resource_metadata_urls(server_url: str) -> list[str]:
    """Where RFC 9728 (3.1) puts a resource's metadata: the path behind the well-known name, then the root."""
    origin, path = _origin(server_url), _split(server_url).path.rstrip("/")
    root = f"{origin}/.well-known/oauth-protected-resource"
    return [f"{root}{path}", root] if path else [root]


def server_metadata_urls(issuer: str) -> list[str]:
    """Where an issuer describes itself: RFC 8414 (3.1), then OpenID Connect, path behind and before the name."""
    origin, path = _origin(issuer), _split(issuer).path.rstrip("/")
    urls = [f"{origin}/.well-known/{name}{path}" for name in ("oauth-authorization-server", "openid-configuration")]
    return [*urls, f"{origin}{path}/.well-known/openid-configuration"] if path else urls


def server_of(document: Mapping[str, Any], expected: str) -> AuthorizationServer:
    """What a metadata document says, if it is that of the `expected` issuer; raises as `find_server`."""
    issuer = text_field(document, "issuer")
    if plain_issuer(issuer) != plain_issuer(expected):
        raise UpstreamFailed("The authorization server names another issuer than its own", code="issuer_mismatch")
    if "S256" not in _texts(document, "code_challenge_methods_supported"):
        raise UpstreamFailed("The authorization server does not offer PKCE with S256", code="pkce_not_supported")
    authorize, token = text_field(document, "authorization_endpoint"), text_field(document, "token_endpoint")
    if not authorize or not token:
        raise UpstreamFailed("The authorization server names no endpoints", code="authorization_not_offered")
    return AuthorizationServer(
        issuer=issuer,
        authorize_url=_checked(authorize),
        token_url=_checked(token),
        register_url=text_field(document, "registration_endpoint"),
        revoke_url=text_field(document, "revocation_endpoint"),
        # RFC 8414, section 2: what is not said is client_secret_basic.
        auth_methods=_texts(document, "token_endpoint_auth_methods_supported") or ("client_secret_basic",),
        scopes=_texts(document, "scopes_supported"),
        takes_metadata_documents=document.get("client_id_metadata_document_supported") is True,
        sends_iss=document.get("authorization_response_iss_parameter_supported") is True,
    )


def wanted_scope(resource: ProtectedResource, server: AuthorizationServer) -> str:
    """What to ask for: what the resource names, within bounds, and `offline_access` where the server lists it."""
    if "offline_access" not in server.scopes:
        return joined_scope(resource.scope)
    names = joined_scope("offline_access", resource.scope).split()  # first, so that it fits
    return " ".join([*names[1:], names[0]])


def _challenge(server_url: str, budget: Budget) -> str | None:
    """The WWW-Authenticate of a request without a token, None where that is let through: a `ping` changes nothing."""
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    body = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
    answer = budget.send(Request("POST", server_url, headers, body))
    return answer.headers.get("www-authenticate", "") if answer.status == 401 else None


def _resource(document: Mapping[str, Any], server_url: str, scope: str) -> ProtectedResource:
    resource = text_field(document, "resource")
    if not covers(resource, server_url):
        raise UpstreamFailed("The server's metadata describe another resource", code="resource_mismatch")
    issuers = _texts(document, "authorization_servers")
    if not issuers:
        raise UpstreamFailed("The server names no authorization server", code="authorization_not_offered")
    return ProtectedResource(resource, issuers[:_MAX_ISSUERS], scope or " ".join(_texts(document, "scopes_supported")))


def covers(resource: str, server_url: str) -> bool:
    """Whether a resource is the server or a parent of it: same origin, and a path that it lies under."""
    if not resource or _origin(resource) != _origin(server_url):
        return False
    above, path = (_split(url).path.rstrip("/") + "/" for url in (resource, server_url))
    return path.startswith(above)


def _first_document(urls: list[str], budget: Budget) -> tuple[dict[str, Any] | None, bool]:
    """The first JSON object at one of `urls`, None where none has one; and whether all that were asked said 404."""
    nowhere = True
    for url in urls:
        answer = budget.send(Request("GET", url, {"Accept": "application/json"}))
        document = json_object(answer) if answer.status == 200 else None
        if document is not None:
            return document, False
        nowhere = nowhere and answer.status == 404
    return None, nowhere


# --- becoming a client ------------------------------------------------------------------------------------------------


def register(server: AuthorizationServer, redirect_uri: str, scope: str, budget: Budget) -> Client:
    """Register us (RFC 7591). Raises UpstreamFailed `registration_not_offered` or `registration_refused`."""
    if not server.register_url:
        raise UpstreamFailed("The authorization server lets no client register itself", code="registration_not_offered")
    method = next((method for method in METHODS if method in server.auth_methods), "none")
    asked = {**registration(redirect_uri, method), **({"scope": scope} if scope else {})}
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    answer = budget.send(Request("POST", server.register_url, headers, json.dumps(asked).encode()))
    given = json_object(answer) or {}
    client_id = text_field(given, "client_id")
    if server.assumed and answer.status == 404:
        raise UpstreamFailed("The server offers no OAuth authorization", code="authorization_not_offered")
    if answer.status not in (200, 201) or not client_id:
        raise UpstreamFailed(
            f"The authorization server refused to register this service (HTTP {answer.status})",
            code="registration_refused",
        )
    secret = text_field(given, "client_secret")
    granted = text_field(given, "scope")
    return Client(
        id=client_id,
        secret=secret,
        method=_method(given) if secret else "none",
        secret_expires_at=_seconds(given.get("client_secret_expires_at")) * 1000 if secret else 0,
        scope=joined_scope(" ".join(name for name in scope.split() if name in granted.split()), granted) or scope,
    )


def _method(registered: Mapping[str, Any]) -> str:
    """How a client with a secret authenticates: as the server says, whatever was asked; by default RFC 7591, 2."""
    method = text_field(registered, "token_endpoint_auth_method") or "client_secret_basic"
    if method not in METHODS:
        raise UpstreamFailed(
            "The authorization server wants a client authentication that is not supported", code="registration_refused"
        )
    return method


def _seconds(value: object) -> int:
    """A Unix time in seconds; 0, which is never, for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < _MAX_UNIX_TIME:
        return 0
    return int(value)


def _texts(document: Mapping[str, Any], name: str) -> tuple[str, ...]:
    values = document.get(name)
    return tuple(value for value in values if isinstance(value, str)) if isinstance(values, list) else ()


def _checked(url: str) -> str:
    """An endpoint's URL, fit to be shown or called as far as its text says. Raises UpstreamFailed."""
    try:
        return address_policy.check_url(url, address_policy.deployment_policy()).url
    except address_policy.ForbiddenUrl as error:
        raise UpstreamFailed(
            f"The authorization server names a forbidden address: {error}", code="forbidden_url"
        ) from error


def _origin(url: str) -> str:
    parts = _split(url)
    return f"{parts.scheme}://{parts.netloc}"


def _split(url: str) -> SplitResult:
    """The parts of a URL that a server wrote. Raises UpstreamFailed for what is none."""
    try:
        return urlsplit(url)
    except ValueError as error:
        raise UpstreamFailed("The server names an address that is none", code="upstream_malformed_url") from error
