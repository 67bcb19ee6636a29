"""MCP messages over Streamable HTTP: a request read from headers and body, and the messages that answer it.

Two forms share one URL. In revision 2026-07-28 each request says in `_meta` and in headers which version it speaks and
what its client can do. Earlier revisions begin with the `initialize` handshake; without a session nothing of it is
kept, so a later request counts by its header alone.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jobsprint.core import canonical_json
from jobsprint.core.canonical_json import JsonObject
from jobsprint.domain.audit import Client

MODERN = ("2026-07-28",)
LEGACY = ("2025-11-25", "2025-06-18")
VERSIONS = (*MODERN, *LEGACY)

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL_ERROR = -32700, -32600, -32601, -32602, -32603
HEADER_MISMATCH, MISSING_CAPABILITY, UNSUPPORTED_VERSION = -32020, -32021, -32022

_META = "io.modelcontextprotocol/"
VERSION_KEY = f"{_META}protocolVersion"
CLIENT_KEY = f"{_META}clientInfo"
CAPABILITIES_KEY = f"{_META}clientCapabilities"
SERVER_KEY = f"{_META}serverInfo"
_NAMED = {
    "tools/call": "name",
    "prompts/get": "name",
    "resources/read": "uri",
    "tasks/get": "taskId",
    "tasks/update": "taskId",
    "tasks/cancel": "taskId",
}
"""The methods whose parameter of that name the header Mcp-Name repeats."""

Id = str | int
ReadHeader = Callable[[str], str | None]


class Refused(Exception):
    """A message that is answered with a JSON-RPC error. `status` is HTTP's, `id` that of the request if it has one."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        status: int = 400,
        data: JsonObject | None = None,
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.data = code, message, status, data
        self.id: Id | None = None

    def to_message(self) -> JsonObject:
        """The error response (JSON-RPC 2.0, section 5.1)."""
        error: JsonObject = {"code": self.code, "message": self.message}
        answer: JsonObject = {"jsonrpc": "2.0", "error": error | ({"data": self.data} if self.data else {})}
        return answer | ({} if self.id is None else {"id": self.id})


@dataclass(frozen=True)
class Request:
    """A request that can be served. `version` is one of VERSIONS; `client` is the client's program, if it says so.

    `capabilities` are those of a modern client; an earlier one declares them in its handshake, which is not kept.
    """

    id: Id
    method: str
    params: JsonObject
    version: str
    capabilities: JsonObject = field(default_factory=dict)
    client: Client = field(default_factory=Client)

    @property
    def is_modern(self) -> bool:
        """Whether it speaks revision 2026-07-28 or a later one."""
        return self.version in MODERN

    @property
    def meta(self) -> JsonObject:
        """The request's `_meta`."""
        return _object(self.params.get("_meta"))

    def supports(self, extension: str) -> bool:
        """Whether the client declared an extension."""
        return extension in _object(self.capabilities.get("extensions"))

    def to_message(self, result: JsonObject, server: JsonObject) -> JsonObject:
        """The response with a result, which in the modern form says its type and who answers."""
        if self.is_modern:
            meta = {**_object(result.get("_meta")), SERVER_KEY: server}
            result = {"resultType": "complete", **result, "_meta": meta}
        return {"jsonrpc": "2.0", "id": self.id, "result": result}


def read(body: str, header: ReadHeader) -> Request | None:
    """The request in an HTTP body; None for a notification or a response, which get no answer.

    `header` gives a header by its lower-case name. Raises Refused.
    """
    message = _message(body)
    method, id_ = message.get("method"), message.get("id")
    if "method" not in message and ("result" in message or "error" in message):
        return None
    if message.get("jsonrpc") != "2.0" or not isinstance(method, str):
        raise Refused(INVALID_REQUEST, "Send a JSON-RPC 2.0 request with a method")
    if "id" not in message:
        return None
    if not isinstance(id_, str | int) or isinstance(id_, bool):
        raise Refused(INVALID_REQUEST, "The id of a request is a string or an integer")
    try:
        return _request(id_, method, message.get("params", {}), header)
    except Refused as error:
        error.id = id_
        raise


