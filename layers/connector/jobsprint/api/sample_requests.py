"""What testing a webhook takes. Class names are unique: they name OpenAPI components."""

from pydantic import BaseModel, ConfigDict

from jobsprint.domain.event_fields import EventName


class SampleRequest(BaseModel):
    """Which event to send a sample of."""

    model_config = ConfigDict(extra="forbid", strict=True)

    event: EventName = "ping"
