"""The headers of a delivery's request: those of the webhook, those of the service, and what is shown of them.

Source: docs/api-contract.md, Signatures.
"""

from collections.abc import Mapping

from jobsprint.core.redaction import MASK
from jobsprint.domain.deliveries import Attempt, Delivery

USER_AGENT = "Jobsprint-Webhooks/1.0"
_RESERVED_HEADERS = frozenset(
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
    """The headers that a webhook adds to every request: its own without those that the service sets, in any case."""
    return {name: value for name, value in headers.items() if name.lower() not in _RESERVED_HEADERS}


def unsigned(event: str, number: int) -> dict[str, str]:
    """The service's headers of attempt `number` without its signatures."""
    return {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "X-Jobsprint-Event": event,
        "X-Jobsprint-Attempt": str(number),
    }


def shown(delivery: Delivery, attempt: Attempt) -> dict[str, str]:
    """The headers of an attempt's request, with the values of the webhook's own and every signature masked.

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
