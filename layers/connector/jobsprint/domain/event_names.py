"""Event names and what a webhook may subscribe to (contract, section 4)."""

import re
from collections.abc import Iterable

MAX_LENGTH = 200
"""Characters of a name. EventBridge carries at most 128 in a detail-type; the API takes a few more."""

PATTERN = r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*"
ALL = "*"
OWN = frozenset(
    {
        *("integration.connected", "integration.disconnected", "integration.unhealthy", "integration.recovered"),
        *("webhook.failing", "webhook.disabled", "webhook.recovered", "delivery.exhausted"),
    }
)
"""What the service itself publishes (contract, section 5)."""

_NAME = re.compile(PATTERN)
_FAMILY_END = ".*"


def is_name(text: str) -> bool:
    """Whether `text` may name an event: `workflow.executed`."""
    return len(text) <= MAX_LENGTH and _NAME.fullmatch(text) is not None


def is_subscription(text: str) -> bool:
    """Whether `text` is an event name, a family such as `workflow.*`, or `*`."""
    return text == ALL or is_name(text.removesuffix(_FAMILY_END))


def matches(subscription: str, name: str) -> bool:
    """Whether a subscription covers an event.

    `workflow.*` covers `workflow.x` and `workflow.x.y`, but not `workflow`. Upper and lower case differ.
    """
    if subscription in (ALL, name):
        return True
    return subscription.endswith(_FAMILY_END) and name.startswith(subscription.removesuffix(ALL))


def is_own(name: str) -> bool:
    """Whether the service publishes events of this name: failing to deliver one never publishes another."""
    return name in OWN


def covers(subscriptions: Iterable[str], name: str) -> bool:
    """Whether any of the subscriptions covers the event."""
    return any(matches(subscription, name) for subscription in subscriptions)
