"""The requests of OAuth 2.1 to an authorization server: build its URL for the person, exchange, refresh and revoke.

Each step is a function that is given what it needs and keeps nothing, so a flow can be cut between two invocations
(RFC 7636, 8707, 9207 and 7009). Every request goes through the outbound guard. What a server does wrong is raised as
UpstreamFailed with a code of its own; what it refuses as `Refused`.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from jobsprint.connectors.signed_post import client as outbound_client
from jobsprint.core.clock import now_ms
from jobsprint.core.errors import UpstreamFailed, UpstreamTimeout
from jobsprint.core.redaction import Masker
from jobsprint.core.upstream_json import object_in
from jobsprint.domain.oauth import (
    TOKEN_SECONDS,
    AuthorizationServer,
    Client,
    Refused,
    TokenEndpoint,
    Tokens,
    error_code,
    joined_scope,
)
from jobsprint.outbound.client import Request, Response, TransferFailure

MAX_BODY = 256 * 1024
_REFRESH_AHEAD_MS = 300_000
_REFRESH_AHEAD_SHARE = 0.2
_MAX_TOKEN = 16 * 1024
_MAX_FIELDS = 50
_FORMS = frozenset({"application/x-www-form-urlencoded", "text/plain", ""})
_PRINTABLE = re.compile(r"[\x21-\x7e]+")


def code_challenge(verifier: str) -> str:
    """RFC 7636, 4.2, S256."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def authorization_url(
    server: AuthorizationServer,
    client: Client,
    *,
    redirect_uri: str,
    state: str,
    verifier: str,
    resource: str,
    scope: str,
) -> str:
    """Where the person authorizes us. A query that the endpoint has already is kept (RFC 6749, 3.1)."""
    query = {
        "response_type": "code",
        "client_id": client.id,
        "redirect_uri": redirect_uri,
        "state": state,
        "code_challenge": code_challenge(verifier),
        "code_challenge_method": "S256",
        "resource": resource,
        **({"scope": scope} if scope else {}),
        # OpenID Connect servers hand out refresh tokens only so (OIDC Core, 11).
        **({"prompt": "consent"} if "offline_access" in scope.split() else {}),
    }
    return f"{server.authorize_url}{'&' if '?' in server.authorize_url else '?'}{urlencode(query)}"


# --- tokens -----------------------------------------------------------------------------------------------------------


def exchange(endpoint: TokenEndpoint, *, code: str, verifier: str, redirect_uri: str) -> Tokens:
    """Exchange a code for tokens. Raises Refused, and UpstreamFailed where the endpoint fails."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }
    return _tokens(endpoint, form)


def refresh(endpoint: TokenEndpoint, tokens: Tokens) -> Tokens:
    """New tokens; an answer without a refresh token or a scope keeps the old one. Raises as `exchange`."""
    fresh = _tokens(endpoint, {"grant_type": "refresh_token", "refresh_token": tokens.refresh})
    return Tokens(
        fresh.access, fresh.refresh or tokens.refresh, fresh.scope or tokens.scope, fresh.expires_at, fresh.refresh_at
    )


def revoke(url: str, client: Client, token: str, hint: str) -> bool:
    """End a token (RFC 7009); `hint` is `refresh_token` or `access_token`. False where the server did not do it."""
    try:
        return _post_form(url, client, {"token": token, "token_type_hint": hint}).status == 200
    except UpstreamFailed:
        return False


def _tokens(endpoint: TokenEndpoint, form: Mapping[str, str]) -> Tokens:
    asked_at = now_ms()
    answer = _post_form(endpoint.url, endpoint.client, {**form, "resource": endpoint.resource})
    given = json_object(answer) or _form(answer)
    error = text_field(given, "error")
    if error and answer.status < 500 and answer.status != 429:
        secrets = (*form.values(), endpoint.client.secret)
        raise Refused(error_code(Masker(secrets).text(error)))
    access = text_field(given, "access_token")
    if answer.status != 200 or not _is_token(access) or text_field(given, "token_type").lower() not in ("bearer", ""):
        raise UpstreamFailed(
            f"The token endpoint gave no usable token (HTTP {answer.status})", code="token_endpoint_failed"
        )
    lifetime = _lifetime_ms(given.get("expires_in"))
    expires_at = None if lifetime is None else asked_at + lifetime
    ahead = min(_REFRESH_AHEAD_MS, int((lifetime or 0) * _REFRESH_AHEAD_SHARE))
    refresh_token = text_field(given, "refresh_token")
    return Tokens(
        access=access,
        refresh=refresh_token if len(refresh_token) <= _MAX_TOKEN else "",
        scope=joined_scope(text_field(given, "scope")),
        expires_at=expires_at,
        refresh_at=None if expires_at is None else expires_at - ahead,
    )


def _post_form(url: str, client: Client, form: Mapping[str, str]) -> Response:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    fields = dict(form)
    if client.method == "client_secret_basic":
        pair = f"{quote(client.id, safe='')}:{quote(client.secret, safe='')}"  # RFC 6749, 2.3.1
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        fields["client_id"] = client.id
        if client.method == "client_secret_post":
            fields["client_secret"] = client.secret
    request = Request("POST", url, headers, urlencode(fields).encode())
    return answered(outbound_client().send(request, timeout=TOKEN_SECONDS, max_body=MAX_BODY))


def _is_token(text: str) -> bool:
    # It becomes part of a header.
    return len(text) <= _MAX_TOKEN and _PRINTABLE.fullmatch(text) is not None


def _lifetime_ms(seconds: object) -> int | None:
    """A lifetime as servers write it: a number, or a number as text."""
    if isinstance(seconds, str) and seconds.isdecimal() and len(seconds) < 12:
        seconds = int(seconds)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < 1e11:
        return None
    return int(seconds * 1000)


# --- answers ----------------------------------------------------------------------------------------------------------


def answered(outcome: Response | TransferFailure) -> Response:
    """The response, whatever its status. Raises UpstreamFailed `upstream_<kind>` or UpstreamTimeout without one."""
    if isinstance(outcome, TransferFailure):
        if outcome.kind.startswith("timeout"):
            raise UpstreamTimeout("The authorization server did not answer in time")
        raise UpstreamFailed(f"The upstream could not be reached: {outcome.message}", code=f"upstream_{outcome.kind}")
    return outcome


def json_object(answer: Response) -> dict[str, Any] | None:
    """The JSON object of an answer; None for anything else."""
    return None if answer.truncated else object_in(answer.body, answer.headers.get("content-type", ""))


def _form(answer: Response) -> dict[str, str]:
    """A token answer in form encoding, as servers from before RFC 6749 give it; empty for anything else."""
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if answer.truncated or kind not in _FORMS:
        return {}
    try:
        return dict(parse_qsl(answer.body.decode(errors="replace").strip(), max_num_fields=_MAX_FIELDS))
    except ValueError:
        return {}


def text_field(document: Mapping[str, Any], name: str) -> str:
    """A text in a document; empty where it has none of that name."""
    value = document.get(name)
    return value if isinstance(value, str) else ""
