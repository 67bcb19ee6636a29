"""What ends a command, how it is said, and its exit code: 0, 1 failed, 2 usage or cancelled, 4 authentication,
8 waits for an approval.
"""

import json
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import click

from jobsprint_client._model import encode
from jobsprint_client.cli.output import clean
from jobsprint_client.errors import ApiError, ApprovalRequired, ConnectionFailed, Unauthenticated

FAILED, CANCELLED, AUTHENTICATION, PENDING, INTERRUPTED = 1, 2, 4, 8, 130
_MAX_UPSTREAM = 500


class Failure(click.ClickException):
    """Ends a command with one sentence, and what to do about it."""

    def __init__(self, message: str, next_step: str | None = None, code: int = FAILED) -> None:
        super().__init__(message)
        self.next_step = next_step
        self.exit_code = code


def said(error: Exception, base_url: str = "") -> tuple[list[str], int]:
    """The lines that an expected error prints, and the exit code."""
    if isinstance(error, ApprovalRequired):
        return list(_pending(error)), PENDING
    if isinstance(error, ApiError):
        return list(_api_error(error, base_url)), AUTHENTICATION if isinstance(error, Unauthenticated) else FAILED
    if isinstance(error, ConnectionFailed):
        lines = [f"{base_url or 'The service'} did not answer: {reason(error)}", "Next: jobsprint doctor"]
        return lines, FAILED
    if isinstance(error, Failure):
        lines = [error.message, *([f"Next: {error.next_step}"] if error.next_step else [])]
        return [clean(line) for line in lines], error.exit_code
    return [clean(f"{type(error).__name__}: {error}")], FAILED


def reason(error: BaseException) -> str:
    """Why no answer came, in a few words: the innermost cause that says it."""
    causes = _causes(error)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not valid ({cause.verify_message})"
        if isinstance(cause, ssl.SSLError):
            return "no secure connection could be made"
        if isinstance(cause, socket.gaierror):
            return "its name has no address"
        if isinstance(cause, TimeoutError):
            return "it took too long"
        if isinstance(cause, OSError) and cause.strerror and not isinstance(cause, ConnectionFailed):
            return clean(cause.strerror.lower())
    if any("timed out" in str(cause) for cause in causes):
        return "it took too long"
    return "the connection broke"


def _causes(error: BaseException) -> list[BaseException]:
    """The exceptions behind one, innermost first; urllib3 keeps some in `reason` and `args`."""
    found, waiting = [error], [error]
    while waiting:
        each = waiting.pop()
        inner = [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
        new = [one for one in inner if isinstance(one, BaseException) and one not in found]
        found += new
        waiting += new
    return found[::-1]


def _api_error(error: ApiError, base_url: str) -> Iterator[str]:
    yield clean(f"{error.message.rstrip('.')} ({error.code}, HTTP {error.status})")
    if len(error.details) > 1:
        for each in error.details:
            yield clean(f"  {each.get('field')}: {each.get('message')}")
    for each in _refused(error.body):
        yield clean(f"  {each.get('code')}: {each.get('message')}")
    if error.upstream:
        yield clean(f"The other system answered: {_short(error.upstream)}")
    if step := _next_step(error, base_url):
        yield clean(f"Next: {step}")
    if error.retry_after is not None:
        yield f"Try again in {error.retry_after} seconds"
    if error.log_id:
        yield clean(f"Log: {error.log_id}")
    if error.request_id:
        yield clean(f"Request: {error.request_id}")


def _pending(error: ApprovalRequired) -> Iterator[str]:
    approval, until = clean(error.approval_id), clean(str(encode(error.expires_at)))
    yield f"Nothing was sent: a person has to approve this call until {until} ({error.code}, HTTP {error.status})"
    yield f"Next: jobsprint approvals approve {approval} (with another token)"
    yield f"Then: this command again, with --approval-id {approval}"
    if error.request_id:
        yield clean(f"Request: {error.request_id}")


def _next_step(error: ApiError, base_url: str) -> str | None:
    """What to do: as the API says, or where the answer is not its own, find out what answers there."""
    if isinstance(error, Unauthenticated):
        return error.next_step or "jobsprint login"
    if error.code.startswith("http_"):
        return f"jobsprint doctor, which tells whether {base_url} is the API"
    return error.next_step


def _refused(body: Any) -> list[dict[str, Any]]:
    """Why each event of a batch was refused, where an answer says that."""
    answers = body.get("data") if isinstance(body, dict) else None
    errors = [each.get("error") for each in answers if isinstance(each, dict)] if isinstance(answers, list) else []
    return [error for error in errors if isinstance(error, dict)]


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MAX_UPSTREAM else f"{text[:_MAX_UPSTREAM]}…"
