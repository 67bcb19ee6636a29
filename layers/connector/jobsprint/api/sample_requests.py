"""What testing a webhook takes. Class names are unique: they name OpenAPI components."""

from jobsprint.domain.event_fields import EventName
from jobsprint.domain.inputs import Input


class SampleRequest(Input, frozen=True):
    """Which event to send a sample of."""

    event: EventName = "ping"
