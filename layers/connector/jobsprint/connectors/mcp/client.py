"""A client of MCP servers over Streamable HTTP, for both eras of the protocol.

Modern (2026-07-28): every request stands alone and carries its version and capabilities. Handshake (2024-11-05 to
2025-11-25): `initialize`, `notifications/initialized`, then requests within a session where the server gives one.
Which one a server speaks is found once (`Conversation.dialect`) and kept by the caller. A server counts as modern by
its own answer to `server/discover`, as handshake by a successful `initialize`, and by nothing else: a 401, 403, 429,
5xx, a redirect or a broken connection says nothing about its era.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType, TracebackType
from typing import Literal

from jobsprint.connectors import answers, responses
from jobsprint.connectors.mcp.headers import header_value, parameter_headers
from jobsprint.connectors.mcp.stream import EventStream, message_in
from jobsprint.connectors.mcp.tools import MAX_TOOLS, Listing
from jobsprint.connectors.signed_post import MAX_RESULT_BYTES, client
from jobsprint.core import canonical_json
from jobsprint.core.canonical_json import JsonObject, JsonValue
from jobsprint.core.errors import InsufficientScope, UpstreamFailed, UpstreamTimeout, UpstreamUnauthorized
from jobsprint.core.redaction import redact_text
from jobsprint.domain.oauth import challenge_field, joined_scope
from jobsprint.outbound.client import Request, Response, TransferFailure
from jobsprint.security.credentials import Credentials

MODERN = "2026-07-28"
HANDSHAKES = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
MAX_PAGES = 40
MAX_PAGE_BYTES = 16 * 1024 * 1024
_MAX_REASON = 200
_LISTING_RESERVE = 2.0  # seconds left for what comes after a listing that is cut
_GOODBYE_SECONDS = 2.0
_CLIENT: JsonObject = {"name": "jobsprint-integrations", "version": "1.0"}

# JSON-RPC 2.0, section 5.1, and MCP 2026-07-28, basic/versioning.
_INTERNAL_ERROR = -32603
_HEADER_MISMATCH = -32020
_MISSING_CAPABILITY = -32021
_UNSUPPORTED_VERSION = -32022
_INVALID_PARAMS = -32602
_URL_ELICITATION = -32042  # 2025-11-25, elicitation
_NO_SESSION_CODES = (None, -32600, -32000)
_ANY_ERA = frozenset({403, 407, 408, 425})


@dataclass(frozen=True)
class Dialect:
    """The era that a server speaks, and its version of the protocol."""

    era: Literal["modern", "handshake"]
    version: str


class HttpRefused(UpstreamFailed):
    """The server answered with a status that is no success, and no JSON-RPC error says why."""

    def __init__(self, message: str, *, http_status: int, code: str | None = None, unknown: bool = False) -> None:
        super().__init__(message, code=code, unknown=unknown, outage=http_status >= 500)
        self.http_status = http_status


class RpcFailed(UpstreamFailed):
    """The server answered with a JSON-RPC error."""

    def __init__(self, message: str, *, rpc_code: int, data: JsonValue, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.rpc_code = rpc_code
        self.data = data


class _SessionLost(UpstreamFailed):
    """The server does not know the session any more, so it did nothing."""


class Conversation:
    """Requests to one server within one budget of `seconds`; as a context manager, it ends its session at the end.

    `dialect` None is found out with the first request. Every method raises UpstreamUnauthorized, InsufficientScope,
    RateLimited, UpstreamTimeout, HttpRefused, RpcFailed or another UpstreamFailed; only a tool call is ever `unknown`.
    """

    def __init__(
        self,
        credentials: Credentials,
        dialect: Dialect | None,
        *,
        seconds: float,
        trace_headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.dialect = dialect
        self._url = credentials.url
        self._fixed = {**credentials.headers, **trace_headers, "Content-Type": "application/json"}
        self._fixed["Accept"] = "application/json, text/event-stream"
        if token := credentials.keys.get("token"):
            self._fixed["Authorization"] = f"Bearer {token}"
        self._masker = credentials.masker()
        self._deadline = time.monotonic() + seconds
        self._ready = False
        self._session = ""
        self._count = 0

    def __enter__(self) -> "Conversation":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End the session, where there is one; whether the server accepts that does not matter."""
        seconds = min(_GOODBYE_SECONDS, self._left())
        if self._session and seconds > 0:
            headers = {name: value for name, value in self._fixed.items() if name != "Content-Type"}
            request = Request("DELETE", self._url, headers | self._handshake_headers())
            client().send(request, timeout=seconds, max_body=1024)

    def call_tool(self, name: str, arguments: JsonObject, schema: JsonObject, *, acts: bool = True) -> JsonObject:
        """Call a tool and give its result as it came. `schema` says which arguments go into headers too.

        One that `acts` is sent once; of one that only reads nothing is ever unknown.
        """
        headers = {"Mcp-Name": header_value(name), **parameter_headers(schema, arguments)}
        return self._ask("tools/call", {"name": name, "arguments": arguments}, headers, acts=acts)

    def list_tools(self, keep: Callable[[str], bool] = lambda _: True, *, pages: int = MAX_PAGES) -> Listing:
        """The usable tools whose names are wanted, as far as caps and time allow."""
        listing = Listing()
        cursor: JsonValue = None
        seen: set[str] = set()
        for _ in range(pages):
            page = self._ask("tools/list", {} if cursor is None else {"cursor": cursor}, {})
            listing.add(page, keep, modern=self.dialect is not None and self.dialect.era == "modern")
            cursor = page.get("nextCursor")
            if cursor is None:
                return listing
            if not isinstance(cursor, str) or cursor in seen or len(listing.tools) >= MAX_TOOLS:
                break
            if self._left() < _LISTING_RESERVE:
                break
            seen.add(cursor)
        listing.complete = False
        return listing

    def _left(self) -> float:
        return self._deadline - time.monotonic()

    def _ask(self, method: str, params: JsonObject, headers: Mapping[str, str], *, acts: bool = False) -> JsonObject:
        """The result of a request; once more after a lost session or a changed era, when nothing was done yet."""
        for last in (False, True):
            try:
                dialect = self._opened()
                result, _ = self._exchange(dialect, method, params, headers, acts=acts)
            except _SessionLost:
                if last:
                    raise
                self._ready, self._session = False, ""
            except RpcFailed as error:
                if last or error.rpc_code != _UNSUPPORTED_VERSION:
                    raise
                self._ready, self._session, self.dialect = False, "", None
            else:
                return result
        raise AssertionError("the second try returns or raises")

    def _opened(self) -> Dialect:
        if self.dialect is None:
            self.dialect = self._detected()
        elif self.dialect.era == "handshake" and not self._ready:
            self.dialect = self._initialized()
        self._ready = True
        return self.dialect

    def _detected(self) -> Dialect:
        """What the server speaks, the modern era first: it needs one request where the other needs four."""
        modern = Dialect("modern", MODERN)
        try:
            found, _ = self._exchange(modern, "server/discover", {}, {})
        except RpcFailed as error:
            if error.rpc_code in (_INTERNAL_ERROR, _HEADER_MISMATCH, _MISSING_CAPABILITY):
                raise
        except HttpRefused as error:
            if not 400 <= error.http_status < 500 or error.http_status in _ANY_ERA:
                raise
        else:
            versions = found.get("supportedVersions")
            if isinstance(versions, list) and MODERN in versions:
                return modern
        return self._initialized()

    def _initialized(self) -> Dialect:
        offered: JsonObject = {"protocolVersion": HANDSHAKES[0], "capabilities": {}, "clientInfo": _CLIENT}
        result, headers = self._exchange(Dialect("handshake", ""), "initialize", offered, {})
        version = result.get("protocolVersion")
        if not isinstance(version, str) or version not in HANDSHAKES:
            raise UpstreamFailed("The server speaks no version of MCP that we know", code="upstream_protocol")
        session = headers.get("mcp-session-id", "")
        self._session = session if session.isascii() and session.isprintable() else ""
        self.dialect = Dialect("handshake", version)
        note: JsonObject = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        self._send(note, self._handshake_headers(), None, max_body=1024, repeatable=True)
        return self.dialect

    def _handshake_headers(self) -> dict[str, str]:
        headers = {"Mcp-Session-Id": self._session} if self._session else {}
        if self.dialect is not None and self.dialect.version >= "2025-06-18":
            headers["MCP-Protocol-Version"] = self.dialect.version
        return headers

    def _exchange(
        self, dialect: Dialect, method: str, params: JsonObject, headers: Mapping[str, str], *, acts: bool = False
    ) -> tuple[JsonObject, dict[str, str]]:
        """One request: its result, and the headers it came with. `acts` says that it may change something."""
        self._count += 1
        if dialect.era == "modern":
            about: JsonObject = {
                "io.modelcontextprotocol/protocolVersion": dialect.version,
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/clientInfo": _CLIENT,
            }
            params = {**params, "_meta": about}
            headers = {**headers, "MCP-Protocol-Version": dialect.version, "Mcp-Method": method}
        else:
            headers = self._handshake_headers() if method != "initialize" else {}
        message: JsonObject = {"jsonrpc": "2.0", "id": self._count, "method": method, "params": params}
        stream = EventStream(self._count)
        limit = MAX_RESULT_BYTES if acts else MAX_PAGE_BYTES
        outcome = self._send(message, headers, stream.feed, max_body=limit, repeatable=not acts)
        if isinstance(outcome, TransferFailure):
            # What changes nothing may be asked again: only an action can be left unknown.
            raise responses.failed(outcome if acts else replace(outcome, sent=False))
        return self._result_of(outcome, stream, acts=acts), outcome.headers

    def _send(
        self,
        message: JsonObject,
        headers: Mapping[str, str],
        enough: Callable[[bytes], bool] | None,
        *,
        max_body: int,
        repeatable: bool,
    ) -> Response | TransferFailure:
        left = self._left()
        if left <= 0:
            raise UpstreamTimeout("The upstream did not answer in time")
        body = canonical_json.dumps(message).encode()
        request = Request("POST", self._url, {**self._fixed, **headers}, body, repeatable, enough)
        return client().send(request, timeout=left, max_body=max_body)

    def _result_of(self, answer: Response, stream: EventStream, *, acts: bool) -> JsonObject:
        """The result in an answer, masked. Raises what its status, its JSON-RPC error or its lack of both says."""
        is_stream = answer.headers.get("content-type", "").lower().startswith("text/event-stream")
        is_success = 200 <= answer.status < 300
        received = stream.end() if is_stream and is_success else message_in(answer.body, self._count)
        message = self._masker.value(received)
        error = message.get("error") if message else None
        rpc_error = error if isinstance(error, dict) else None
        if not is_success:
            self._refuse(answer, rpc_error, acts=acts)
        if rpc_error is not None:
            raise _rpc_failed(rpc_error, answer.status)
        result = message.get("result") if message else None
        if isinstance(result, dict):
            return result
        if answer.truncated:
            raise UpstreamFailed("The answer is too long", code="upstream_answer_too_large")
        if is_stream and message is None:
            said = ": whether it was done is unknown" if acts else ""
            code = "outcome_unknown" if acts else "upstream_reset"
            raise UpstreamFailed(f"The stream ended before the answer{said}", code=code, unknown=acts)
        raise UpstreamFailed("The answer is no JSON-RPC", code="upstream_protocol", unknown=acts)

    def _refuse(self, answer: Response, error: JsonObject | None, *, acts: bool) -> None:
        """Raise the error of a status beyond 2xx."""
        status = answer.status
        challenge = self._masker.text(answer.headers.get("www-authenticate", ""))
        if status == 401:
            unauthorized = UpstreamUnauthorized("The server refused the credentials (HTTP 401)", challenge=challenge)
            unauthorized.upstream = answers.upstream_answer(status, answers.said(answer, self._masker))
            raise unauthorized
        if status == 429:
            raise responses.refused(answer, self._masker)
        if status == 403 and (scope := _demanded(challenge)):
            raise InsufficientScope(scope)
        lost = status == 404 or (status == 400 and (error or {}).get("code") in _NO_SESSION_CODES)
        if self._session and lost:
            raise _SessionLost("The server lost our session twice")
        if error is not None and status in range(400, 500) and status != 403:
            raise _rpc_failed(error, status)
        said = answers.said(answer, self._masker)
        refused = HttpRefused(
            answers.with_sentence(f"The server answered HTTP {status}", said),
            http_status=status,
            code={403: "upstream_refused", 404: "upstream_not_found"}.get(status, _redirect_code(status)),
            # A gateway that says so passed the call on.
            unknown=acts and status in (502, 504),
        )
        refused.upstream = answers.upstream_answer(status, said)
        raise refused


def _demanded(challenge: str) -> str:
    """The scope that a 403's WWW-Authenticate demands (RFC 6750, 3.1); empty where it is about something else."""
    if challenge_field(challenge, "error") != "insufficient_scope":
        return ""
    return joined_scope(challenge_field(challenge, "scope"))


def _redirect_code(status: int) -> str | None:
    return "upstream_redirect" if 300 <= status < 400 else None


def _rpc_failed(error: JsonObject, status: int) -> RpcFailed:
    """The error of a JSON-RPC error, masked, that came with an HTTP status."""
    number, said = error.get("code"), error.get("message")
    rpc_code = number if isinstance(number, int) else _INTERNAL_ERROR
    reason = redact_text(said)[:_MAX_REASON] if isinstance(said, str) and said else "no reason given"
    code = {_INVALID_PARAMS: "upstream_invalid_parameters", _URL_ELICITATION: "input_required"}.get(rpc_code)
    failed = RpcFailed(f"The server says: {reason}", rpc_code=rpc_code, data=error.get("data"), code=code)
    failed.upstream = answers.upstream_answer(status, error)
    return failed
