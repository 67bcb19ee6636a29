"""The meaning of an HTTP response or failure for a test or an action, for every connector that speaks HTTP."""

import re
from urllib.parse import urlsplit

from jobsprint.connectors.base import TestResult
from jobsprint.core.canonical_json import JsonObject, JsonValue
from jobsprint.core.clock import now_ms
from jobsprint.core.errors import JobsprintError, RateLimited, UpstreamFailed, UpstreamTimeout
from jobsprint.core.redaction import Masker
from jobsprint.core.retry_after import retry_after_seconds
from jobsprint.core.shown_url import shown_url
from jobsprint.core.upstream_json import NotJson, UnreadableJson, parse, text_of
from jobsprint.domain import delivery_failures
from jobsprint.outbound.client import Response, TransferFailure

_DEFAULT_RETRY_SECONDS = 30
_MAX_LOCATION = 200

_NO = frozenset({"false", "0", "0.0", "no", "off"})
_YES = frozenset({"true", "1", "1.0", "yes", "on"})
_JSON_TYPES = frozenset({"application/json", "text/json", "application/x-json"})
_LOOKS_LIKE_JSON = re.compile(r"[\ufeff\s]*(?:\[\s*)*\{\s*\"")

# Kinds of failures before anything was sent that are about the upstream, not the URL.
_OUTAGES = frozenset({"dns", "connect", "tls"})


def failed(failure: TransferFailure) -> UpstreamFailed:
    """The error for a call without a usable answer; one that was sent is `unknown`."""
    if failure.kind.startswith("timeout"):
        after = ", after the call was sent: whether it was done is unknown" if failure.sent else ""
        return UpstreamTimeout(
            f"The upstream did not answer in time{after}", unknown=failure.sent, sent=failure.sent, outage=True
        )
    if failure.detail == "encoding":
        return unreadable(failure.message)
    if failure.sent:
        return UpstreamFailed(
            f"The connection broke after the call was sent ({failure.kind}): whether it was done is unknown",
            code="outcome_unknown",
            unknown=True,
            outage=True,
        )
    return UpstreamFailed(
        f"The upstream could not be reached: {failure.message}",
        code=f"upstream_{failure.kind}",
        sent=False,
        outage=failure.kind in _OUTAGES,
    )


def refused(answer: Response) -> JobsprintError:
    """The error for an answer that is no 2xx."""
    if answer.status == 429:
        asked = retry_after_seconds(answer.headers.get("retry-after"), now_ms())
        return RateLimited(
            "The upstream wants fewer calls",
            code="upstream_rate_limited",
            retry_after=_DEFAULT_RETRY_SECONDS if asked is None else max(asked, 1),
        )
    if answer.status in (401, 403):
        return UpstreamFailed(f"The upstream refused the credentials (HTTP {answer.status})", code="upstream_refused")
    if 300 <= answer.status < 400:
        return UpstreamFailed(f"The upstream {redirects(answer)}; redirects are not followed")
    return UpstreamFailed(f"The upstream answered HTTP {answer.status}", outage=answer.status >= 500)


def redirects(answer: Response) -> str:
    """What a 3xx does, with the place it names but without its query: `redirects (HTTP 302) to https://h/login`."""
    location = answer.headers.get("location", "")
    try:
        place = shown_url(urlsplit(location)._replace(query="", fragment="").geturl())[:_MAX_LOCATION]
    except ValueError:
        place = ""
    return f"redirects (HTTP {answer.status})" + (f" to {place}" if place and place.isprintable() else "")


def test_result(outcome: Response | TransferFailure) -> TestResult:
    """What the outcome of a test call says of the connection: 2xx passes."""
    if isinstance(outcome, TransferFailure):
        return TestResult(
            passed=False,
            message=f"The endpoint could not be reached: {outcome.message}",
            response_ms=outcome.duration_ms,
            reason=outcome.kind,
            next_step=delivery_failures.meaning(outcome.kind).next_step,
        )
    if 200 <= outcome.status < 300:
        trouble = f"; the body of the answer is not whole ({outcome.body_failure})" if outcome.body_failure else ""
        return TestResult(passed=True, message=f"Connection successful{trouble}", response_ms=outcome.duration_ms)
    return _refused_test(outcome)


def _refused_test(answer: Response) -> TestResult:
    if answer.status in (401, 403):
        reason, step = "credential_rejected", "Give the connection valid headers or a valid secret"
    elif 300 <= answer.status < 400:
        reason, step = "redirect", "Use the address that the endpoint redirects to; redirects are not followed"
    else:
        reason, step = f"http_{answer.status // 100}xx", "Make the endpoint answer the ping with a 2xx status"
    return TestResult(
        passed=False,
        message=f"The endpoint {redirects(answer) if reason == 'redirect' else f'answered HTTP {answer.status}'}",
        response_ms=answer.duration_ms,
        reason=reason,
        next_step=step,
    )


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
            raise unreadable("it is no JSON that can be read") from error
        lines = masker.value(lines)
        for line in lines:
            _raise_failure(line)
        return {"success": True, "value": lines}
    _raise_failure(value)
    if not isinstance(value, dict):
        return {"success": True, "value": value}
    return value if "success" in value else {"success": True, **value}


def _raise_failure(value: JsonValue) -> None:
    if isinstance(value, dict) and says_failure(value):
        raise UpstreamFailed(_reason(value))


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


def _reason(answer: JsonObject) -> str:
    said = answer.get("error") or answer.get("message")
    if isinstance(said, dict):
        said = said.get("message")
    return f"The upstream says it failed: {said[:200]}" if isinstance(said, str) else "The upstream says it failed"
