"""The errors that the service answers with.

    JobsprintError                  500 internal_error
    ├── BadRequest                  400
    ├── Unauthenticated             401 unauthenticated
    ├── Forbidden                   403
    ├── NotFound                    404
    ├── Conflict                    409
    │   └── ScopeMissing            409 reauth_required
    ├── Gone                        410 approval_expired
    ├── PayloadTooLarge             413 payload_too_large
    ├── UnsupportedMediaType        415 unsupported_media_type
    ├── InvalidFields               422 invalid_fields
    ├── RateLimited                 429 rate_limited
    ├── Unavailable                 503 audit_unavailable
    └── UpstreamFailed              502 upstream_failed
        ├── UpstreamUnauthorized    502 upstream_unauthorized
        ├── InsufficientScope       502 insufficient_scope
        └── UpstreamTimeout         504 upstream_timeout

`api.app` is the one place that turns them into HTTP; nothing else builds an error response.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from jobsprint.core.canonical_json import JsonValue


@dataclass(frozen=True)
class Detail:
    """One wrong field: its place (`body.url`, `query.limit`, `path.webhookId`) and what is wrong with it."""

    field: str
    message: str


@dataclass(frozen=True)
class UpstreamAnswer:
    """What an upstream answered when it failed: its HTTP status, and its body as JSON or text, masked and cut.

    `body` is None where it is empty or not to be shown.
    """

    status: int
    body: JsonValue = None


class JobsprintError(Exception):
    """An error with the HTTP status, code and headers of its response.

    `message` is for a person and must name no secret; `code` is snake_case and stable. `upstream` is what an upstream
    answered, where one did; `log_id` names the log entry of the call that failed, where it has one.
    """

    status: ClassVar[int] = 500
    default_code: ClassVar[str] = "internal_error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        details: Iterable[Detail] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.details = tuple(details)
        self.headers = dict(headers or {})
        self.upstream: UpstreamAnswer | None = None
        self.log_id: str | None = None


class BadRequest(JobsprintError):
    """A request that cannot be read at all: invalid JSON, an invalid cursor."""

    status = 400
    default_code = "bad_request"


class Unauthenticated(JobsprintError):
    """A request without a valid token."""

    status = 401
    default_code = "unauthenticated"


class Forbidden(JobsprintError):
    """A token that lacks the scope."""

    status = 403
    default_code = "missing_scope"


class NotFound(JobsprintError):
    """Nothing of this kind and id belongs to this tenant; another tenant's looks the same."""

    status = 404
    default_code = "not_found"


class Conflict(JobsprintError):
    """A resource whose state does not allow the operation."""

    status = 409
    default_code = "conflict"


class ScopeMissing(Conflict):
    """The upstream requires `scope`, for which no authorization was requested yet; nothing was done."""

    default_code = "reauth_required"

    def __init__(self, scope: str) -> None:
        super().__init__(f"The upstream requires more than was authorized; missing scope: {scope}")
        self.scope = scope


class Gone(JobsprintError):
    """Something whose time is up."""

    status = 410
    default_code = "approval_expired"


class PayloadTooLarge(JobsprintError):
    """A body over the size limit."""

    status = 413
    default_code = "payload_too_large"


class UnsupportedMediaType(JobsprintError):
    """A body whose `Content-Type` is not JSON."""

    status = 415
    default_code = "unsupported_media_type"


class InvalidFields(JobsprintError):
    """Fields that are readable but wrong; every wrong field is in `details`."""

    status = 422
    default_code = "invalid_fields"

    @classmethod
    def one(cls, field: str, message: str, *, code: str | None = None) -> "InvalidFields":
        """The error for a single wrong field."""
        return cls(f"{field}: {message}", code=code, details=[Detail(field, message)])


def wrong_fields(details: Iterable[Detail]) -> InvalidFields:
    """The error for these wrong fields; its message names the first three."""
    listed = tuple(details)
    summary = "; ".join(f"{detail.field}: {detail.message}" for detail in listed[:3])
    return InvalidFields(summary, details=listed)


class RateLimited(JobsprintError):
    """Too many requests; `Retry-After` says after how many whole seconds to try again."""

    status = 429
    default_code = "rate_limited"

    def __init__(self, message: str, *, retry_after: int, code: str | None = None) -> None:
        super().__init__(message, code=code, headers={"Retry-After": str(retry_after)})
        self.retry_after = retry_after


class Unavailable(JobsprintError):
    """An operation that was not begun, because its audit entry could not be written."""

    status = 503
    default_code = "audit_unavailable"


class UpstreamFailed(JobsprintError):
    """An upstream that answered with an error or could not be reached.

    `unknown` says that the call was sent and its result is not known, so it must not be repeated blindly. `sent` is
    False only if the upstream cannot have seen it. `outage` says that the upstream is down (unreachable, no response,
    5xx) rather than refusing: the circuit breaker counts those.
    """

    status = 502
    default_code = "upstream_failed"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        unknown: bool = False,
        sent: bool = True,
        outage: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, code=code, headers=headers)
        self.unknown = unknown
        self.sent = sent
        self.outage = outage


class UpstreamTimeout(UpstreamFailed):
    """An upstream that did not answer in time."""

    status = 504
    default_code = "upstream_timeout"


class UpstreamUnauthorized(UpstreamFailed):
    """An upstream that refused the credential (HTTP 401), so nothing was done; `challenge` is its WWW-Authenticate."""

    default_code = "upstream_unauthorized"

    def __init__(self, message: str, *, challenge: str = "") -> None:
        super().__init__(message)
        self.challenge = challenge


class InsufficientScope(UpstreamFailed):
    """A credential that lacks `scope` (HTTP 403, RFC 6750 section 3.1), so nothing was done."""

    default_code = "insufficient_scope"

    def __init__(self, scope: str) -> None:
        super().__init__(f"The upstream requires a scope that the credential does not have: {scope}")
        self.scope = scope
