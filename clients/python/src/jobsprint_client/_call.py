"""A call of an operation as HTTP, without sending it: the clients send, this module decides."""

import json
import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlencode

from jobsprint_client._model import decode, encode, sent
from jobsprint_client.errors import ApiError, ApprovalRequired, error_of

__version__ = "0.1.0"
TIMEOUT_SECONDS = 35.0
"""The service answers within 29 seconds."""

T = TypeVar("T")

_ACCEPTED = 202
_RETRIED_STATUSES = (429, 500, 503)
# Nobody but a gateway says these: the request may not have reached the service.
_RETRIED_CODES = ("http_502", "http_504", "timeout")


@dataclass(frozen=True)
class Retries:
    """How often and how patiently a failed request is repeated.

    Repeated are requests without an answer, and answers of 429, 500, 503, gateways, and whatever has `Retry-After`.
    A repeat is safe: it has the idempotency key, or the event's id, of the first request.
    """

    limit: int = 2
    """How many repeats there are at most; 0 for none."""
    first_wait: float = 0.5
    """Seconds before the first repeat without a `Retry-After`; doubled each time, minus up to half by chance."""
    longest_wait: float = 60.0
    """A `Retry-After` beyond this is not waited for: the error is raised, with its `retry_after`."""

    def wait(self, attempt: int, error: ApiError | None) -> float | None:
        """Seconds to wait after the attempt of this number, from 0; None where there is no other.

        `error` is what the service answered; None where no answer came.
        """
        if attempt >= self.limit or (error and not _temporary(error)):
            return None
        if error and error.retry_after is not None:
            return error.retry_after if error.retry_after <= self.longest_wait else None
        longest: float = min(self.first_wait * 2**attempt, self.longest_wait)
        return longest * random.uniform(0.5, 1)  # noqa: S311 - spreads load, hides nothing


@dataclass(frozen=True)
class Call(Generic[T]):
    """What all attempts at a call have in common."""

    verb: str
    path: str
    kind: type[T]
    """The type of the answer's `data`, or of one item of a page."""
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str | None] = field(default_factory=dict)
    key: str | None = None
    """The idempotency key of a POST."""

    def target(self) -> str:
        """Path and query."""
        pairs = {name: _text(value) for name, value in self.query.items() if value is not None}
        return f"{self.path}?{urlencode(pairs)}" if pairs else self.path

    def content(self) -> bytes | None:
        """The body as JSON. Raises TypeError or ValueError for what JSON cannot hold."""
        if self.body is None:
            return None
        return json.dumps(sent(self.body), default=encode, ensure_ascii=False, allow_nan=False).encode()

    def all_headers(self) -> dict[str, str]:
        """The headers but that of the token."""
        own = {"Idempotency-Key": self.key, "Content-Type": None if self.body is None else "application/json"}
        given = {**own, **self.headers}
        agent = {"Accept": "application/json", "User-Agent": f"jobsprint-client-python/{__version__}"}
        return {**agent, **{name: value for name, value in given.items() if value is not None}}

    def data(self, answer: Mapping[str, Any]) -> T:
        """What a successful answer holds."""
        found: T = decode(self.kind, answer.get("data"))
        return found


def read(status: int, headers: Mapping[str, str], content: bytes) -> dict[str, Any]:
    """The JSON of a successful answer. Raises ApiError for any other; `headers` are found in any spelling.

    A call that waits for an approval is raised too: it was not made, and a program must not take it for done.
    """
    try:
        body = json.loads(content)
    except ValueError:
        body = content.decode(errors="replace")
    if 200 <= status < 300 and isinstance(body, dict):
        if status == _ACCEPTED and _waits_for_approval(body.get("data")):
            pending = ApprovalRequired(status, body)
            pending.request_id = headers.get("x-amzn-RequestId")  # the bodies of successes do not have it
            raise pending
        return body
    retry_after = headers.get("Retry-After")
    seconds = int(retry_after) if retry_after and retry_after.isdecimal() else None
    raise error_of(status, body, seconds)


def new_key(given: str | None = None) -> str:
    """The caller's idempotency key, or a new one."""
    return given or str(uuid.uuid4())


def with_id(event: Mapping[str, Any]) -> dict[str, Any]:
    """An event with an `id`: that of the caller, or a new one."""
    body = sent(event)
    return body if body.get("id") is not None else {**body, "id": new_key()}


def with_ids(batch: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """A batch of events with an `id` each."""
    return {**batch, "events": [with_id(event) for event in batch["events"]]}


def segment(value: str) -> str:
    """A value as one segment of a path. Raises ValueError for one that would lead to another path."""
    if value in ("", ".", ".."):
        raise ValueError(f"{value!r} is not an id")
    return quote(value, safe="")


def _temporary(error: ApiError) -> bool:
    return error.status in _RETRIED_STATUSES or error.code in _RETRIED_CODES or error.retry_after is not None


def _waits_for_approval(data: Any) -> bool:
    return isinstance(data, dict) and data.get("status") == "pending_approval"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value if isinstance(value, str | int | float) else encode(value))
