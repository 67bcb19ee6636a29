"""One attempt: the signed request, and the record of its outcome."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from jobsprint.core.redaction import redact_text
from jobsprint.core.shown_url import shown_url
from jobsprint.domain import delivery_headers, mcp_events
from jobsprint.domain.deliveries import Attempt, DeliveryTask
from jobsprint.domain.integrations import Integration
from jobsprint.outbound.client import Request, Response, TransferResult
from jobsprint.security import signing
from jobsprint.security.credentials import Credentials

BUDGET_SECONDS = 15.0
"""One wall-clock budget over DNS, TCP, TLS, head and body."""

MAX_RESPONSE_BYTES = 16 * 1024
"""How much of a response is read, after decompression."""

MAX_STORED_OF_SUCCESS = 512
"""Bytes stored of a successful response and its request: the row of a delivery that succeeds at once stays below 1 KB,
which is one write unit."""

MAX_STORED_OF_FAILURE = 2048
_MAX_URL_OF_SUCCESS, _MAX_URL_OF_FAILURE = 160, 512
_MAX_NAMES_OF_SUCCESS, _MAX_NAMES_OF_FAILURE = 160, 512

WORKER_DIED = "worker_died"
REPORTED = "reported"
BODY_TOO_LARGE = "body_too_large"


def signed(task: DeliveryTask, payload: str, credentials: Credentials, now: int) -> tuple[dict[str, str], bytes]:
    """The headers and the body of an attempt; `payload` is the event's data as canonical text, `now` in ms.

    The body has event, timestamp, data and signature. The webhook's own headers are overridden by the service's.
    """
    body = signing.signed_body(task.event, task.timestamp, payload, credentials.valid_secrets(now)[0])
    return _headers(task, body, credentials, now), body


def occurrence(task: DeliveryTask, payload: str, credentials: Credentials, now: int) -> tuple[dict[str, str], bytes]:
    """The headers and the body of an attempt in the form of MCP Events; parameters as for `signed`."""
    body = mcp_events.occurrence(task.event_id, task.event, task.timestamp, payload).encode()
    return _headers(task, body, credentials, now), body


def _headers(task: DeliveryTask, body: bytes, credentials: Credentials, now: int) -> dict[str, str]:
    secrets = credentials.valid_secrets(now)
    return {
        **delivery_headers.own(credentials.headers),
        **delivery_headers.unsigned(task.event, task.attempt),
        **signing.headers(message_id=task.event_id, body=body, unix_time=now // 1000, secrets=secrets),
    }


def request(task: DeliveryTask, payload: str, webhook: Integration, credentials: Credentials, now: int) -> Request:
    """The signed POST of an attempt to a webhook; the others as for `signed`."""
    headers, body = (occurrence if webhook.is_mcp else signed)(task, payload, credentials, now)
    # The endpoint recognises a repeat by its webhook-id, so a broken kept-alive connection need not cost an attempt.
    return Request("POST", credentials.url, headers, body, repeatable=True, head_decides=True)


@dataclass(frozen=True)
class Report:
    """What a client of a polling endpoint says of an attempt: whether it worked on the event, and maybe the HTTP status
    and the words with which it was answered."""

    status: Literal["success", "error"]
    http_status: int | None = None
    message: str | None = None


@dataclass(frozen=True)
class _RequestRecord:
    """What is stored of every request to a webhook, and how many bytes are left for the response."""

    url: str
    header_names: tuple[str, ...]
    response_bytes: int


def _request_record(credentials: Credentials, *, max_url: int, max_names: int) -> _RequestRecord:
    url = _cut(shown_url(credentials.url), max_url)
    return _RequestRecord(url, _fitting(delivery_headers.own(credentials.headers), max_names), MAX_STORED_OF_FAILURE)


class AttemptRecordBuilder:
    """Builds the records of attempts sent with `credentials`, which are masked in the responses.

    What these have in common is computed once: keep it as long as the credentials.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._masker = credentials.masker()
        self._failed = _request_record(credentials, max_url=_MAX_URL_OF_FAILURE, max_names=_MAX_NAMES_OF_FAILURE)
        succeeded = _request_record(credentials, max_url=_MAX_URL_OF_SUCCESS, max_names=_MAX_NAMES_OF_SUCCESS)
        left = MAX_STORED_OF_SUCCESS - _size([succeeded.url, *succeeded.header_names])
        self._succeeded = replace(succeeded, response_bytes=left)

    def build(self, outcome: TransferResult, number: int, started_at: int) -> Attempt:
        """The record of attempt `number`, signed at `started_at` (ms).

        Only 2xx is success, and every 2xx is, whatever its body did; `warning` says what that was. A failure is
        `http_3xx` and the like, or the reason of an `outbound.client.TransferFailure`.
        """
        answer = outcome if isinstance(outcome, Response) else None
        success = answer is not None and 200 <= answer.status < 300
        record = self._succeeded if success else self._failed
        text = (
            self._masker.text(answer.body.decode("utf-8", "replace"), cut_off=_warning(answer) is not None)
            if answer
            else ""
        )
        return Attempt(
            number=number,
            status="success" if success else "error",
            started_at=started_at,
            duration_ms=outcome.duration_ms,
            http_status=outcome.status,
            failure=_failure(outcome),
            warning=_warning(answer) if answer else None,
            response=_cut(redact_text(text), record.response_bytes) or None,
            timings=outcome.timings,
            url=record.url,
            header_names=record.header_names,
            signatures=len(self._credentials.valid_secrets(started_at)),
        )

    def reported(self, report: Report, number: int, *, lease: str, started_at: int, now: int) -> Attempt:
        """The record of attempt `number`, which a client of a polling endpoint took at `started_at` (ms) and reports
        now."""
        success = report.status == "success"
        text = self._masker.text(report.message or "", cut_off=False)
        limit = MAX_STORED_OF_SUCCESS if success else MAX_STORED_OF_FAILURE
        return Attempt(
            number=number,
            status=report.status,
            started_at=started_at,
            duration_ms=max(0, now - started_at),
            http_status=report.http_status,
            failure=None if success else _reported_failure(report.http_status),
            response=_cut(redact_text(text), limit) or None,
            signatures=len(self._credentials.valid_secrets(started_at)),
            lease=lease,
        )


