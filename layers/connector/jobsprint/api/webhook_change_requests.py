"""What changing a webhook takes. Class names are unique: they name OpenAPI components."""

from typing import Any

from msgspec import UNSET, UnsetType

from jobsprint.api.webhook_fields import Filter, RateLimit, RetrySchedule
from jobsprint.connectors.fields import Events, Headers, Name, Url
from jobsprint.domain.inputs import Input


class WebhookChange(Input, frozen=True):
    """What to change of a webhook; `active: false` pauses it."""

    name: Name | None = None
    url: Url | None = None
    events: Events | None = None
    headers: Headers | None = None
    active: bool | None = None
    retrySchedule: RetrySchedule | UnsetType | None = UNSET
    rateLimit: RateLimit | UnsetType | None = UNSET
    filter: Filter | UnsetType | None = UNSET

    def target(self) -> dict[str, object]:
        """Where to deliver what, as far as it is to change."""
        said = {"url": self.url, "events": self.events, "headers": self.headers}
        return {name: value for name, value in said.items() if value is not None}

    def policy(self) -> dict[str, Any]:
        """The fields of a DeliveryPolicy that are to change; a null takes the service's default again."""
        schedule = tuple(self.retrySchedule) if isinstance(self.retrySchedule, list) else self.retrySchedule
        asked = {"retry_schedule": schedule, "rate_limit": self.rateLimit, "filter": self.filter}
        return {name: value for name, value in asked.items() if value is not UNSET}
