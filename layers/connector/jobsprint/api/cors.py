"""Cross-origin answers for the origins in the template's parameter (Fetch standard, section 3.3)."""

from collections.abc import Mapping
from typing import Any

from jobsprint.core.config import settings

_METHODS = "GET,POST,PUT,PATCH,DELETE"
_HEADERS = "Authorization,Content-Type,Idempotency-Key,Prefer"
_EXPOSED = "Retry-After,Idempotent-Replayed"
_MAX_AGE_SECONDS = 7200


def cors_headers(event: Mapping[str, Any]) -> dict[str, str]:
    """What lets a page of an allowed origin read this answer; nothing for others and for callers without an origin."""
    allowed = settings().cors_origins
    origin = header(event, "origin")
    if origin is None:
        return {}
    if "*" in allowed:
        return {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": _EXPOSED}
    if origin not in allowed:
        return {"Vary": "Origin"}
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": _EXPOSED, "Vary": "Origin"}


def preflight_answer(event: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to an OPTIONS request."""
    headers = cors_headers(event)
    if "Access-Control-Allow-Origin" in headers:
        headers |= {
            "Access-Control-Allow-Methods": _METHODS,
            "Access-Control-Allow-Headers": _HEADERS,
            "Access-Control-Max-Age": str(_MAX_AGE_SECONDS),
        }
    return {"statusCode": 204, "headers": headers, "body": ""}


def header(event: Mapping[str, Any], name: str) -> str | None:
    """A request header by its lower-case name."""
    for key, value in (event.get("headers") or {}).items():
        if key.lower() == name:
            return str(value)
    return None
