"""Which webhooks an event goes to: the one predicate behind publishing, previews and replays."""

import json
from functools import cached_property
from typing import Literal

from jobsprint.core.cache import BoundedCache
from jobsprint.core.canonical_json import JsonObject
from jobsprint.core.observability import logger
from jobsprint.domain import events
from jobsprint.domain.event_patterns import Effort, Exhausted, Pattern
from jobsprint.domain.events import Event
from jobsprint.domain.integrations import Integration

Reason = Literal["subscribed", "not_subscribed", "filtered", "paused", "disabled"]

DOCUMENT_FIELDS = ("event", "timestamp", "data")
"""The fields of the document that a filter matches: the body of a delivery without its signature."""

compiled_patterns: BoundedCache[tuple[str, int], Pattern] = BoundedCache(1000)


class Data:
    """The canonical text of an event's data, parsed at most once and only if it is needed."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def value(self) -> JsonObject:
        """The data itself."""
        parsed: JsonObject = json.loads(self._text)
        return parsed


class Routed:
    """An event and the document that filters match.

    All filters of one event share one effort. If it does not suffice, the event is delivered, so none is lost.
    """

    def __init__(self, event: Event, data: Data | None = None) -> None:
        self._event = event
        self._data = data or Data(event.data)

    @cached_property
    def document(self) -> JsonObject:
        """The body of a delivery without its signature."""
        return {"event": self._event.name, "timestamp": self._event.timestamp, "data": self._data.value}

    @cached_property
    def _effort(self) -> Effort:
        return Effort()

    def reason(self, webhook: Integration) -> Reason:
        """Why the webhook gets the event, or why not; its subscription and filter count before its state."""
        # An operational event never goes to the webhook it is about.
        if webhook.id == self._event.about or not events.covers(webhook.events, self._event.name):
            return "not_subscribed"
        if webhook.policy.filter is not None and not self._passes(webhook):
            return "filtered"
        if webhook.status != "connected":
            return "disabled" if webhook.status_reason else "paused"
        return "subscribed"

    def _passes(self, webhook: Integration) -> bool:
        try:
            return _pattern(webhook).matches(self.document, self._effort)
        except Exhausted:
            logger.warning("filter_exhausted", extra={"webhookId": webhook.id, "eventId": self._event.id})
            return True


def wants(webhook: Integration, event: Event) -> bool:
    """Whether a webhook's subscription and filter match an event, in any state of the webhook."""
    return Routed(event).reason(webhook) not in ("not_subscribed", "filtered")


def _pattern(webhook: Integration) -> Pattern:
    """The webhook's filter, read once per container and version."""
    key = (webhook.id, webhook.version)
    if key not in compiled_patterns:
        compiled_patterns[key] = Pattern.of(webhook.policy.filter or {})
    return compiled_patterns[key]
