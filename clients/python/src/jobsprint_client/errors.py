"""What a call raises.

    try:
        client.webhooks.test(webhook_id)
    except Conflict as error:
        if error.code == "webhook_disabled":
            ...

Every code, with its cause and its remedy, is in the reference of the API: docs/reference/errors.md.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from jobsprint_client._model import decode


class JobsprintError(Exception):
    """The base of everything that this package raises."""


class ConnectionFailed(JobsprintError):
    """No answer came, after all attempts. Whether the last one was carried out is unknown."""


class InvalidSignature(JobsprintError):
    """A webhook's request is not from the service, was changed, or is too old. The message says which."""


class ApiError(JobsprintError):
    """The service refused a request, failed, or waits for an approval."""

    status: int
    """The HTTP status."""
    code: str
    """What went wrong, for programs, such as `webhook_paused`; `http_502` where the answer is not the API's own."""
    message: str
    """What went wrong, and what to do, for people."""
    next_step: str | None
    """What to do about it, where the answer says so."""
    details: list[dict[str, str]]
    """Every wrong field, as `{"field": "body.url", "message": "Field required"}`."""
    upstream: dict[str, Any] | None
    """What another system answered when it failed: `status`, and mostly `body`."""
    log_id: str | None
    """The log entry of the action that failed."""
    request_id: str | None
    """Names the request in the service's logs."""
    retry_after: int | None
    """Seconds to wait before trying again."""
    body: Any
    """The whole answer: JSON where it is JSON, else text."""

    def __init__(self, status: int, body: Any, retry_after: int | None = None) -> None:
        answer = body if isinstance(body, Mapping) else {}
        problem = answer.get("error")
        problem = problem if isinstance(problem, Mapping) else {}
        self.status = status
        self.code = problem.get("code", f"http_{status}")
        self.message = problem.get("message", f"The answer has status {status}")
        self.next_step = problem.get("nextStep")
        self.details = list(problem.get("details") or [])
        self.upstream = problem.get("upstream")
        self.log_id = problem.get("logId")
        self.request_id = answer.get("requestId")
        self.retry_after = retry_after
        self.body = body
        super().__init__(status, body, retry_after)

    def __str__(self) -> str:
        reference = f" (request {self.request_id})" if self.request_id else ""
        return f"{self.code}: {self.message}{reference}"


class ApprovalRequired(ApiError):
    """202 `pending_approval`: a person has to approve the call before it is made. Nothing was sent.

    Once another token has approved it, send the same call with `approval_id`.
    """

    approval_id: str
    """The approval of this call: `apr_…`"""
    expires_at: datetime
    """Until when it can be approved and used."""

    def __init__(self, status: int, body: Any, retry_after: int | None = None) -> None:
        super().__init__(status, body, retry_after)
        self.code = body["data"]["status"]
        self.approval_id = body["data"]["approvalId"]
        self.expires_at = decode(datetime, body["data"]["expiresAt"])
        self.message = (
            "Nothing was sent: a person has to approve this call first. "
            f"Once another token has approved {self.approval_id}, send the same call with the approval's id"
        )


class BadRequest(ApiError):
    """400: the request cannot be read, or its cursor is not valid here."""


class Unauthenticated(ApiError):
    """401: the token is missing, unknown, expired or revoked."""


class Forbidden(ApiError):
    """403: the token lacks the operation's scope."""


class NotFound(ApiError):
    """404: the tenant has no such resource."""


class Conflict(ApiError):
    """409: the state of the resource does not allow this."""


class PayloadTooLarge(ApiError):
    """413: the body has more than 256 KB."""


class InvalidFields(ApiError):
    """422: fields are wrong; `details` has every one."""


class RateLimited(ApiError):
    """429: too many requests, and waiting as long as `retry_after` says was too long or did not help."""


class ServerError(ApiError):
    """5xx: the service failed."""


class UpstreamFailed(ServerError):
    """502: another system failed; `upstream` has its answer."""


class UpstreamTimeout(ServerError):
    """504: another system did not answer in time. Whether a call of it was carried out is unknown."""


_BY_STATUS = {
    400: BadRequest,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: PayloadTooLarge,
    422: InvalidFields,
    429: RateLimited,
    502: UpstreamFailed,
    504: UpstreamTimeout,
}


def error_of(status: int, body: Any, retry_after: int | None = None) -> ApiError:
    """The error for an answer that is no success."""
    kind = _BY_STATUS.get(status, ServerError if status >= 500 else ApiError)
    return kind(status, body, retry_after)
