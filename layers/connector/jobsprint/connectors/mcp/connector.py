"""Any MCP server as an integration: its tools are the capabilities.

Era and version of the protocol stand in the integration's facts (`era`, `version`), with `toolsFreshUntil` (Unix ms)
where the server says how long its list is good for.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

from jobsprint.connectors.base import TEST_SECONDS, CallContext, Connection, TestResult
from jobsprint.connectors.fields import Url, check_target
from jobsprint.connectors.mcp import results
from jobsprint.connectors.mcp.client import HANDSHAKES, MODERN, Conversation, Dialect, HttpRefused, Listing, RpcFailed
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
from jobsprint.domain import integrations
from jobsprint.domain.capabilities import fitting
from jobsprint.domain.inputs import Check, Input, Length
from jobsprint.domain.integrations import Capability, Integration
from jobsprint.domain.validation import validate
from jobsprint.security.credentials import Credentials

CONNECT_SECONDS = 20.0
_MAX_TOKEN = 4096
_MAX_FRESH_MS = 24 * 3600 * 1000

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
    "answer_too_large": "Make the server give its tools in pages",
}


def _fits_a_header(token: str) -> str:
    if not all("!" <= character <= "~" for character in token):
        raise ValueError("printable ASCII characters without spaces")
    return token


class McpConnect(Input, frozen=True):
    """The body that connects an MCP server. `redirectUrl` goes with `oauth`, `token` with `token`."""

    authType: Literal["oauth", "token", "none"]  # noqa: N815 - the seed's name
    serverUrl: Url  # noqa: N815
    token: Annotated[str, Length(1, _MAX_TOKEN), Check(_fits_a_header)] | None = None
    redirectUrl: Url | None = None  # noqa: N815


@dataclass(frozen=True)
class Offer:
    """What a server has for an integration. `problem` says why nothing of it can be used, with a code and a step."""

    capabilities: tuple[Capability, ...]
    facts: JsonObject = field(default_factory=dict)
    note: str = ""
    problem: tuple[str, str, str] | None = None


class Mcp:
    """The connector of MCP servers."""

    def connect(self, integration: Integration, body: Mapping[str, object], *, current: Credentials) -> Connection:
        """Asks the server for its tools, with what the body says over what is kept already.

        Raises InvalidFields also for a token that the server refuses, and what a call raises for one that does not
        answer as an MCP server.
        """
        given = validate(McpConnect, self.completed(integration, body, current))
        credentials = self._credentials(given, current)
        if credentials.url != current.url:
            check_target(credentials.url, "body.serverUrl")
        with Conversation(credentials, None, seconds=CONNECT_SECONDS) as talk:
            try:
                offer = self.offer(talk, integration)
            except UpstreamFailed as error:
                refused = self._rejected(error, given)
                if refused is None:
                    raise
                raise refused from error
            facts = _facts(integration, talk, offer) | {"authType": given.authType}
        if offer.problem:
            reason, message, step = offer.problem
            return Connection(credentials, (), f"{message}. {step}", "error", reason, facts=facts)
        return Connection(credentials, offer.capabilities, f"Connected{offer.note}", facts=facts)

    def test(self, integration: Integration, credentials: Credentials) -> TestResult:
        """Lists the tools, which changes nothing on the server; only the first page while the list is fresh."""
        started = time.monotonic()
        fresh_until = integration.facts.get("toolsFreshUntil")
        fresh = integration.status == "connected" and isinstance(fresh_until, int) and fresh_until > now_ms()
        with Conversation(credentials, dialect_of(integration), seconds=TEST_SECONDS) as talk:
            try:
                if fresh:
                    talk.list_tools(lambda _: False, pages=1)
                    return TestResult(True, "Connection successful", _ms_since(started))
                offer = self.offer(talk, integration)
            except JobsprintError as error:
                reason, message, step = self.verdict(error, integration.facts.get("authType"))
                scope = error.scope if isinstance(error, InsufficientScope) else ""
                return TestResult(False, message, _ms_since(started), reason, step, missing_scope=scope)
            facts = _facts(integration, talk, offer)
        if offer.problem:
            reason, message, step = offer.problem
            return TestResult(False, message, _ms_since(started), reason, step)
        message = f"Connection successful{offer.note}"
        return TestResult(True, message, _ms_since(started), capabilities=offer.capabilities, facts=facts)

    def execute(
        self,
        integration: Integration,
        credentials: Credentials,
        *,
        call_id: str,
        action: str,
        parameters: JsonObject,
        context: CallContext,
    ) -> JsonObject:
        """Calls a tool; see `connectors.base.Connector`."""
        traced = {"traceparent": context.traceparent} if context.traceparent else {}
        sent_with = replace(credentials, headers={**credentials.headers, **traced})
        with Conversation(sent_with, dialect_of(integration), seconds=context.seconds) as talk:
            return results.result_of(self.call(talk, integration, action, parameters))

    # What a connector on top of MCP does in its own way.

    def completed(
        self, integration: Integration, body: Mapping[str, object], current: Credentials
    ) -> Mapping[str, object]:
        """The body with what is kept already where it says nothing."""
        kept: dict[str, object] = {}
        if current.url:
            kept = {"serverUrl": current.url, "authType": integration.facts.get("authType", "none")}
        return {**kept, **body}

    def offer(self, talk: Conversation, integration: Integration) -> Offer:
        """What the server has for this integration: every tool of its."""
        listing = talk.list_tools()
        tools = tuple(Capability(tool.name, tool.description, tool.schema) for tool in listing.tools)
        return offer_of(listing, tools, {"mode": "tools"})

    def call(self, talk: Conversation, integration: Integration, action: str, parameters: JsonObject) -> JsonObject:
        """The result, as it came, of the tool behind an action."""
        capability = integrations.named_capability(integration.capabilities, action)
        return talk.call_tool(action, parameters, capability.schema if capability else {})

    def verdict(self, error: JobsprintError, auth_type: JsonValue) -> tuple[str, str, str]:
        """What an error says of a connection of that `authType`: a reason code, a sentence, and what to do."""
        reason = _reason(error)
        if isinstance(error, UpstreamUnauthorized):
            return reason, error.message, "Connect again with a valid credential"
        if isinstance(error, InsufficientScope):
            return reason, error.message, f"Give the credential the scope {error.scope}"
        if isinstance(error, RateLimited):
            return reason, error.message, f"Wait {error.headers['Retry-After']} seconds"
        return reason, error.message, _NEXT_STEPS.get(reason, "Look into the server's own logs")

    def _credentials(self, given: McpConnect, current: Credentials) -> Credentials:
        if given.authType == "none":
            return Credentials(given.serverUrl)
        if given.authType == "oauth":
            # The grant's token stands there by now (`integrations.oauth_grants`).
            return Credentials(given.serverUrl, keys=current.keys)
        token = given.token or current.keys.get("token")
        if not token:
            raise InvalidFields.one("body.token", "Field required")
        return Credentials(given.serverUrl, keys={"token": token})

    def _rejected(self, error: UpstreamFailed, given: McpConnect) -> InvalidFields | None:
        """The error of a body whose credential the server refuses; a grant's end is the caller's to judge."""
        reason, message, step = self.verdict(error, given.authType)
        if reason != "credential_rejected" or given.authType == "oauth":
            return None
        where = "body.token" if given.authType == "token" else "body.authType"
        return InvalidFields.one(where, f"{message}. {step}", code=reason)


def dialect_of(integration: Integration) -> Dialect | None:
    """What the server speaks, as it was found out; None where it was not."""
    era, version = integration.facts.get("era"), integration.facts.get("version")
    if era == "modern" and version == MODERN:
        return Dialect("modern", MODERN)
    if era == "handshake" and version in HANDSHAKES:
        return Dialect("handshake", str(version))
    return None


def offer_of(listing: Listing, capabilities: tuple[Capability, ...], facts: JsonObject) -> Offer:
    """The offer of a listing, cut to what one integration can hold, with a note where something was left out."""
    kept = fitting(capabilities)
    notes = []
    if len(kept) < len(capabilities) or not listing.complete:
        notes.append(f"the server offers more than can be kept: {len(kept)} of its tools can be used here")
    if listing.dropped:
        notes.append(f"{listing.dropped} of its tools have names or schemas that cannot be used")
    fresh_ms = min(listing.fresh_ms or 0, _MAX_FRESH_MS)
    fresh = {"toolsFreshUntil": now_ms() + fresh_ms} if fresh_ms else {}
    return Offer(kept, {**facts, **fresh}, "".join(f"; {note}" for note in notes))


def _facts(integration: Integration, talk: Conversation, offer: Offer) -> JsonObject:
    kept = {name: value for name, value in integration.facts.items() if name != "toolsFreshUntil"}
    dialect: dict[str, Any] = {}
    if talk.dialect is not None:
        dialect = {"era": talk.dialect.era, "version": talk.dialect.version}
    return {**kept, **dialect, **offer.facts}


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
