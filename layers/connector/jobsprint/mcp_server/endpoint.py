"""POST /v1/mcp: who calls, within which limits, and the answer to one message.

The function checks the token itself, because the answers 401 and 403 have to say what API Gateway's authorizer cannot:
where the metadata of this resource is (RFC 9728), and which scope is missing (RFC 6750).
"""

import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from jobsprint.api import request_limit
from jobsprint.api.request_body import body_text
from jobsprint.api.request_headers import base_url, header
from jobsprint.core.cache import BoundedCache
from jobsprint.core.clock import now_ms
from jobsprint.core.config import settings
from jobsprint.core.errors import Forbidden, JobsprintError, Unauthenticated
from jobsprint.core.observability import logger
from jobsprint.domain.callers import AGENT_SCOPES, Caller
from jobsprint.mcp_server import methods, protocol
from jobsprint.mcp_server.protocol import Refused
from jobsprint.security.api_tokens import principal_of

Answer = dict[str, Any]
METADATA = "/.well-known/oauth-protected-resource"
_UNFORESEEN = "Something went wrong on our side; the requestId finds it in our logs"
_TOKEN_MS = 60_000
"""How long a container takes a token for valid, as API Gateway does with the authorizer's answers."""

_callers: BoundedCache[bytes, tuple[Caller, int]] = BoundedCache(1000)


def forget() -> None:
    """Begin as a new container does."""
    _callers.clear()


def answer(event: Mapping[str, Any], context: LambdaContext) -> Answer:
    """The answer to an API Gateway event, whatever happens."""
    request_id = (event.get("requestContext") or {}).get("requestId") or context.aws_request_id
    logger.append_keys(requestId=request_id)
    started, call = time.monotonic(), methods.Call(request_id)
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
    try:
        found = _answer(event, call, headers)
    except Refused as refused:
        found = _error(refused, call)
    except Exception:  # noqa: BLE001 - the last wall: an answer without internals
        logger.exception("unexpected_failure")
        unforeseen = Refused(protocol.INTERNAL_ERROR, _UNFORESEEN, status=500, data={"requestId": request_id})
        found = _error(unforeseen, call)
    found["headers"] = {**found.get("headers", {}), **headers}
    _log(event, found, call, started)
    logger.remove_keys(["requestId"])
    return found


def metadata(event: Mapping[str, Any]) -> Answer:
    """GET of the metadata of this resource (RFC 9728, section 3.2)."""
    body = {
        "resource": _resource(event),
        "bearer_methods_supported": ["header"],
        "scopes_supported": list(AGENT_SCOPES),
        "resource_name": "Jobsprint Integrations",
        "resource_documentation": f"{base_url(event)}/guide/guides/agents.html",
    }
    found = _message(body, 200)
    found["headers"]["Cache-Control"] = "public, max-age=3600"
    return found


def _answer(event: Mapping[str, Any], call: methods.Call, headers: dict[str, str]) -> Answer:
    headers |= _check_origin(event)
    if event.get("httpMethod") != "POST":
        headers["Allow"] = "POST"
        raise Refused(protocol.INVALID_REQUEST, "Send messages by POST", status=405)
    try:
        call.caller = _caller(event)
        text = body_text(event)
        request = protocol.read(text, lambda name: header(event, name))
        if request is None:
            return {"statusCode": 202, "body": ""}
        call.request = request
        headers |= request_limit.take(call.caller.tenant, is_read=not methods.changes(request))
        call.caller.require(methods.scope_of(request))
        return _message(methods.answer(call, call.caller, request, event), 200)
    except JobsprintError as error:
        if isinstance(error, Unauthenticated | Forbidden):
            headers["WWW-Authenticate"] = _challenge(event, call)
        headers |= error.headers
        raise _refused(error) from error


