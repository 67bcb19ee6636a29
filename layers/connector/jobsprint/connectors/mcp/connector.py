"""Any MCP server as an integration: its tools are the capabilities.

Era and version of the protocol are in the connector state (`era`, `version`), with `endsSessions` once it is known
whether the server takes the end of a session, and `toolsFreshUntil` (Unix ms) where the server says how long its list
is good for.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from jobsprint.connectors.base import TEST_SECONDS, ActionCall, Connection, TestResult
from jobsprint.connectors.fields import read_body
from jobsprint.connectors.mcp import results
from jobsprint.connectors.mcp.client import Conversation, HttpRefused, RpcFailed
from jobsprint.connectors.mcp.dialects import dialect_state, kept_dialect
from jobsprint.connectors.mcp.models import (
    MODELS,
    OAuthConnect,
    ServerConnect,
    TokenConnect,
    UnknownAuthConnect,
)
from jobsprint.connectors.mcp.tools import Listing
from jobsprint.core.canonical_json import JsonObject, JsonValue
from jobsprint.core.clock import now_ms
from jobsprint.core.errors import (
    InsufficientScope,
    InvalidFields,
    JobsprintError,
    RateLimited,
    UpstreamFailed,
    UpstreamTimeout,
    UpstreamUnauthorized,
)
from jobsprint.core.redaction import redact_text
from jobsprint.domain import integrations
from jobsprint.domain.capabilities import fitting
from jobsprint.domain.integrations import Capability, Integration
from jobsprint.security.credentials import Credentials

CONNECT_SECONDS = 20.0
_MAX_FRESH_MS = 24 * 3600 * 1000
_MAX_NAMED = 5  # tools that a note names; it says how many more there are
_MAX_PLACE = 60

_NEXT_STEPS = {
    "forbidden": "Give the credential the rights that the server asks for",
    "not_found": "Check the path of serverUrl: no MCP server answers there",
    "redirect": "Use the address that the server redirects to; redirects are not followed",
    "timeout": "Check that the server answers within 10 seconds",
    "dns": "Check the host name of serverUrl",
    "connect": "Start the server, or check host and port of serverUrl",
    "tls": "Check the server's certificate and its chain",
    "blocked_address": "Use an address that this service may call",
    "protocol": "Check that serverUrl is an MCP server's Streamable HTTP endpoint",
    "answer_too_large": "Make the server offer fewer tools, or describe them in less than 4 MB",
}


@dataclass(frozen=True)
class Offer:
    """What a server has for an integration. `problem` says why nothing of it can be used, with a code and a step."""

    capabilities: tuple[Capability, ...]
    connector_state: JsonObject = field(default_factory=dict)
    note: str = ""
    problem: tuple[str, str, str] | None = None


class Mcp:
    """The connector of MCP servers."""

    def read(self, integration: Integration, body: Mapping[str, object], *, current: Credentials) -> ServerConnect:
        """Validate the body, over what is kept already, as its `authType` demands."""
        whole = self.completed(integration, body, current)
        kept: tuple[str, ...] = ()
        if whole.get("authType") == "token" and whole.get("token") is None and "token" in current.keys:
            whole["token"], kept = current.keys["token"], ("token",)
        model = MODELS.get(whole.get("authType"), UnknownAuthConnect)
        return read_body(model, whole, current_url=current.url, address="serverUrl", kept=kept)

    def connect(self, integration: Integration, given: ServerConnect, *, current: Credentials) -> Connection:
        """Ask the server for its tools.

        Raises InvalidFields for a credential that the server refuses, and what a call raises for one that does not
        answer as an MCP server.
        """
        credentials = _credentials(given, current)
        with Conversation(credentials, None, seconds=CONNECT_SECONDS) as talk:
            try:
                offer = self.offer(talk, integration)
            except UpstreamFailed as error:
                refused = self._rejected(error, given)
                if refused is None:
                    raise
                raise refused from error
            talk.end()
            state = _connector_state(integration, talk, offer) | {"authType": given.auth_type}
        if offer.problem:
            reason, message, step = offer.problem
            return Connection(credentials, (), f"{message}. {step}", "error", reason, connector_state=state)
        return Connection(credentials, offer.capabilities, f"Connected{offer.note}", connector_state=state)

    def test(self, integration: Integration, credentials: Credentials) -> TestResult:
        """List the tools, which changes nothing on the server; only the first page while the list is fresh."""
        started = time.monotonic()
        fresh_until = integration.connector_state.get("toolsFreshUntil")
        fresh = integration.status == "connected" and isinstance(fresh_until, int) and fresh_until > now_ms()
        with Conversation(credentials, kept_dialect(integration.connector_state), seconds=TEST_SECONDS) as talk:
            try:
                if fresh:
                    talk.list_tools(lambda _: False, pages=1)
                    return TestResult(True, "Connection successful", _ms_since(started))
                offer = self.offer(talk, integration)
            except JobsprintError as error:
                reason, message, step = self.diagnose(error, integration.connector_state.get("authType"))
                scope = error.scope if isinstance(error, InsufficientScope) else ""
                return TestResult(False, message, _ms_since(started), reason, step, missing_scope=scope)
            talk.end()
            state = _connector_state(integration, talk, offer)
        if offer.problem:
            reason, message, step = offer.problem
            return TestResult(False, message, _ms_since(started), reason, step)
        message = f"Connection successful{offer.note}"
        return TestResult(True, message, _ms_since(started), capabilities=offer.capabilities, connector_state=state)

    def execute(self, call: ActionCall) -> JsonObject:
        """Call a tool; see `connectors.base.Connector`."""
        dialect = kept_dialect(call.integration.connector_state)
        with Conversation(
            call.credentials, dialect, seconds=call.seconds_left, trace_headers=call.trace_headers
        ) as talk:
            return results.result_of(self.call(talk, call.integration, call.action, call.parameters))

    # What a connector on top of MCP does in its own way.

    def completed(
        self, integration: Integration, body: Mapping[str, object], current: Credentials
    ) -> dict[str, object]:
        """The body with what is kept already, but for the token, where it says nothing."""
        whole = {name: value for name, value in body.items() if (name, value) != ("serverUrl", None)}
        if current.url:
            whole = {"serverUrl": current.url, "authType": integration.connector_state.get("authType", "none"), **whole}
        return whole

    def offer(self, talk: Conversation, integration: Integration) -> Offer:
        """What the server has for this integration: every tool of its."""
        listing = talk.list_tools()
        tools = tuple(tool.capability(tool.name, tool.schema) for tool in listing.tools)
        return offer_of(listing, tools, {"mode": "tools"})

    def call(self, talk: Conversation, integration: Integration, action: str, parameters: JsonObject) -> JsonObject:
        """The result, as it came, of the tool behind an action."""
        capability = integrations.named_capability(integration.capabilities, action)
        return talk.call_tool(action, parameters, capability.schema if capability else {})

    def diagnose(self, error: JobsprintError, auth_type: JsonValue) -> tuple[str, str, str]:
        """What an error says of a connection of that `authType`: a reason code, a sentence, and what to do."""
        reason = _reason(error)
        if isinstance(error, UpstreamUnauthorized):
            return reason, error.message, "Connect again with a valid credential"
        if isinstance(error, InsufficientScope):
            return reason, error.message, f"Give the credential the scope {error.scope}"
        if isinstance(error, RateLimited):
            return reason, error.message, f"Wait {error.headers['Retry-After']} seconds"
        return reason, error.message, _NEXT_STEPS.get(reason, "Look into the server's own logs")

    def _rejected(self, error: UpstreamFailed, given: ServerConnect) -> InvalidFields | None:
        """The error of a body whose credential the server refuses; a grant's end is the caller's to judge."""
        reason, message, step = self.diagnose(error, given.auth_type)
        if reason != "credential_rejected" or given.auth_type == "oauth":
            return None
        where = "body.token" if given.auth_type == "token" else "body.authType"
        return InvalidFields.one(where, f"{message}. {step}", code=reason)


def _credentials(given: ServerConnect, current: Credentials) -> Credentials:
    match given:
        case TokenConnect():
            return Credentials(given.server_url, keys={"token": given.token})
        case OAuthConnect():
            # The grant's token is among them by now (`integrations.oauth_tokens`).
            return Credentials(given.server_url, keys=current.keys)
        case _:
            return Credentials(given.server_url)


def offer_of(listing: Listing, capabilities: tuple[Capability, ...], state: JsonObject) -> Offer:
    """The offer of a listing, cut to what one integration can hold, with a note where something was left out."""
    kept = fitting(capabilities)
    notes = []
    if len(kept) < len(capabilities) or not listing.complete:
        notes.append(f"the server offers more than can be kept: {len(kept)} of its tools can be used here")
    if listing.dropped:
        notes.append(f"{listing.dropped} of its tools have names or schemas that cannot be used")
    if listing.task_only:
        notes.append(f"left out, because they run as tasks only: {_named(listing.task_only)}")
    unchecked = [
        f"{tool.name} ({_named([_shown(place) for place in tool.unchecked])})"
        for tool in listing.tools
        if tool.unchecked
    ]
    if unchecked:
        notes.append(f"not checked before a call, because of their schemas: {_named(unchecked)}")
    fresh_ms = min(listing.fresh_ms or 0, _MAX_FRESH_MS)
    fresh = {"toolsFreshUntil": now_ms() + fresh_ms} if fresh_ms else {}
    return Offer(kept, {**state, **fresh}, "".join(f"; {note}" for note in notes))


def _named(names: Sequence[str]) -> str:
    """The first names in a list, and how many more there are."""
    more = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
    return ", ".join(names[:_MAX_NAMED]) + more


def _shown(place: str) -> str:
    """A place in a server's schema, whose names are the server's own words."""
    return "".join(one if one.isprintable() else "?" for one in redact_text(place))[:_MAX_PLACE]


def _connector_state(integration: Integration, talk: Conversation, offer: Offer) -> JsonObject:
    found = ("era", "version", "endsSessions", "toolsFreshUntil")
    kept = {name: value for name, value in integration.connector_state.items() if name not in found}
    return {**kept, **(dialect_state(talk.dialect) if talk.dialect else {}), **offer.connector_state}


def _reason(error: JobsprintError) -> str:
    match error:
        case UpstreamUnauthorized():
            return "credential_rejected"
        case RateLimited():
            return "rate_limited"
        case UpstreamTimeout():
            return "timeout"
        case RpcFailed():
            return "protocol"
        case HttpRefused(http_status=403):
            return "forbidden"
        case HttpRefused(http_status=404):
            return "not_found"
        case HttpRefused(http_status=status):
            return "redirect" if status < 400 else f"http_{status // 100}xx"
        case _:
            return error.code.removeprefix("upstream_")


def _ms_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
