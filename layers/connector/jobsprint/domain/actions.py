"""What came of an action call, as it is kept: with an Idempotency-Key, and in an execution."""

import json
import math
from dataclasses import dataclass
from typing import Literal

from jobsprint.core.canonical_json import JsonObject
from jobsprint.core.errors import Conflict, JobsprintError, NotFound, RateLimited, UpstreamFailed, UpstreamTimeout

LogStatus = Literal["success", "error", "unknown"]
ExecutionState = Literal["queued", "running", "succeeded", "failed", "unknown"]


@dataclass(frozen=True)
class Execution:
    """An action that runs in the background. Times are Unix milliseconds.

    `encrypted_parameters` stands until it has ended, `encrypted_outcome` from then on (both encrypted). `holder` is the
    token of the worker that sent the call at `started_at`; it is dead if the outcome is missing at `lease_until`. One
    that was turned away unread is queued again and not sent before `not_before`; `postponed` counts how often.
    """

    id: str
    integration_id: str
    action: str
    state: ExecutionState
    created_at: int
    traceparent: str | None = None
    encrypted_parameters: str | None = None
    encrypted_outcome: str | None = None
    holder: str | None = None
    started_at: int = 0
    lease_until: int = 0
    not_before: int = 0
    postponed: int = 0
    finished_at: int | None = None


@dataclass(frozen=True)
class LogEntry:
    """One action call as it is shown: `input` and `output` are redacted and cut JSON text."""

    id: str
    action: str
    status: LogStatus
    input: str
    output: str
    execution_ms: int
    at: int


State = Literal["succeeded", "failed", "unknown"]
# The errors that a call can end with once it was sent; a 429 is never answered again (`certainly_not_done`).
_BY_STATUS: dict[int, type[JobsprintError]] = {
    kind.status: kind for kind in (NotFound, Conflict, UpstreamFailed, UpstreamTimeout)
}


@dataclass(frozen=True)
class Outcome:
    """Either `result` and how long the other side took, or the `error` that the caller was answered with."""

    result: JsonObject | None = None
    error: JobsprintError | None = None
    execution_ms: int = 0

    @property
    def state(self) -> State:
        """`unknown` when the call was sent and nobody knows what became of it."""
        if self.error is None:
            return "succeeded"
        return "unknown" if isinstance(self.error, UpstreamFailed) and self.error.unknown else "failed"

    def to_text(self) -> str:
        """As JSON text that `from_text` reads."""
        error = self.error and {
            "status": self.error.status,
            "code": self.error.code,
            "message": self.error.message,
            "unknown": self.state == "unknown",
        }
        return json.dumps({"result": self.result, "error": error, "executionMs": self.execution_ms})

    @classmethod
    def from_text(cls, text: str) -> "Outcome":
        """What `to_text` wrote."""
        fields = json.loads(text)
        error = fields["error"] and _error(**fields["error"])
        return cls(fields["result"], error, fields["executionMs"])


def never_heard_of() -> UpstreamTimeout:
    """The error for a call that was sent by somebody who then died."""
    return UpstreamTimeout(
        "The call was sent and ended before its answer was kept: whether it was done is unknown. It is not sent again",
        code="outcome_unknown",
        unknown=True,
    )


def certainly_not_done(error: Exception) -> bool:
    """Whether a call that ended so was never sent, or was turned away before it was looked at.

    That is a 429 (RFC 6585), and a Conflict: its authorization did not do, and only a new consent helps.
    """
    if isinstance(error, UpstreamFailed):
        return not error.sent
    return isinstance(error, RateLimited | Conflict)


def _error(*, status: int, code: str, message: str, unknown: bool) -> JobsprintError:
    error = _BY_STATUS.get(status, JobsprintError)(message, code=code)
    if isinstance(error, UpstreamFailed):
        error.unknown = unknown
    return error


PATIENCE_MS = 3600 * 1000
"""How long after it was accepted an action may be tried again."""

MAX_TRIES = 20
_LONGEST_OWN_SECONDS = 300
_JITTER = 0.1


def again_at(error: JobsprintError | None, *, created_at: int, tries: int, now: int, fraction: float) -> int | None:
    """When (Unix ms) to try again what ended with `error` after `tries` postponements; None where that is its end.

    Only what was certainly not done and says when to come back (a 429, an open circuit) is tried again. From one try to
    the next at least twice as long goes by, up to five minutes, also where less was asked for; `fraction` (0 to 1)
    lengthens the wait by up to a tenth, because many may wait for the same side.
    """
    if error is None or "Retry-After" not in error.headers or not certainly_not_done(error) or tries >= MAX_TRIES:
        return None
    seconds = max(int(error.headers["Retry-After"]), min(2**tries, _LONGEST_OWN_SECONDS))
    at = now + math.ceil(seconds * (1 + _JITTER * fraction) * 1000)
    return at if at <= created_at + PATIENCE_MS else None
