"""The headers of a delivery attempt that are not signatures, and what is shown later of all that were sent."""

from collections.abc import Mapping

from jobsprint.domain.models import Attempt, Delivery
from jobsprint.domain.redact import MASK

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
