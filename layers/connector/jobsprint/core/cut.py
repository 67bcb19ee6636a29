"""Texts and JSON cut to a number of bytes, with a mark that shows it. Mask first: a cut secret is not recognised."""

import json

from jobsprint.core.canonical_json import JsonValue

_MARK = "… (cut)"


def cut_text(text: str, limit: int) -> str:
    """`text`, or its start where it has over `limit` bytes in UTF-8."""
    data = text.encode()
    if len(data) <= limit:
        return text
    return data[: limit - len(_MARK.encode())].decode(errors="ignore") + _MARK


def cut_json(value: JsonValue, limit: int) -> JsonValue:
    """`value`, or where its JSON is over `limit` bytes `{"cut": <the start of its JSON>}`; a text stays a text."""
    text = json.dumps(value, ensure_ascii=False)
    if len(text.encode()) <= limit:
        return value
    return cut_text(value, limit) if isinstance(value, str) else {"cut": cut_text(text, limit)}
