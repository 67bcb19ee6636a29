"""Actions: a request for one, its outcome, its log entry, and its execution in the background."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from jobsprint.core.canonical_json import JsonObject
from jobsprint.core.errors import (
    Conflict,
    JobsprintError,
    NotFound,
    RateLimited,
    UpstreamAnswer,
    UpstreamFailed,
    UpstreamTimeout,
)

LogStatus = Literal["success", "error", "unknown"]
ExecutionState = Literal["queued", "running", "succeeded", "failed", "unknown", "cancelled"]


@dataclass(frozen=True)
class Approved:
    """The approval that a call has, and the id of the token that gave it, at `at` (Unix ms)."""

    id: str
    by: str
    at: int

    def to_fields(self) -> dict[str, str]:
        """The fields as `from_fields` reads them."""
        return {"id": self.id, "by": self.by, "at": str(self.at)}

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> "Approved":
        """The approval that `to_fields` wrote."""
        return cls(fields["id"], fields["by"], int(fields["at"]))


@dataclass(frozen=True)
class RequestedAction:
    """An action that a caller asked for; `traceparent` is a valid one or None, `request_id` that of the request.

    `approval` is the one that it has, where it needs one.
    """

    tenant: str
    integration_id: str
    action: str
    parameters: JsonObject
    traceparent: str | None = None
    request_id: str | None = None
    approval: Approved | None = None


@dataclass(frozen=True)
class Execution:
    """An action that runs in the background. Times are Unix milliseconds.

    `encrypted_parameters` are there until it has ended, `encrypted_outcome` from then on. `lease_token` is the one of
    the worker that sends the call from `started_at` on; the worker is dead if there is no outcome at `lease_until`. An
    execution that was turned away unread is queued for a background retry, not before `not_before`; `retries` counts
    those.
    """

    id: str
    integration_id: str
    action: str
    state: ExecutionState
    created_at: int
    traceparent: str | None = None
    request_id: str | None = None
    approval: Approved | None = None
    encrypted_parameters: str | None = None
    encrypted_outcome: str | None = None
    lease_token: str | None = None
    started_at: int = 0
    lease_until: int = 0
    not_before: int = 0
    retries: int = 0
    finished_at: int | None = None

    def as_of(self, now: int) -> "Execution":
        """The execution as it stands at `now` (ms): `unknown` where its worker died, recorded or not."""
        if self.state != "running" or self.lease_until >= now:
            return self
        return replace(self, state="unknown", finished_at=self.lease_until)


@dataclass(frozen=True)
class ExecutionFilter:
    """Which executions to show; None matches all. `from_ms` and `to_ms` (both included) bound their acceptance."""

    action: str | None = None
    state: ExecutionState | None = None
    from_ms: int | None = None
    to_ms: int | None = None

    def matches(self, execution: Execution) -> bool:
        """Whether an execution matches, apart from its time."""
        return self.action in (None, execution.action) and self.state in (None, execution.state)


@dataclass(frozen=True)
class LogEntry:
    """One action call as it is shown: `input` and `output` are redacted and cut JSON text.

    `request_id` is that of the API request that asked for it, `approval` the one that it had, where there is one.
    """

    id: str
    action: str
    status: LogStatus
    input: str
    output: str
    execution_ms: int
    at: int
    request_id: str | None = None
    approval: Approved | None = None


@dataclass(frozen=True)
class LogFilter:
    """Which log entries to show. `from_ms` and `to_ms` bound their start (Unix ms, both included); None: all."""

    action: str | None = None
    status: LogStatus | None = None
    from_ms: int | None = None
    to_ms: int | None = None


State = Literal["succeeded", "failed", "unknown"]
# The errors that a call can end with once it was sent; a 429 is never stored (`not_executed`).
_BY_STATUS: dict[int, type[JobsprintError]] = {
    kind.status: kind for kind in (NotFound, Conflict, UpstreamFailed, UpstreamTimeout)
}


@dataclass(frozen=True)
class Outcome:
    """Either `result` and how long the upstream took, or the `error` that the caller was answered with."""

    result: JsonObject | None = None
    error: JobsprintError | None = None
    execution_ms: int = 0

    @property
    def state(self) -> State:
        """`unknown` when the call was sent and its fate is not known."""
        if self.error is None:
            return "succeeded"
        return "unknown" if isinstance(self.error, UpstreamFailed) and self.error.unknown else "failed"

    def to_text(self) -> str:
        """The outcome as JSON text that `from_text` reads."""
        error = self.error and {
            "status": self.error.status,
            "code": self.error.code,
            "message": self.error.message,
            "unknown": self.state == "unknown",
            "upstream": self.error.upstream and asdict(self.error.upstream),
            "log_id": self.error.log_id,
        }
        return json.dumps({"result": self.result, "error": error, "executionMs": self.execution_ms})

    @classmethod
    def from_text(cls, text: str) -> "Outcome":
        """The outcome that `to_text` wrote."""
        fields = json.loads(text)
        error = fields["error"] and _error(**fields["error"])
        return cls(fields["result"], error, fields["executionMs"])


def outcome_unknown() -> UpstreamTimeout:
    """The error for a call that was sent by a process that ended before it stored the outcome."""
    return UpstreamTimeout(
        "The call was sent and ended before its answer was kept: whether it was done is unknown. It is not sent again",
        code="outcome_unknown",
        unknown=True,
    )


def not_executed(error: Exception) -> bool:
    """Whether a call that ended with `error` certainly was not executed: never sent, or turned away unread.

    The latter is a 429 (RFC 6585), and a Conflict: its authorization did not suffice, and only a new one helps.
    """
    if isinstance(error, UpstreamFailed):
        return not error.sent
    return isinstance(error, RateLimited | Conflict)


def _error(
    *, status: int, code: str, message: str, unknown: bool, upstream: dict[str, Any] | None, log_id: str | None
) -> JobsprintError:
    error = _BY_STATUS.get(status, JobsprintError)(message, code=code)
    error.upstream = UpstreamAnswer(**upstream) if upstream else None
    error.log_id = log_id
    if isinstance(error, UpstreamFailed):
        error.unknown = unknown
    return error


RETRY_WINDOW_MS = 3600 * 1000
"""How long after it was accepted an action may be retried in the background."""

MAX_RETRIES = 20
_LONGEST_OWN_SECONDS = 300
_JITTER = 0.1


def retry_at(error: JobsprintError | None, *, created_at: int, retries: int, now: int, fraction: float) -> int | None:
    """When (Unix ms) to retry what ended with `error` after so many `retries`; None where that is its end.

    Only what certainly was not executed and says when to come back (a 429, an open circuit) is retried. From one retry
    to the next at least twice as long goes by, up to five minutes, also where less was asked for; `fraction` (0 to 1)
    lengthens the wait by up to a tenth, because many may wait for the same upstream.
    """
    if error is None or "Retry-After" not in error.headers or not not_executed(error) or retries >= MAX_RETRIES:
        return None
    seconds = max(int(error.headers["Retry-After"]), min(2**retries, _LONGEST_OWN_SECONDS))
    at = now + math.ceil(seconds * (1 + _JITTER * fraction) * 1000)
    return at if at <= created_at + RETRY_WINDOW_MS else None
