"""JSON as other systems write it, read so that it can be kept, logged and handed on.

Unlike `core.canonical_json`, which refuses what a caller gets wrong, this takes what can be taken: an upstream's answer
cannot be sent back to be corrected.
"""

import codecs
import json
import math
import re

from jobsprint.core.canonical_json import JsonObject, JsonValue, too_deep

_BYTE_ORDER_MARKS = (  # that of UTF-32 little-endian begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MARK_BYTES = 2
_CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?([A-Za-z0-9._-]+)", re.IGNORECASE)
# Of Python's codecs those that take time in proportion to their input; the others are not worth a risk.
_PLAIN_CHARSETS = re.compile(
    r"utf-?(?:8|16|32)(?:[-_]?[lb]e)?|iso[-_]8859[-_]\d{1,2}|latin-?1|windows-125\d|cp125\d", re.IGNORECASE
)
_LONGEST_EXACT = 300  # digits of an integer that is certainly below the largest double


class UnreadableJson(ValueError):
    """The text is no JSON, or is nested too deeply or has a number of too many digits to be handed on."""


class NotJson(UnreadableJson):
    """The text is no JSON."""


def text_of(body: bytes, content_type: str = "") -> str:
    """A body as text: by its byte order mark, else the charset of its Content-Type, else as JSON is recognised.

    What does not fit becomes U+FFFD. RFC 8259 asks for UTF-8; senders on other platforms have other habits.
    """
    for mark, charset in _BYTE_ORDER_MARKS:
        if body.startswith(mark) and len(body) > len(mark):
            return body.decode(charset, errors="replace")
    named = _CHARSET.search(content_type)
    if named and _PLAIN_CHARSETS.fullmatch(named[1]):
        try:
            return body.decode(named[1], errors="replace").removeprefix("\ufeff")
        except LookupError:  # iso-8859-99
            pass
    return body.decode(json.detect_encoding(body) if len(body) > _MARK_BYTES else "utf-8", errors="replace")


def parse(text: str) -> JsonValue:
    """The value of a JSON text, without numbers that JSON cannot hold (`NaN`, `1e999`: null).

    Halves of surrogate pairs, which no log can hold, become `?`. Raises UnreadableJson.
    """
    text = text.removeprefix("\ufeff")
    try:
        value: JsonValue = json.loads(text, parse_constant=lambda _: None, parse_float=_finite, parse_int=_integer)
    except json.JSONDecodeError as error:
        raise NotJson from error
    except (ValueError, RecursionError) as error:
        raise UnreadableJson from error
    if too_deep(value, text):
        raise UnreadableJson
    if "\\u" in text:
        value = json.loads(json.dumps(value, ensure_ascii=False).encode(errors="replace"))
    return value


def object_in(body: bytes, content_type: str = "") -> JsonObject | None:
    """The JSON object in a body; None for anything else."""
    try:
        found = parse(text_of(body, content_type))
    except UnreadableJson:
        return None
    return found if isinstance(found, dict) else None


def _finite(token: str) -> float | None:
    number = float(token)
    return number if math.isfinite(number) else None


def _integer(token: str) -> int | None:
    number = int(token)  # refuses more than 4,300 digits
    return None if len(token) > _LONGEST_EXACT and math.isinf(float(token)) else number
