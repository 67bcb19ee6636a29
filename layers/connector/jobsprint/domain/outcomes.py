"""What came of an action call, as it is kept: with an Idempotency-Key, and in an execution."""

import json
from typing import Literal

from msgspec import Struct

from jobsprint.domain.errors import (
    Conflict,
    JobsprintError,
    NotFound,
    RateLimited,
    UpstreamFailed,
    UpstreamTimeout,
)
from jobsprint.domain.models import JsonObject

State = Literal["succeeded", "failed", "unknown"]
# The errors that a call can end with once it was sent; a 429 is never answered again (`certainly_not_done`).
_BY_STATUS: dict[int, type[JobsprintError]] = {
    kind.status: kind for kind in (NotFound, Conflict, UpstreamFailed, UpstreamTimeout)
}


class Outcome(Struct, frozen=True):
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
