"""Where this API is, as its own gateway says it."""

from collections.abc import Mapping
from typing import Any

from jobsprint.api.cors import header
from jobsprint.domain.errors import BadRequest


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
    return f"{header(event, 'x-forwarded-proto') or 'http'}://{host}{base_path}"