def _reported_failure(http_status: int | None) -> str:
    """The kind of a failure that a client reports; a status of 2xx explains none."""
    if http_status is None or 200 <= http_status < 300:
        return REPORTED
    return f"http_{http_status // 100}xx"


def _failure(outcome: TransferResult) -> str | None:
    if not isinstance(outcome, Response):
        return outcome.reason
    if not 200 <= outcome.status < 300:
        return f"http_{outcome.status // 100}xx"
    return None


def _warning(answer: Response) -> str | None:
    return BODY_TOO_LARGE if answer.truncated else answer.body_failure


def unknown(number: int, started_at: int) -> Attempt:
    """The record of an attempt whose worker crashed: whether it was sent is unknown."""
    return Attempt(number=number, status="unknown", started_at=started_at, duration_ms=0, failure=WORKER_DIED)


def _cut(text: str, limit: int) -> str:
    """The start of `text` whose JSON has at most `limit` UTF-8 bytes without its quotes; `…` shows that it was cut."""
    if _size(text) <= limit:
        return text
    low, high = 0, min(len(text), limit)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _size(text[:middle] + "…") <= limit else (low, middle - 1)
    return text[:low] + "…"


def _fitting(names: Iterable[str], limit: int) -> tuple[str, ...]:
    """As many of the names as have at most `limit` bytes; `…` at the end shows that there were more."""
    fitting: tuple[str, ...] = ()
    for name in names:
        if _size([*fitting, name, "…"]) > limit:
            return (*fitting, "…")
        fitting = (*fitting, name)
    return fitting


def _size(value: str | list[str | None]) -> int:
    """UTF-8 bytes of the JSON without its quotes or brackets."""
    return len(json.dumps(value, ensure_ascii=False).encode()) - 2
