"""The challenge of MCP Events: nothing is sent to an address before it has shown that it wants to be sent to.

It gets a signed random text once and has to repeat it. An address that did counts as verified for a day, for the same
token.
"""

import hmac
import json
import secrets

from jobsprint.connectors import signed_post
from jobsprint.core import canonical_json
from jobsprint.core.errors import UpstreamFailed
from jobsprint.domain.callers import Caller
from jobsprint.domain.mcp_events import SUBSCRIPTION_HEADER
from jobsprint.outbound import pinning
from jobsprint.outbound.address_policy import ForbiddenUrl, deployment_policy
from jobsprint.outbound.client import Response, TransferFailure
from jobsprint.repositories import verified_callbacks
from jobsprint.security.credentials import Credentials

TIMEOUT_SECONDS = 10.0
_MAX_ANSWER = 4096
_REASONS = {
    "plain_http": "insecure_url",
    "malformed_url": "invalid_url",
    "blocked_port": "invalid_url",
    "blocked_address": "blocked_address",
    "dns": "dns_failure",
}
"""What a failure is called in the answer; a category alone, so that nobody explores a network with it."""


class CallbackFailed(UpstreamFailed):
    """An address that may not be sent to, or did not pass the challenge. `reason` is the category of the failure."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The callback URL did not pass its verification: {reason}")
        self.reason = reason


def require_verified(caller: Caller, subscription_id: str, url: str, secret: str, now: int) -> None:
    """Send the challenge, unless it was passed within a day; `now` in ms. Raises CallbackFailed."""
    try:
        pinning.check_destination(url, deployment_policy())
    except ForbiddenUrl as error:
        raise CallbackFailed(_REASONS.get(error.kind, "invalid_url")) from error
    if verified_callbacks.is_verified(caller.tenant, caller.token_id, url, now):
        return
    challenge = secrets.token_urlsafe(32)
    body = canonical_json.dumps({"type": "verification", "challenge": challenge}).encode()
    credentials = Credentials(url, {SUBSCRIPTION_HEADER: subscription_id}, (secret,))
    message_id = f"msg_verification_{secrets.token_hex(8)}"
    answer = signed_post.post_body(credentials, body, message_id, TIMEOUT_SECONDS, _MAX_ANSWER)
    if isinstance(answer, TransferFailure):
        raise CallbackFailed(_reason(answer.kind))
    if not _repeats(answer, challenge):
        raise CallbackFailed("challenge_failed")
    verified_callbacks.keep(caller.tenant, caller.token_id, url, now)


def _reason(kind: str) -> str:
    return "timeout" if kind.startswith("timeout") else _REASONS.get(kind, "connection_failed")


def _repeats(answer: Response, challenge: str) -> bool:
    if not 200 <= answer.status < 300:
        return False
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        return False
    repeated = said.get("challenge") if isinstance(said, dict) else None
    return isinstance(repeated, str) and hmac.compare_digest(repeated.encode("utf-8", "replace"), challenge.encode())
