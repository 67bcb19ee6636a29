"""What changing a webhook takes. Class names are unique: they name OpenAPI components."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from jobsprint.api.webhook_fields import Filter, RateLimit, RetrySchedule, policy_of
from jobsprint.connectors.fields import Events, Headers, Name, Url


class WebhookChange(BaseModel):
    """What to change of a webhook; `active: false` pauses it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Name | None = None
    url: Url | None = None
    events: Events | None = None
    headers: Headers | None = None
    active: bool | None = None
    retrySchedule: RetrySchedule | None = None
    rateLimit: RateLimit | None = None
    filter: Filter | None = None

    def policy(self) -> dict[str, Any]:
        """The fields of a DeliveryPolicy that are to change; a null takes the service's default again."""
        return policy_of(self)
