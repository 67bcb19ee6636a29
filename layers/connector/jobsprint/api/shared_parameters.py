"""Parameters that several operations take."""

from typing import Annotated

from jobsprint.api.parameters import Path, Query
from jobsprint.domain.models import IntegrationType
from jobsprint.domain.times import parse_iso

IntegrationId = Annotated[str, Path("Integration ID: `int_…` or `wh_…`")]
WebhookId = Annotated[str, Path("Webhook ID")]
DeliveryId = Annotated[str, Path("Delivery ID: `dlv_…`")]
JobId = Annotated[str, Path("Recovery ID: `job_…`")]
TypeFilter = Annotated[IntegrationType | None, Query("Filter by type")]


def moment(text: str) -> str:
    """The text, which is a date or time in ISO 8601. Raises ValueError otherwise."""
    try:
        parse_iso(text)
    except ValueError as error:
        raise ValueError("an ISO 8601 date or time such as 2025-01-06T12:00:00Z") from error
    return text
