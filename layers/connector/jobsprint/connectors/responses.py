"""The meaning of an HTTP response or failure for a test or an action, for every connector that speaks HTTP."""

import json

from jobsprint.connectors.base import TestResult
from jobsprint.core.canonical_json import JsonObject, JsonValue, too_deep
from jobsprint.core.clock import now_ms
from jobsprint.core.errors import JobsprintError, RateLimited, UpstreamFailed, UpstreamTimeout
from jobsprint.core.retry_after import retry_after_seconds
from jobsprint.domain import delivery_failures
from jobsprint.outbound.client import Response, TransferFailure

_DEFAULT_RETRY_SECONDS = 30

# Kinds of failures before anything was sent that are about the upstream, not the URL.
_OUTAGES = frozenset({"dns", "connect", "tls"})


def failed(failure: TransferFailure) -> UpstreamFailed:
    """The error for a call without a usable answer; one that was sent is `unknown`."""
    if failure.kind.startswith("timeout"):
        after = ", after the call was sent: whether it was done is unknown" if failure.sent else ""
        return UpstreamTimeout(
            f"The upstream did not answer in time{after}", unknown=failure.sent, sent=failure.sent, outage=True
        )
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
    return UpstreamFailed(f"The upstream answered HTTP {answer.status}", outage=answer.status >= 500)


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
        message=f"The endpoint answered HTTP {answer.status}",
        response_ms=answer.duration_ms,
        reason=reason,
        next_step=step,
    )


def read_json(text: str) -> JsonValue:
    """JSON as others write it: `NaN` is taken for null, and halves of surrogate pairs, which no log can hold, for `?`.

    Raises JSONDecodeError for what is no JSON, and UpstreamFailed for what cannot be handed on.
    """
    try:
        answer: JsonValue = json.loads(text, parse_constant=lambda _: None)
    except json.JSONDecodeError:
        raise
    except (ValueError, RecursionError) as error:  # an integer of over 4,300 digits; nesting
        raise UpstreamFailed("The answer cannot be read", code="upstream_answer_unreadable") from error
    if too_deep(answer, text):
        raise UpstreamFailed("The answer is nested too deeply", code="upstream_answer_unreadable")
    if "\\u" in text:
        answer = json.loads(json.dumps(answer, ensure_ascii=False).encode(errors="replace"))
    return answer


def read_object(body: bytes) -> JsonObject | None:
    """The JSON object in the body of an answer, read as `read_json` does; None for anything else."""
    try:
        found = read_json(body.decode("utf-8-sig", errors="replace"))
    except (json.JSONDecodeError, UpstreamFailed):
        return None
    return found if isinstance(found, dict) else None
