"""Which webhooks an event goes to: the one predicate behind publishing, previews and recovery."""

import json
from functools import cached_property
from typing import Literal

from jobsprint.domain import event_names
from jobsprint.domain.models import Event, Integration, JsonObject

Reason = Literal["subscribed", "not_subscribed", "filtered", "paused", "disabled"]

DOCUMENT_FIELDS = ("event", "timestamp", "data")
"""What a filter sees: the body a receiver gets, without its signature."""


class Routed:
    """An event and what filters see of it, which is parsed at most once and only for a webhook that has a filter."""

    def __init__(self, event: Event) -> None:
        self._event = event

    @cached_property
    def document(self) -> JsonObject:
        """The body a receiver gets, without its signature."""
        return {
            "event": self._event.name,
            "timestamp": self._event.timestamp,
            "data": json.loads(self._event.data),
        }

    def reason(self, webhook: Integration) -> Reason:
        """Why the webhook gets the event, or what is in the way; its subscription and filter count before its state."""
        # An event of the service's own never goes to the webhook it is about (contract, section 5).
        if webhook.id == self._event.about or not event_names.covers(webhook.events, self._event.name):
            return "not_subscribed"
        if webhook.policy.filter is not None and not self._passes(webhook.policy.filter):
            return "filtered"
        if webhook.status != "connected":
            return "disabled" if webhook.status_reason else "paused"
        return "subscribed"

    def _passes(self, pattern: JsonObject) -> bool:
        from jobsprint.domain.patterns import Pattern  # publishing without filters does not pay for it

        return Pattern.of(pattern).matches(self.document)


def wants(webhook: Integration, event: Event) -> bool:
    """Whether a webhook's subscription and filter take an event, whatever state the webhook is in."""
    return Routed(event).reason(webhook) not in ("not_subscribed", "filtered")
