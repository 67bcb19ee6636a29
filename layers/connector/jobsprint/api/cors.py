"""CORS headers of responses (Fetch standard). API Gateway answers preflights: see `Cors` in template.yaml."""

from collections.abc import Mapping
from typing import Any

from jobsprint.core.config import settings


def cors_headers() -> dict[str, str]:
    """The headers that let a page of the allowed origin read a response."""
    return {
        "Access-Control-Allow-Origin": settings().cors_origin,
        "Access-Control-Expose-Headers": "Retry-After,RateLimit,RateLimit-Policy,Idempotent-Replayed",
    }


def header(event: Mapping[str, Any], name: str) -> str | None:
    """A request header by its lower-case name."""
    for key, value in (event.get("headers") or {}).items():
        if key.lower() == name:
            return str(value)
    return None
