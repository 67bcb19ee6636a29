"""What the body of an upstream's answer says: the result of an action, or a failure in the upstream's own words."""

import re
from typing import Any

from jobsprint.core.canonical_json import JsonObject, JsonValue
from jobsprint.core.cut import cut_json
from jobsprint.core.errors import UpstreamAnswer, UpstreamFailed
from jobsprint.core.redaction import Masker, redact_text
from jobsprint.core.upstream_json import NotJson, UnreadableJson, parse, text_of
from jobsprint.outbound.client import Response

_NO = frozenset({"false", "0", "0.0", "no", "off"})
_YES = frozenset({"true", "1", "1.0", "yes", "on"})
_JSON_TYPES = frozenset({"application/json", "text/json", "application/x-json"})
_LOOKS_LIKE_JSON = re.compile(r"[\ufeff\s]*(?:\[\s*)*\{\s*\"")

_MAX_BODY = 7 * 1024
"""Bytes of the body in `error.upstream`: with code and message a log entry of 8 KB has room for it."""

_MAX_SENTENCE = 300
_MAX_NESTING = 4
_SENTENCES = tuple(
    "error_description message detail details reason description errorMessage error_message title msg error errors "
    "fault faultstring Message".split()
)
"""Fields in which APIs explain an error to a person, those that explain most first."""


# --- results ----------------------------------------------------------------------------------------------------------


def result_of(answer: Response, masker: Masker) -> JsonObject:
    """The result of an action in a 2xx answer, masked: an object as it is, other JSON under `value`, text under `text`.

    Raises UpstreamFailed where the answer says that it failed, is longer than is read, or cannot be read although it
    claims to be JSON: a failure may be behind that.
    """
    if answer.truncated:
        raise UpstreamFailed(
            f"The answer is longer than {len(answer.body) // 1024} KB", code="upstream_answer_too_large"
        )
    content_type = answer.headers.get("content-type", "")
    text = text_of(answer.body, content_type)
    if not text.strip():
        return {"success": True}
    try:
        value = masker.value(parse(text))
    except UnreadableJson as error:
        if isinstance(error, NotJson) and not _claims_to_be_json(content_type, text):
            return {"success": True, "text": masker.text(text)}
        lines = json_lines(text)
        if lines is None:
            unread = unreadable("it is no JSON that can be read")
            unread.upstream = upstream_answer(answer.status, said(answer, masker))
            raise unread from error
        lines = masker.value(lines)
        for line in lines:
            _raise_failure(answer.status, line)
        return {"success": True, "value": lines}
    _raise_failure(answer.status, value)
    if not isinstance(value, dict):
        return {"success": True, "value": value}
    return value if "success" in value else {"success": True, **value}


def _raise_failure(status: int, value: JsonValue) -> None:
    if isinstance(value, dict) and says_failure(value):
        raise failure("The upstream says it failed", status, value)


def json_lines(text: str) -> list[JsonValue] | None:
    """The values of a text with one on each line (NDJSON, RFC 7464); None for anything else."""
    lines = [line.strip("\x1e \t\r") for line in text.removeprefix("\ufeff").split("\n")]
    try:
        return [parse(line) for line in lines if line]
    except UnreadableJson:
        return None


def unreadable(why: str) -> UpstreamFailed:
    """The error for a 2xx whose body may say anything."""
    return UpstreamFailed(f"The upstream answered, and its answer cannot be read: {why}", code="upstream_unreadable")


def says_failure(answer: JsonObject) -> bool:
    """Whether an answer calls itself a failure, in any of the ways that `success` and `isError` are written."""
    return _says(answer, "success", _NO) or _says(answer, "isError", _YES)


def _says(answer: JsonObject, name: str, words: frozenset[str]) -> bool:
    value = answer.get(name)
    return isinstance(value, bool | int | float | str) and str(value).strip().lower() in words


def _claims_to_be_json(content_type: str, text: str) -> bool:
    """Whether an answer is meant to be JSON, by its type or by its look."""
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type in _JSON_TYPES or media_type.endswith("+json") or _LOOKS_LIKE_JSON.match(text) is not None


# --- failures ---------------------------------------------------------------------------------------------------------


def said(answer: Response, masker: Masker) -> JsonValue:
    """What an answer says, masked: JSON where it is JSON, else text; None where it is empty."""
    text = text_of(answer.body, answer.headers.get("content-type", ""))
    if not text.strip():
        return None
    try:
        return masker.value(parse(text))
    except UnreadableJson:
        return masker.text(text, cut_off=answer.truncated or answer.body_failure is not None)


def upstream_answer(status: int, value: JsonValue) -> UpstreamAnswer:
    """An answer as an error carries it; `value` is masked."""
    return UpstreamAnswer(status, cut_json(value, _MAX_BODY))


def failure(message: str, status: int, value: JsonValue, **more: Any) -> UpstreamFailed:
    """The error of an upstream that said `value` (masked) with that status: `message` with the upstream's own sentence.

    `more` goes to UpstreamFailed.
    """
    error = UpstreamFailed(with_sentence(message, value), **more)
    error.upstream = upstream_answer(status, value)
    return error


def with_sentence(message: str, value: JsonValue) -> str:
    """`message`, and behind a colon what `value` explains to a person, where it does."""
    sentence = sentence_of(value)
    return f"{message}: {sentence}" if sentence else message


def sentence_of(value: JsonValue) -> str:
    """What an answer explains to a person, in one line; empty where it explains nothing. `value` is masked."""
    return redact_text(_sentence(value, _MAX_NESTING))[:_MAX_SENTENCE]


def _sentence(value: JsonValue, nesting: int) -> str:
    match value:
        case str():
            return "" if value.lstrip().startswith("<") else " ".join(value.split())  # no page for a browser
        case list() if nesting:
            return next((found for one in value[:5] if (found := _sentence(one, nesting - 1))), "")
        case dict() if nesting:
            nested = [value[name] for name in ("error", "errors") if isinstance(value.get(name), dict | list)]
            named = [value[name] for name in _SENTENCES if name in value]
            return next((found for one in (*nested, *named) if (found := _sentence(one, nesting - 1))), "")
        case _:
            return ""
