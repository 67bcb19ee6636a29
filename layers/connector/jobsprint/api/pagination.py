"""Page parameters and opaque cursors.

A cursor is `cursor_` + base64url(MAC ‖ position). The MAC (HMAC-SHA256, 16 bytes) binds the position to the tenant and
to the query it came from, so a cursor that was edited, or is used by another tenant or with other filters, is refused.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from jobsprint.core.config import cursor_key
from jobsprint.core.errors import BadRequest

DEFAULT_LIMIT = 20
_PREFIX = "cursor_"
_MAC_BYTES = 16
_MAX_LENGTH = 1024

Limit = Annotated[int, Query(description="Items per page", ge=1, le=100)]
Cursor = Annotated[str | None, Query(description="The `nextCursor` of the page before, with the same parameters")]


def encode(tenant: str, query: Mapping[str, object], position: str | None) -> str | None:
    """The cursor for going on from `position`, or None at the end."""
    if position is None:
        return None
    raw = position.encode()
    return _PREFIX + base64.urlsafe_b64encode(_mac(tenant, query, raw) + raw).decode().rstrip("=")


def decode(tenant: str, query: Mapping[str, object], cursor: str | None) -> str | None:
    """The position in a cursor. Raises BadRequest `invalid_cursor` unless it was made for this tenant and query."""
    if cursor is None:
        return None
    encoded = cursor.removeprefix(_PREFIX)
    try:
        if encoded == cursor or len(cursor) > _MAX_LENGTH:
            raise ValueError("not a cursor")
        raw = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
        mac, position = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, _mac(tenant, query, position)) or _rest(raw) != encoded:
            raise ValueError("not made here")
        return position.decode()
    except (ValueError, binascii.Error) as error:
        raise BadRequest("This cursor is not valid here; start again without one", code="invalid_cursor") from error


def _rest(raw: bytes) -> str:
    # base64 has spare bits in its last character: only the spelling that we made is accepted.
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _mac(tenant: str, query: Mapping[str, object], position: bytes) -> bytes:
    bound = json.dumps([tenant, sorted((name, value) for name, value in query.items() if value is not None)]).encode()
    return hmac.digest(cursor_key(), bound + b"\0" + position, hashlib.sha256)[:_MAC_BYTES]
