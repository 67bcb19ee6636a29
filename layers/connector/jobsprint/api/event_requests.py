"""What publishing events takes. Class names are unique: they name OpenAPI components."""

from typing import Annotated

from jobsprint.delivery.publish import Draft
from jobsprint.domain.event_fields import CanonicalData, EventName, ExternalId, Timestamp
from jobsprint.domain.inputs import Input, Length, Unchecked

MAX_BATCH = 25


class PublishEvent(Input, frozen=True):
    """One event to publish."""

    event: EventName
    data: CanonicalData
    id: ExternalId | None = None
    timestamp: Timestamp | None = None

    def draft(self) -> Draft:
        """What `delivery.publish` takes."""
        return Draft(self.event, self.data, external_id=self.id, timestamp=self.timestamp)


class PublishBatch(Input, frozen=True):
    """Up to 25 events, each judged alone."""

    # Documented here and checked one by one later, because a wrong one must not stop the others.
    events: Annotated[list[Annotated[PublishEvent, Unchecked()]], Length(1, MAX_BATCH)]
