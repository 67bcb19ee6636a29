"""A client of MCP servers over Streamable HTTP, for both eras of the protocol.

Modern (2026-07-28): every request stands alone and carries its version and capabilities. Handshake (2024-11-05 to
2025-11-25): `initialize`, `notifications/initialized`, then requests within a session where the server gives one.
Which one a server speaks is found once (`Conversation.dialect`) and kept by the caller. A server counts as modern by
its own answer to `server/discover`, as handshake by a successful `initialize`, and by nothing else. `initialize` is
tried after every odd answer to `server/discover`, and after none in time; but a 401, 403, 429, a redirect, a gateway's
502 to 504 and a server that cannot be reached are reported as what they are.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType, TracebackType

from jobsprint.connectors import answers, responses
from jobsprint.connectors.mcp.dialects import HANDSHAKES, MODERN, Dialect, common_dialect
from jobsprint.connectors.mcp.headers import header_value, parameter_headers
from jobsprint.connectors.mcp.replies import Replies
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

MAX_PAGES = 40
MAX_LISTING_BYTES = 4 * 1024 * 1024
"""Bytes of all pages of a listing together, and of an answer that changes nothing; parsed they take much more."""

DISCOVERY_SECONDS = 3.0
"""How long `server/discover` may take: a server of the handshake era may leave what it does not know unanswered."""

_MAX_REASON = 200
_LISTING_RESERVE = 2.0  # seconds left for what comes after a listing that is cut
_GOODBYE_SECONDS = 2.0
_LEAST_PAUSE = 0.1
_RESUME_SECONDS = 1.0  # between two resumptions where the server names no time (2025-11-25, transports)
_CLIENT: JsonObject = {"name": "jobsprint-integrations", "version": "1.0"}

# JSON-RPC 2.0, section 5.1, and MCP 2026-07-28, basic/versioning.
_INTERNAL_ERROR = -32603
_HEADER_MISMATCH = -32020
_MISSING_CAPABILITY = -32021
_UNSUPPORTED_VERSION = -32022
_INVALID_PARAMS = -32602
_URL_ELICITATION = -32042  # 2025-11-25, elicitation
_NO_SESSION_CODES = (None, -32600, -32000)
_GATEWAY_STATUSES = frozenset({407, 408, 425, 502, 503, 504})
_CUT = frozenset({"reset", "protocol"})
# Codes of failures after which nothing is known of a server but that it is there.
_ODD_ANSWERS = frozenset(
    {"upstream_reset", "upstream_headers_too_large", "upstream_protocol"}
    | {"upstream_answer_too_large", "upstream_unreadable"}
)


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


@dataclass(frozen=True)
class _Rpc:
    """One JSON-RPC request; `acts` says that it may change something. At most `seconds` and `max_body` bytes."""

    method: str
    params: JsonObject
    headers: Mapping[str, str] = field(default_factory=dict)
    acts: bool = False
    max_body: int = MAX_LISTING_BYTES
    seconds: float = float("inf")


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
        accepted = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        self._fixed = {**credentials.headers, **trace_headers, **accepted}
        if token := credentials.keys.get("token"):
            self._fixed["Authorization"] = f"Bearer {token}"
        self._masker = credentials.masker()
        self._deadline = time.monotonic() + seconds
        self._ready, self._session = False, ""
        self._count = self._bytes_read = 0

    def __enter__(self) -> "Conversation":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End the session where the server is known to take that; some hang on it, and a call should not wait."""
        if self.dialect is not None and self.dialect.ends_sessions:
            self._end_session()

    def end(self) -> None:
        """End the session, and find out whether the server takes that, unless it is known not to."""
        if self.dialect is None or self.dialect.ends_sessions is False:
            return
        ended = self._end_session()
        if ended is not None:
            self.dialect = replace(self.dialect, ends_sessions=ended)

    def _end_session(self) -> bool | None:
        """Whether the server took the end of the session; None without a session or time for it."""
        seconds = min(_GOODBYE_SECONDS, self._left())
        if not self._session or seconds <= 0:
            return None
        headers = {name: value for name, value in self._fixed.items() if name != "Content-Type"}
        request = Request("DELETE", self._url, headers | self._handshake_headers())
        self._session = ""
        answer = client().send(request, timeout=seconds, max_body=1024)
        return isinstance(answer, Response) and 200 <= answer.status < 300

    def call_tool(self, name: str, arguments: JsonObject, schema: JsonObject, *, acts: bool = True) -> JsonObject:
        """Call a tool and give its result as it came. `schema` says which arguments go into headers too.

        One that `acts` is sent once; of one that only reads nothing is ever unknown.
        """
        headers = {"Mcp-Name": header_value(name), **parameter_headers(schema, arguments)}
        limit = MAX_RESULT_BYTES if acts else MAX_LISTING_BYTES
        return self._ask(_Rpc("tools/call", {"name": name, "arguments": arguments}, headers, acts, limit))

    def list_tools(self, keep: Callable[[str], bool] = lambda _: True, *, pages: int = MAX_PAGES) -> Listing:
        """The usable tools whose names are wanted, as far as caps and time allow.

        Raises UpstreamFailed `upstream_answer_too_large` once the pages together are over MAX_LISTING_BYTES.
        """
        listing = Listing(masker=self._masker)
        last_byte = self._bytes_read + MAX_LISTING_BYTES
        cursor: JsonValue = None
        seen: set[str] = set()
        for _ in range(pages):
            params: JsonObject = {} if cursor is None else {"cursor": cursor}
            page = self._ask(_Rpc("tools/list", params, max_body=last_byte - self._bytes_read))
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

    def _ask(self, rpc: _Rpc) -> JsonObject:
        """The result of a request; once more after a lost session or a changed version, when nothing was done yet."""
        for last in (False, True):
            try:
                result, _ = self._exchange(self._opened(), rpc)
            except _SessionLost:
                if last:
                    raise
                self._ready, self._session = False, ""
            except RpcFailed as error:
                if last or error.rpc_code != _UNSUPPORTED_VERSION:
                    raise
                self._ready, self._session, self.dialect = False, "", common_dialect(error.data)
            else:
                return result
        raise AssertionError("the second try returns or raises")

    def _opened(self) -> Dialect:
        if self.dialect is None:
            self.dialect = self._detected()
        elif self.dialect.era == "handshake" and not self._ready:
            self.dialect = self._initialized(self.dialect)
        self._ready = True
        return self.dialect

    def _detected(self) -> Dialect:
        """What the server speaks, the modern era first: it needs one request where the other needs four."""
        offered, silent = Dialect("handshake", HANDSHAKES[0]), False
        try:
            if found := self._discovered(min(DISCOVERY_SECONDS, self._left() / 2)):
                return found
        except UpstreamFailed as error:
            if not _leaves_era_open(error):
                raise
            silent = isinstance(error, UpstreamTimeout)
            offered = (common_dialect(error.data) if isinstance(error, RpcFailed) else None) or offered
        try:
            return self._initialized(offered)
        except (RpcFailed, HttpRefused):
            # A modern server that was slow to start refuses `initialize`, and is awake by now.
            found = self._discovered(self._left()) if silent else None
            if found is None:
                raise
            return found

    def _discovered(self, seconds: float) -> Dialect | None:
        """The modern dialect, if the server says that it speaks it."""
        modern = Dialect("modern", MODERN)
        found, _ = self._exchange(modern, _Rpc("server/discover", {}, seconds=seconds))
        versions = found.get("supportedVersions")
        return modern if isinstance(versions, list) and MODERN in versions else None

    def _initialized(self, offered: Dialect) -> Dialect:
        """The dialect that the server agrees to; where it refuses the version offered, another one that it names."""
        try:
            return self._agreed(offered)
        except RpcFailed as error:
            common = common_dialect(error.data)
            if common is None or common.version == offered.version:
                raise
            return common if common.era == "modern" else self._agreed(common)

    def _agreed(self, offered: Dialect) -> Dialect:
        params: JsonObject = {"protocolVersion": offered.version, "capabilities": {}, "clientInfo": _CLIENT}
        result, headers = self._exchange(Dialect("handshake", ""), _Rpc("initialize", params))
        version = result.get("protocolVersion")
        if not isinstance(version, str) or version not in HANDSHAKES:
            raise UpstreamFailed("The server speaks no version of MCP that we know", code="upstream_protocol")
        session = headers.get("mcp-session-id", "")
        self._session = session if session.isascii() and session.isprintable() else ""
        self.dialect = replace(offered, version=version)
        note: JsonObject = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        request = self._request(note, self._handshake_headers(), repeatable=True)
        client().send(request, timeout=self._seconds(), max_body=1024)
        return self.dialect

    def _handshake_headers(self) -> dict[str, str]:
        headers = {"Mcp-Session-Id": self._session} if self._session else {}
        if self.dialect is not None and self.dialect.version >= "2025-06-18":
            headers["MCP-Protocol-Version"] = self.dialect.version
        return headers

    def _exchange(self, dialect: Dialect, rpc: _Rpc) -> tuple[JsonObject, dict[str, str]]:
        """One request: its result, and the headers it came with."""
        self._count += 1
        params, headers = rpc.params, rpc.headers
        if dialect.era == "modern":
            about: JsonObject = {
                "io.modelcontextprotocol/protocolVersion": dialect.version,
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/clientInfo": _CLIENT,
            }
            params = {**params, "_meta": about}
            headers = {**headers, "MCP-Protocol-Version": dialect.version, "Mcp-Method": rpc.method}
        else:
            headers = self._handshake_headers() if rpc.method != "initialize" else {}
        message: JsonObject = {"jsonrpc": "2.0", "id": self._count, "method": rpc.method, "params": params}
        stream = EventStream(self._count, Replies(self._request))
        request = self._request(message, headers, repeatable=not rpc.acts, enough=stream.feed)
        first = client().send(request, timeout=min(self._seconds(), rpc.seconds), max_body=rpc.max_body)
        outcome = self._resumed(first, stream, rpc.max_body) if dialect.era == "handshake" else first
        if isinstance(outcome, TransferFailure):
            # What changes nothing may be asked again: only an action can be left unknown.
            raise responses.failed(outcome if rpc.acts else replace(outcome, sent=False))
        self._bytes_read += len(outcome.body)
        return self._result_of(outcome, stream, acts=rpc.acts), first.headers if isinstance(first, Response) else {}

    def _resumed(
        self, first: Response | TransferFailure, stream: EventStream, max_body: int
    ) -> Response | TransferFailure:
        """The outcome of a request whose stream was closed early, resumed behind its last event (2025-11-25).

        The first outcome stays where the server gives no more: the request itself reached it.
        """
        outcome, pause = first, 0.0
        while stream.last_event_id and _was_cut(outcome) and stream.end() is None:
            pause = pause if stream.retry_ms is None else max(stream.retry_ms / 1000, _LEAST_PAUSE)
            if pause >= self._left():
                return first
            time.sleep(pause)
            pause = _RESUME_SECONDS
            headers = {name: value for name, value in self._fixed.items() if name != "Content-Type"}
            headers |= {
                **self._handshake_headers(),
                "Accept": "text/event-stream",
                "Last-Event-ID": stream.last_event_id,
            }
            request = Request("GET", self._url, headers, repeatable=True, enough=stream.feed)
            outcome = client().send(request, timeout=max(self._left(), _LEAST_PAUSE), max_body=max_body)
            if isinstance(outcome, TransferFailure) and outcome.kind.startswith("timeout"):
                return replace(outcome, sent=True)
            if not _is_stream(outcome) and stream.message is None:
                return first
        return outcome

    def _request(
        self,
        message: JsonObject,
        headers: Mapping[str, str] | None = None,
        *,
        repeatable: bool,
        enough: Callable[[bytes], bool] | None = None,
    ) -> Request:
        """The HTTP request of a message, by default as one within the session."""
        headers = self._handshake_headers() if headers is None else headers
        return Request(
            "POST", self._url, {**self._fixed, **headers}, canonical_json.dumps(message).encode(), repeatable, enough
        )

    def _seconds(self) -> float:
        """The seconds left. Raises UpstreamTimeout without any."""
        left = self._left()
        if left <= 0:
            raise UpstreamTimeout("The upstream did not answer in time")
        return left

    def _result_of(self, answer: Response, stream: EventStream, *, acts: bool) -> JsonObject:
        """The result in an answer, masked. Raises what its status, its JSON-RPC error or its lack of both says."""
        is_stream, is_success = _is_stream(answer), 200 <= answer.status < 300
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
            unauthorized.upstream = answers.upstream_answer(status, self._said(answer))
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
        said = self._said(answer)
        refused = HttpRefused(
            answers.with_sentence(f"The server answered HTTP {status}", said),
            http_status=status,
            code={403: "upstream_refused", 404: "upstream_not_found"}.get(status, _redirect_code(status)),
            unknown=acts and status in responses.LOST_BY_A_PROXY,
        )
        refused.upstream = answers.upstream_answer(status, said)
        raise refused

    def _said(self, answer: Response) -> JsonValue:
        """The JSON of an error, masked. Text is left out: the errors of MCP are JSON, and text tells of insides."""
        said = answers.said(answer, self._masker)
        return None if isinstance(said, str) else said


def _is_stream(answer: Response | TransferFailure) -> bool:
    """Whether it is, or began as, a stream of a success."""
    if answer.status is None or not 200 <= answer.status < 300:
        return False
    if isinstance(answer, TransferFailure):
        return answer.kind in _CUT
    return answer.headers.get("content-type", "").lower().startswith("text/event-stream")


def _was_cut(outcome: Response | TransferFailure) -> bool:
    """Whether a stream ended, in order or not, before all of it was read."""
    return _is_stream(outcome) and not (isinstance(outcome, Response) and outcome.truncated)


def _leaves_era_open(error: UpstreamFailed) -> bool:
    """Whether a failed `server/discover` says too little of a server to give up on it."""
    match error:
        case RpcFailed(rpc_code=code):
            return code not in (_HEADER_MISMATCH, _MISSING_CAPABILITY)
        case HttpRefused(http_status=status):
            return status >= 400 and status != 403 and status not in _GATEWAY_STATUSES
        case UpstreamTimeout():
            return True
        case _:
            return error.code in _ODD_ANSWERS


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
