"""OAuth's parties and what they hand each other, as plain data, and the checks that need nothing else.

Apart from `integrations.oauth_client`, so that code which only reads a token does not load an HTTP client.
"""

import hashlib
import os
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from jobsprint.core.errors import NotFound, UpstreamFailed

CLIENT_NAME = "Jobsprint Integrations"
GRANT_TYPES = ("authorization_code", "refresh_token")
CALLBACK_PATH = "/integrations/oauth/callback"
CLIENT_METADATA_PATH = "/oauth/clients"
"""Where the two OAuth operations of this API are, below its base URL; what follows says for which issuer."""

TOKEN_SECONDS = 8.0
"""The whole budget of one request to a token endpoint. A refresh lock has to outlive it."""

_MAX_SCOPES = 50
_MAX_SCOPE = 2000
_SCOPE_NAME = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,100}")  # RFC 6749, 3.3
_SECRET_MARGIN_MS = 60_000
_HASH_LENGTH = 32
_DOCUMENT = re.compile(rf"([0-9a-f]{{{_HASH_LENGTH}}})\.json")
_ROOT = re.compile(r"(https?://[^/?#]+)/")
_ERROR_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Refused(UpstreamFailed):
    """An authorization server said no, in the words of RFC 6749: `error` is its code, such as `invalid_grant`."""

    def __init__(self, error: str) -> None:
        super().__init__(f"The authorization server refused: {error}", code=error)
        self.error = error


@dataclass(frozen=True)
class ProtectedResource:
    """What is to be accessed: `resource` names it towards the authorization server, `scope` is what it asks for.

    `issuers` are the authorization servers that it names, in its order.
    `undescribed` says that it demands authorization, and that there is nothing at any address where it may describe it.
    """

    resource: str
    issuers: tuple[str, ...]
    scope: str
    undescribed: bool = False


@dataclass(frozen=True)
class AuthorizationServer:
    """An authorization server that described itself and knows S256, or is `assumed` at MCP's default addresses."""

    issuer: str
    authorize_url: str
    token_url: str
    register_url: str = ""
    revoke_url: str = ""
    auth_methods: tuple[str, ...] = ("client_secret_basic",)
    scopes: tuple[str, ...] = ()
    takes_metadata_documents: bool = False
    sends_iss: bool = False
    assumed: bool = False


@dataclass(frozen=True)
class Client:
    """Who we are at one authorization server. `secret_expires_at` in Unix ms, 0 for never; `scope` as registered."""

    id: str
    secret: str = ""
    method: str = "none"
    secret_expires_at: int = 0
    scope: str = ""

    def is_good_for(self, scope: str, now: int) -> bool:
        """Whether it may still be used, and for this scope; `now` in ms."""
        alive = not self.secret_expires_at or now + _SECRET_MARGIN_MS < self.secret_expires_at
        return alive and set(scope.split()) <= set(self.scope.split())


@dataclass(frozen=True)
class TokenEndpoint:
    """Where tokens are asked for, by whom and for what: all that an exchange or a refresh needs."""

    url: str
    client: Client
    resource: str


@dataclass(frozen=True)
class Tokens:
    """A token answer. Times are absolute Unix ms, None where the server named no lifetime."""

    access: str
    refresh: str = ""
    scope: str = ""
    expires_at: int | None = None
    refresh_at: int | None = None


def unguessable() -> str:
    """43 random characters: a state, a verifier (RFC 7636, 4.1), or a confirmation."""
    return urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode()


def plain_issuer(issuer: str) -> str:
    """The issuer as it is compared and hashed: `https://h/` is `https://h`, everything else is itself to the letter."""
    root = _ROOT.fullmatch(issuer)
    return root[1] if root else issuer


def issuer_hash(issuer: str) -> str:
    """The end of our redirect URI and the name of our metadata document at an issuer."""
    return hashlib.sha256(plain_issuer(issuer).encode()).hexdigest()[:_HASH_LENGTH]


def redirect_uri(api_url: str, issuer: str) -> str:
    """Where one issuer alone sends browsers back to, so that a code that arrives there is its own (RFC 9700, 4.4)."""
    return f"{api_url}{CALLBACK_PATH}/{issuer_hash(issuer)}"


def client_id(api_url: str, issuer: str) -> str:
    """The URL of our metadata document at an issuer, which is our client id there."""
    return f"{api_url}{CLIENT_METADATA_PATH}/{issuer_hash(issuer)}.json"


