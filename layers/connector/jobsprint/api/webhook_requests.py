"""What making a webhook takes. Class names are unique: they name OpenAPI components."""

from pydantic import BaseModel, ConfigDict

from jobsprint.api.webhook_fields import Filter, RateLimit, RetrySchedule, policy_of
from jobsprint.connectors.fields import Events, Headers, Name, Secret, Url
from jobsprint.domain.models import DeliveryPolicy


class WebhookCreate(BaseModel):
    """A subscription; a missing secret is made."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Name
    url: Url
    events: Events
    headers: Headers | None = None
    secret: Secret | None = None
    retrySchedule: RetrySchedule | None = None
    rateLimit: RateLimit | None = None
    filter: Filter | None = None

    def policy(self) -> DeliveryPolicy:
        """How its deliveries are wanted."""
        return DeliveryPolicy(**policy_of(self))
