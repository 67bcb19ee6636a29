"""What the service reads from request headers: base URL, idempotency key and `Prefer`."""

from collections.abc import Mapping
from typing import Any

from jobsprint.core.errors import BadRequest, InvalidFields

RESPOND_ASYNC = "respond-async"
_MAX_KEY = 255


def header(event: Mapping[str, Any], name: str) -> str | None:
    """A request header by its lower-case name."""
    for key, value in (event.get("headers") or {}).items():
        if key.lower() == name:
            return str(value)
    return None


def checked_key(key: str | None) -> str | None:
    """The key of a request, if it has one. Raises InvalidFields for one that cannot be used."""
    if key is not None and (not 1 <= len(key) <= _MAX_KEY or not key.isprintable()):
        raise InvalidFields.one("header.Idempotency-Key", f"1 to {_MAX_KEY} printable characters")
    return key


def base_url(event: Mapping[str, Any]) -> str:
    """The base URL (`https://api.example.com/v1`) of the API that took this event, with stage or base path.

    API Gateway names its domain itself and speaks nothing but https. The local emulator names none; there, and only
    there, the Host header counts. Raises BadRequest without either.
    """
    context = event.get("requestContext") or {}
    depth = str(event["resource"]).strip("/").count("/") + 1
    base_path = "/".join(str(context.get("path") or event["path"]).rstrip("/").split("/")[:-depth])
    if domain := context.get("domainName"):
        return f"https://{domain}{base_path}"
    host = header(event, "host")
    if not host:
        raise BadRequest("The request names no host")
    forwarded = (header(event, "x-forwarded-proto") or "").strip().lower()
    return f"{'https' if forwarded == 'https' else 'http'}://{host}{base_path}"


def prefers_async(value: str | None) -> bool:
    """Whether the header asks for an answer before the work is done (RFC 7240, 4.1)."""
    preferences = (value or "").split(",")
    return any(preference.partition(";")[0].strip().lower() == RESPOND_ASYNC for preference in preferences)
