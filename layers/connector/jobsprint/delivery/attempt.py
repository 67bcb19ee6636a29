"""One attempt: the request that is sent, and what is kept of the outcome (contract, section 4)."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from jobsprint.core.redaction import MASK, redactor, shown_url
from jobsprint.delivery import attempt
from jobsprint.domain.deliveries import Attempt, Delivery, Ticket
from jobsprint.outbound.client import Request, Response, TransferResult
from jobsprint.security import signing
from jobsprint.security.credentials import Credentials

BUDGET_SECONDS = 15.0
"""One wall-clock budget over DNS, TCP, TLS, head and body."""

MAX_ANSWER_BYTES = 16 * 1024
"""What is read of an answer, after decompression."""

MAX_KEPT_OF_SUCCESS = 512
"""Bytes kept of a good answer and of what was sent for it: the row of a delivered first try stays below 1 KB, one write
unit."""

MAX_KEPT_OF_FAILURE = 2048
_MAX_URL_OF_SUCCESS, _MAX_URL_OF_FAILURE = 160, 512
_MAX_NAMES_OF_SUCCESS, _MAX_NAMES_OF_FAILURE = 160, 512

WORKER_DIED = "worker_died"
_URL_PARTS = re.compile(r"[/?&=#]")


def request(ticket: Ticket, data: str, credentials: Credentials, now: int) -> Request:
    """The signed POST of this attempt; `data` is the event's canonical text, `now` in ms.

    The body is the seed's: event, timestamp, data, signature. The webhook's own headers go first, ours win.
    """
    secrets = credentials.valid_secrets(now)
    body = signing.signed_body(ticket.event, ticket.timestamp, data, secrets[0])
    ours = {
        **attempt.unsigned(ticket.event, ticket.attempt),
        **signing.headers(message_id=ticket.event_id, body=body, unix_time=now // 1000, secrets=secrets),
    }
    # The receiver knows a repeat by its webhook-id, so a dead kept-alive connection need not cost an attempt.
    return Request("POST", credentials.url, {**attempt.own(credentials.headers), **ours}, body, repeatable=True)


@dataclass(frozen=True)
class _Sent:
    """What is kept of every request of a webhook, and how many bytes of the answer go with it."""

    url: str
    header_names: tuple[str, ...]
    room: int

    @classmethod
    def of(cls, credentials: Credentials, *, most_url: int, most_names: int) -> "_Sent":
        url = _cut(shown_url(credentials.url), most_url)
        return cls(url, _fitting(attempt.own(credentials.headers), most_names), MAX_KEPT_OF_FAILURE)

    def within(self, most: int) -> "_Sent":
        """The same, with `most` bytes for all together."""
        return replace(self, room=most - _size([self.url, *self.header_names]))


class Keeper:
    """Says what is kept of the attempts that are sent with `credentials`, which are masked in the answers.

    What these have in common is found once: keep it as long as the credentials.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._redact = redactor(secrets_of(credentials))
        self._of_failure = _Sent.of(credentials, most_url=_MAX_URL_OF_FAILURE, most_names=_MAX_NAMES_OF_FAILURE)
        self._of_success = _Sent.of(credentials, most_url=_MAX_URL_OF_SUCCESS, most_names=_MAX_NAMES_OF_SUCCESS).within(
            MAX_KEPT_OF_SUCCESS
        )

    def attempt_of(self, outcome: TransferResult, number: int, started_at: int) -> Attempt:
        """Attempt `number`, signed at `started_at` (ms).

        Only 2xx is success, and every 2xx is: one whose answer was longer than is read (`body_too_large`) was
        delivered. A failure is `http_3xx` and the like, or the reason of `outbound.TransferFailure`.
        """
        answer = outcome if isinstance(outcome, Response) else None
        success = answer is not None and 200 <= answer.status < 300
        sent = self._of_success if success else self._of_failure
        text = self._redact(answer.body.decode("utf-8", "replace")) if answer and answer.body else ""
        return Attempt(
            number=number,
            status="success" if success else "error",
            started_at=started_at,
            duration_ms=outcome.duration_ms,
            http_status=outcome.status,
            failure=_failure(outcome),
            response=_cut(text, sent.room) or None,
            timings=outcome.timings,
            url=sent.url,
            header_names=sent.header_names,
            signatures=len(self._credentials.valid_secrets(started_at)),
        )


def _failure(outcome: TransferResult) -> str | None:
    if not isinstance(outcome, Response):
        return outcome.reason
    if not 200 <= outcome.status < 300:
        return f"http_{outcome.status // 100}xx"
    return "body_too_large" if outcome.truncated else None


def died(number: int, started_at: int) -> Attempt:
    """An attempt whose worker died: it may have been sent, nobody knows."""
    return Attempt(number=number, status="unknown", started_at=started_at, duration_ms=0, failure=WORKER_DIED)


def secrets_of(credentials: Credentials) -> tuple[str, ...]:
    """What must be masked in an answer: header values, signing secrets, and the parts of the URL that look secret."""
    shown = shown_url(credentials.url)
    hidden = {part for part in _URL_PARTS.split(credentials.url) if part and part not in shown}
    return (*credentials.values(), *hidden)


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
    kept: tuple[str, ...] = ()
    for name in names:
        if _size([*kept, name, "…"]) > limit:
            return (*kept, "…")
        kept = (*kept, name)
    return kept


def _size(value: str | list[str | None]) -> int:
    """UTF-8 bytes of the JSON without its quotes or brackets."""
    return len(json.dumps(value, ensure_ascii=False).encode()) - 2


USER_AGENT = "Jobsprint-Webhooks/1.0"
_OURS = frozenset(
    {
        "content-type",
        "user-agent",
        "x-jobsprint-event",
        "x-jobsprint-attempt",
        "x-jobsprint-signature",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    }
)


def own(headers: Mapping[str, str]) -> dict[str, str]:
    """What a webhook adds to every request: its headers without those that are ours, in any case."""
    return {name: value for name, value in headers.items() if name.lower() not in _OURS}


def unsigned(event: str, number: int) -> dict[str, str]:
    """What attempt `number` says beside its signatures."""
    return {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "X-Jobsprint-Event": event,
        "X-Jobsprint-Attempt": str(number),
    }


def shown(delivery: Delivery, attempt: Attempt) -> dict[str, str]:
    """The headers as `attempt` sent them, with the values of the webhook's own and every signature masked.

    Those that belong to the connection (`Host`, `Content-Length`, `Accept`, `Accept-Encoding`) are left out.
    """
    return {
        **dict.fromkeys(attempt.header_names, MASK),
        **unsigned(delivery.event, attempt.number),
        "webhook-id": delivery.event_id,
        "webhook-timestamp": str(attempt.started_at // 1000),
        "webhook-signature": " ".join([f"v1,{MASK}"] * attempt.signatures),
        "X-Jobsprint-Signature": f"sha256={MASK}",
    }
