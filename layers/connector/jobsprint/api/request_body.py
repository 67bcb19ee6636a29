"""The body of a request as text: JSON by its content type, within its limit, in UTF-8."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from jobsprint.api.request_headers import header
from jobsprint.core.errors import BadRequest, PayloadTooLarge, UnsupportedMediaType

MAX_BODY_BYTES = 256 * 1024
JSON = "application/json"


def body_text(event: Mapping[str, Any]) -> str:
    """The body of an API Gateway event; empty where it has none.

    Raises UnsupportedMediaType for another content type than JSON's, PayloadTooLarge, and BadRequest for no UTF-8.
    """
    body = event.get("body")
    if not body:
        return ""
    content_type = header(event, "content-type") or JSON
    if content_type.partition(";")[0].strip().lower() != JSON:
        raise UnsupportedMediaType(f"Send the body as {JSON}, and say so in Content-Type")
    try:
        raw = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
        if len(raw) > MAX_BODY_BYTES:
            raise PayloadTooLarge(f"A request body may have up to {MAX_BODY_BYTES // 1024} KB")
        text: str = raw.decode()
    except (UnicodeError, binascii.Error) as error:
        raise BadRequest("The body is not UTF-8 text", code="invalid_json") from error
    return text
