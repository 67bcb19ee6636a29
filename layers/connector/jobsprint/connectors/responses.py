"""The meaning of an HTTP response or failure for a test or an action, for every connector that speaks HTTP."""

from urllib.parse import urlsplit

from jobsprint.connectors.answers import said, unreadable, upstream_answer, with_sentence
from jobsprint.connectors.base import TestResult
from jobsprint.core.canonical_json import JsonValue
from jobsprint.core.clock import now_ms
from jobsprint.core.errors import JobsprintError, RateLimited, UpstreamFailed, UpstreamTimeout
from jobsprint.core.redaction import Masker
from jobsprint.core.retry_after import retry_after_seconds
from jobsprint.core.shown_url import shown_url
from jobsprint.domain import delivery_failures
from jobsprint.outbound.client import Response, TransferFailure

_DEFAULT_RETRY_SECONDS = 30
_MAX_LOCATION = 200

LOST_BY_A_PROXY = frozenset({502, 504, 520, 521, 522, 523, 524})
"""Statuses of a gateway that passed a call on and got no answer to it: whether it was done is unknown."""

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


def refused(answer: Response, masker: Masker) -> JobsprintError:
    """The error for an answer that is no 2xx, with what the upstream says about it."""
    value = said(answer, masker)
    error = _refused(answer, masker, value)
    error.upstream = upstream_answer(answer.status, value)
    return error


def _refused(answer: Response, masker: Masker, value: JsonValue) -> JobsprintError:
    if answer.status == 429:
        asked = retry_after_seconds(answer.headers.get("retry-after"), now_ms())
        return RateLimited(
            with_sentence("The upstream wants fewer calls", value),
            code="upstream_rate_limited",
            retry_after=_DEFAULT_RETRY_SECONDS if asked is None else max(asked, 1),
        )
    if answer.status in (401, 403):
        message = with_sentence(f"The upstream refused the credentials (HTTP {answer.status})", value)
        return UpstreamFailed(message, code="upstream_refused")
    if 300 <= answer.status < 400:
        return UpstreamFailed(f"The upstream {redirects(answer, masker)}; redirects are not followed")
    if answer.status in LOST_BY_A_PROXY:
        return UpstreamFailed(
            f"A gateway answered HTTP {answer.status} after the call was sent: whether it was done is unknown",
            code="outcome_unknown",
            unknown=True,
            outage=True,
        )
    message = with_sentence(f"The upstream answered HTTP {answer.status}", value)
    return UpstreamFailed(message, outage=answer.status >= 500)


def redirects(answer: Response, masker: Masker) -> str:
    """What a 3xx does, with the place it names but without its query: `redirects (HTTP 302) to https://h/login`."""
    location = masker.text(answer.headers.get("location", ""))
    try:
        place = shown_url(urlsplit(location)._replace(query="", fragment="").geturl())[:_MAX_LOCATION]
    except ValueError:
        place = ""
    return f"redirects (HTTP {answer.status})" + (f" to {place}" if place and place.isprintable() else "")


def test_result(outcome: Response | TransferFailure, masker: Masker) -> TestResult:
    """What the outcome of a test call says of the connection, in masked words: 2xx passes."""
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
    return _refused_test(outcome, masker)


def _refused_test(answer: Response, masker: Masker) -> TestResult:
    message = with_sentence(f"The endpoint answered HTTP {answer.status}", said(answer, masker))
    if answer.status in (401, 403):
        reason, step = "credential_rejected", "Give the connection valid headers or a valid secret"
    elif 300 <= answer.status < 400:
        message = f"The endpoint {redirects(answer, masker)}"
        reason, step = "redirect", "Use the address that the endpoint redirects to; redirects are not followed"
    else:
        reason, step = f"http_{answer.status // 100}xx", "Make the endpoint answer the ping with a 2xx status"
    return TestResult(
        passed=False,
        message=message,
        response_ms=answer.duration_ms,
        reason=reason,
        next_step=step,
    )
