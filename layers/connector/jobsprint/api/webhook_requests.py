"""What making a webhook takes. Class names are unique: they name OpenAPI components."""

from jobsprint.api.webhook_fields import Filter, RateLimit, RetrySchedule
from jobsprint.connectors.fields import Events, Headers, Name, Secret, Url
from jobsprint.domain.inputs import Input
from jobsprint.domain.models import DeliveryPolicy


class WebhookCreate(Input, frozen=True):
    """A subscription; a missing secret is made."""

    name: Name
    url: Url
    events: Events
    headers: Headers | None = None
    secret: Secret | None = None
    retrySchedule: RetrySchedule | None = None
    rateLimit: RateLimit | None = None
    filter: Filter | None = None

    def target(self) -> dict[str, object]:
        """Where to deliver what, as far as it is said."""
        said = {"url": self.url, "events": self.events, "headers": self.headers, "secret": self.secret}
        return {name: value for name, value in said.items() if value is not None}

    def policy(self) -> DeliveryPolicy:
        """How its deliveries are wanted."""
        schedule = None if self.retrySchedule is None else tuple(self.retrySchedule)
        return DeliveryPolicy(schedule, self.rateLimit, self.filter)