def _message(body: str) -> JsonObject:
    try:
        message = canonical_json.parse(body)
    except canonical_json.UnreadableJson as error:
        raise Refused(PARSE_ERROR, f"The body is not JSON: {error}") from error
    except canonical_json.UnrepresentableJson as error:
        raise Refused(INVALID_REQUEST, f"The body cannot be read: {error.flaws[0].reason}") from error
    if isinstance(message, list):
        raise Refused(INVALID_REQUEST, f"Send one message at a time: revisions {', '.join(VERSIONS)} have no batches")
    if not isinstance(message, dict):
        raise Refused(INVALID_REQUEST, "Send a JSON object")
    return message


def _request(id_: Id, method: str, params: Any, header: ReadHeader) -> Request:
    if not isinstance(params, dict):
        raise Refused(INVALID_PARAMS, "params: send an object")
    meta = _object(params.get("_meta"))
    said, named = _trimmed(header("mcp-protocol-version")), meta.get(VERSION_KEY)
    if method == "initialize" and said not in MODERN and named is None:
        return Request(id_, method, params, version=_agreed(params), client=_client(params.get("clientInfo")))
    if named is None and (said is None or said in LEGACY):
        return Request(id_, method, params, version=said or LEGACY[-1])
    if named is None and said not in MODERN:
        raise _unsupported(said)
    if named is None:
        raise Refused(INVALID_PARAMS, f"params._meta: {VERSION_KEY} is missing")
    _check_header("MCP-Protocol-Version", said, named)
    if named not in MODERN:
        raise _unsupported(named)
    capabilities = meta.get(CAPABILITIES_KEY)
    if not isinstance(capabilities, dict):
        raise Refused(INVALID_PARAMS, f"params._meta: {CAPABILITIES_KEY} is missing")
    _check_header("Mcp-Method", _trimmed(header("mcp-method")), method)
    if method in _NAMED:
        _check_header("Mcp-Name", _decoded(_trimmed(header("mcp-name"))), params.get(_NAMED[method]))
    return Request(id_, method, params, version=named, capabilities=capabilities, client=_client(meta.get(CLIENT_KEY)))


def _agreed(params: Mapping[str, Any]) -> str:
    """The version that the handshake ends with: the client's own, or the newest that has one."""
    wanted = params.get("protocolVersion")
    return wanted if wanted in LEGACY else LEGACY[0]


def _client(info: Any) -> Client:
    name, version = (_object(info).get(field_) for field_ in ("name", "version"))
    return Client(name if isinstance(name, str) else "", version if isinstance(version, str) else "")


def _unsupported(version: Any) -> Refused:
    data: JsonObject = {"supported": list(VERSIONS), "requested": version}
    return Refused(UNSUPPORTED_VERSION, f"Unsupported protocol version: use one of {', '.join(VERSIONS)}", data=data)


def _check_header(name: str, said: str | None, value: Any) -> None:
    """Raise Refused unless a header repeats what stands in the body (Server Validation of the transport)."""
    if said is None:
        raise Refused(HEADER_MISMATCH, f"Header mismatch: {name} is missing")
    if said != value:
        raise Refused(HEADER_MISMATCH, f"Header mismatch: {name} is {said[:200]!r}, but the body says {value!r:.200}")


def _trimmed(value: str | None) -> str | None:
    """A header's value without the white space around it, which is not part of it (RFC 9110, section 5.5)."""
    return None if value is None else value.strip(" \t")


def _decoded(value: str | None) -> str | None:
    """The value of a header that may be in base64 (Value Encoding of the transport)."""
    if value is None or not (value.startswith("=?base64?") and value.endswith("?=")):
        return value
    try:
        return base64.b64decode(value[len("=?base64?") : -len("?=")], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Refused(HEADER_MISMATCH, "Header mismatch: Mcp-Name is not base64 of UTF-8 text") from error


def _object(value: Any) -> JsonObject:
    return value if isinstance(value, dict) else {}
