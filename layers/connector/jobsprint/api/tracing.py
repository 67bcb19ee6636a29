"""W3C Trace Context and X-Ray: which trace a request belongs to.

API Gateway and Lambda know nothing of a caller's `traceparent`. Where a request is traced by X-Ray too, the two are
joined by the log line of the request, which names both, and an action without a caller's trace goes on in X-Ray's.
"""

import re
from collections.abc import Mapping

from jobsprint.core.config import xray_trace_header

# Version, trace id, parent id, flags. A later version may go on after a dash, and what follows is opaque (section 3.2).
_FORM = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-[\x21-\x7e]*)?")
_MAX_LENGTH = 256
# "Tracing header" of the X-Ray developer guide: Root=1-<8 hex>-<24 hex>;Parent=<16 hex>;Sampled=1
_XRAY_ROOT = re.compile(r"1-([0-9a-f]{8})-([0-9a-f]{24})")
_XRAY_PARENT = re.compile(r"[0-9a-f]{16}")


def valid_traceparent(text: str | None) -> str | None:
    """`text` if it is a traceparent; None for none and for one that the specification tells to ignore."""
    found = _FORM.fullmatch(text) if text and len(text) <= _MAX_LENGTH else None
    if found is None:
        return None
    version, trace_id, parent_id, more = found.groups()
    if version == "ff" or not trace_id.strip("0") or not parent_id.strip("0") or (version == "00" and more):
        return None
    return text


def traceparent(header: str | None) -> str | None:
    """The caller's traceparent if it is valid, else that of X-Ray's trace of this request, else None."""
    return valid_traceparent(header) or _xray_traceparent()


def trace_fields(header: str | None) -> Mapping[str, str]:
    """What the log line of a request that X-Ray traces says of its traces; nothing for any other."""
    fields = _xray_fields()
    if not fields:
        return {}
    valid = valid_traceparent(header)
    return {"xrayTraceId": fields["Root"]} | ({"traceId": valid.split("-")[1]} if valid else {})


def _xray_traceparent() -> str | None:
    fields = _xray_fields()
    root, parent = _XRAY_ROOT.fullmatch(fields.get("Root", "")), _XRAY_PARENT.fullmatch(fields.get("Parent", ""))
    return f"00-{root[1]}{root[2]}-{parent[0]}-01" if root and parent else None


def _xray_fields() -> dict[str, str]:
    """The fields of X-Ray's header for the running invocation; empty where the trace is not sampled."""
    pairs = (pair.partition("=") for pair in (xray_trace_header() or "").split(";"))
    fields = {name.strip(): value.strip() for name, _, value in pairs}
    return fields if fields.get("Sampled") == "1" and "Root" in fields else {}