def check_issuer(iss: str | None, *, issuer: str, at: str, required: bool) -> None:
    """The answer is from the server that was asked. Raises UpstreamFailed.

    `at` is the end of the redirect URI that it came to; `iss` is the server's own word (RFC 9207, 2.4), None where it
    gives none, which it may unless it said that it would (`required`).
    """
    is_named = plain_issuer(iss) == plain_issuer(issuer) if iss is not None else not required
    if at != issuer_hash(issuer) or not is_named:
        raise UpstreamFailed("The answer is not from the authorization server that was asked", code="issuer_mismatch")


def challenge_field(challenge: str, name: str) -> str:
    """A parameter of a WWW-Authenticate header (RFC 9110, 11.6.1); empty where it has none."""
    found = re.search(rf'(?:^|[\s,]){name}\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))', challenge, re.IGNORECASE)
    if not found:
        return ""
    return re.sub(r"\\(.)", r"\1", found[1]) if found[1] is not None else found[2]


def joined_scope(*scopes: str) -> str:
    """The names in all these scopes as one scope, each once; what is no name (RFC 6749, 3.3) is left out.

    At most fifty names and 2,000 characters: the scope goes into a URL.
    """
    names = dict.fromkeys(name for scope in scopes for name in scope.split() if _SCOPE_NAME.fullmatch(name))
    joined = " ".join(list(names)[:_MAX_SCOPES])
    return joined if len(joined) <= _MAX_SCOPE else joined[: _MAX_SCOPE + 1].rpartition(" ")[0]


def scope_beyond(wanted: str, given: str) -> str:
    """The names of `wanted` that are not in `given`."""
    has = set(given.split())
    return " ".join(name for name in joined_scope(wanted).split() if name not in has)


def error_code(text: str) -> str:
    """An error code as a server gave it, or `authorization_failed` where it is none: it goes into a URL."""
    return text if _ERROR_CODE.fullmatch(text) else "authorization_failed"


def client_metadata(api_url: str, document: str) -> dict[str, object]:
    """The OAuth Client ID Metadata Document of that name, with the redirect URI of the same issuer. Raises NotFound."""
    found = _DOCUMENT.fullmatch(document)
    if not found:
        raise NotFound("There is no such document")
    uri = f"{api_url}{CALLBACK_PATH}/{found[1]}"
    return {"client_id": f"{api_url}{CLIENT_METADATA_PATH}/{document}", **registration(uri, "none")}


def registration(uri: str, method: str) -> dict[str, object]:
    """How we describe ourselves (RFC 7591, 2): a web application with one redirect URI, authenticated by `method`."""
    return {
        "client_name": CLIENT_NAME,
        "redirect_uris": [uri],
        "grant_types": list(GRANT_TYPES),
        "response_types": ["code"],
        "application_type": "web",
        "token_endpoint_auth_method": method,
    }


# Printable ASCII alone, no user info, no backslash, no fragment: what browsers and parsers read alike.
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[::1\])(?P<port>:[0-9]{1,5})?"
    r"(?P<path>/[^?#\\\"<>^`{|}\s]*)?(?P<query>\?[^#\\\"<>^`{|}\s]*)?",
    re.IGNORECASE | re.ASCII,
)
_LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})
_DEFAULT_PORTS = {"https": ":443", "http": ":80"}


def redirect_origin(url: str) -> str:
    """The origin (`https://app.example.com`) that `url` leads to, as browsers write it.

    Raises ValueError unless it is https, or http to this very machine, and plainly written.
    """
    parts = _URL.fullmatch(url)
    if not parts or not url.isascii() or not url.isprintable():
        raise ValueError("an https URL without user name, fragment or unescaped characters")
    scheme, host, port = parts["scheme"].lower(), parts["host"].lower(), parts["port"] or ""
    if scheme == "http" and host not in _LOCAL:
        raise ValueError("an https URL; plain http is for localhost only")
    return f"{scheme}://{host}{'' if port == _DEFAULT_PORTS[scheme] else port}"


def redirect_back(url: str, answer: Mapping[str, str]) -> str:
    """`url` with `answer` in its query; parameters of these names that it had already are replaced."""
    base, _, query = url.partition("?")
    kept = [pair for pair in query.split("&") if pair and pair.partition("=")[0] not in answer]
    return f"{base}?{'&'.join([*kept, urlencode(answer)])}"