def _challenge(event: Mapping[str, Any], call: methods.Call) -> str:
    """What a client needs to get a token that suffices (RFC 6750, section 3; RFC 9728, section 5.1)."""
    scope = methods.scope_of(call.request) if call.request else ""
    missing = f'error="insufficient_scope", scope="{scope}", ' if scope else ""
    return f'Bearer {missing}resource_metadata="{_metadata_url(event)}"'


def _check_origin(event: Mapping[str, Any]) -> dict[str, str]:
    """The headers that let a page read the answer, if its origin is listed (Security of the transport); a program sends
    no Origin. Raises Refused for another origin.
    """
    origin = header(event, "origin")
    if origin is None:
        return {}
    if origin.lower() not in settings().mcp_origins:
        raise Refused(
            protocol.INVALID_REQUEST,
            f"Pages of {origin[:200]} may not call this endpoint: list the origin in McpOrigins",
            status=403,
        )
    exposed = "WWW-Authenticate,Retry-After,RateLimit,RateLimit-Policy"
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": exposed, "Vary": "Origin"}


def _caller(event: Mapping[str, Any]) -> Caller:
    """Who calls. Raises Unauthenticated, Forbidden at the URL of another tenant, and RateLimited for guesses."""
    scheme, _, token = (header(event, "authorization") or "").partition(" ")
    caller = _known(token.strip()) if scheme.lower() == "bearer" else None
    if caller is None:
        request_limit.take_from_address(event)
        raise Unauthenticated("Send a valid token: Authorization: Bearer <token>")
    if caller.is_session:
        raise Forbidden("A session of the portal is for a browser: make a token with it", code="missing_capability")
    wanted = (event.get("pathParameters") or {}).get("tenant")
    if wanted not in (None, caller.tenant):
        raise Forbidden("This token is of another tenant than this URL", code="wrong_tenant")
    return caller


def _known(token: str) -> Caller | None:
    digest, now = hashlib.sha256(token.encode()).digest(), now_ms()
    caller, until = _callers.get(digest, (None, 0))
    if caller is None or until <= now:
        caller = principal_of(token, now)
        if caller is not None:
            _callers[digest] = (caller, now + _TOKEN_MS)
    return caller


def _refused(error: JobsprintError) -> Refused:
    """An error of the service's as a JSON-RPC error, with its code in `data`."""
    code = protocol.INTERNAL_ERROR if error.status >= 500 else protocol.INVALID_REQUEST
    return Refused(code, error.message, status=error.status, data={"code": error.code})


def _error(refused: Refused, call: methods.Call) -> Answer:
    """The answer with an error, under the id of its request if that could be read."""
    if call.request:
        refused.id = call.request.id
    return _message(refused.to_message(), refused.status)


def _resource(event: Mapping[str, Any]) -> str:
    tenant = (event.get("pathParameters") or {}).get("tenant")
    return f"{base_url(event)}/mcp/{tenant}" if tenant else f"{base_url(event)}/mcp"


def _metadata_url(event: Mapping[str, Any]) -> str:
    base = base_url(event)
    return f"{base}{METADATA}{_resource(event).removeprefix(base)}"


def _message(body: Mapping[str, Any], status: int) -> Answer:
    headers = {"Content-Type": "application/json"}
    return {"statusCode": status, "body": json.dumps(body, ensure_ascii=False), "headers": headers}


def _log(event: Mapping[str, Any], found: Answer, call: methods.Call, started: float) -> None:
    """One line per message: which method, of which client and tenant, its status and how long it took."""
    write = logger.warning if found["statusCode"] >= 400 else logger.info
    write(
        "answered",
        extra={
            "operation": f"{event.get('httpMethod')} {event.get('resource')}",
            "status": found["statusCode"],
            "tenant": call.caller.tenant if call.caller else None,
            "method": call.request.method if call.request else None,
            "tool": call.tool or None,
            "client": (call.request.client.name[:100] or None) if call.request else None,
            "durationMs": round((time.monotonic() - started) * 1000),
        },
    )
