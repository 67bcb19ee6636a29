"""W3C Trace Context, level 1: the `traceparent` header, which carries a caller's trace through to the other side."""

import re

# Version, trace id, parent id, flags. A later version may go on after a dash, and what follows is opaque (section 3.2).
_FORM = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-[\x21-\x7e]*)?")
_MAX_LENGTH = 256


def valid_traceparent(text: str | None) -> str | None:
    """`text` if it is a traceparent; None for none and for one that the specification tells to ignore."""
    found = _FORM.fullmatch(text) if text and len(text) <= _MAX_LENGTH else None
    if found is None:
        return None
    version, trace_id, parent_id, more = found.groups()
    if version == "ff" or not trace_id.strip("0") or not parent_id.strip("0") or (version == "00" and more):
        return None
    return text
