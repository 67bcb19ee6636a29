"""What publishing events takes. Class names are unique: they name OpenAPI components."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SkipValidation

from jobsprint.delivery.publish import Draft
from jobsprint.domain.event_fields import CanonicalData, EventName, ExternalId, Timestamp

MAX_BATCH = 25


class PublishEvent(BaseModel):
    """One event to publish."""

    model_config = ConfigDict(extra="forbid", strict=True)

    event: EventName
    data: CanonicalData
    id: ExternalId | None = None
    timestamp: Timestamp | None = None

    def draft(self) -> Draft:
        """What `delivery.publish` takes."""
        return Draft(self.event, self.data, external_id=self.id, timestamp=self.timestamp)


class PublishBatch(BaseModel):
    """Up to 25 events, each judged alone."""

    # Its validator is built for the first batch: most containers start with a single event.
    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)

    # Documented here and checked one by one later, because a wrong one must not stop the others.
    events: Annotated[list[SkipValidation[PublishEvent]], Field(min_length=1, max_length=MAX_BATCH)]
