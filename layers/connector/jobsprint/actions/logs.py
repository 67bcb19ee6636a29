"""The logs of an integration: action calls, or for a webhook its delivery attempts."""

from jobsprint.core.clock import now_ms
from jobsprint.domain.actions import LogEntry, LogFilter
from jobsprint.repositories.delivery_lists import DeliveryLists
from jobsprint.repositories.integrations import IntegrationStore
from jobsprint.repositories.logs import LogStore


def page(
    tenant: str, integration_id: str, wanted: LogFilter, *, limit: int, position: str | None
) -> tuple[list[LogEntry], str | None]:
    """A page, newest first, and the position to go on from. Raises NotFound for another tenant's id."""
    integration = IntegrationStore(tenant).get(integration_id)
    store = DeliveryLists(tenant).attempts_page if integration.type == "webhook" else LogStore(tenant).page
    return store(integration_id, wanted, limit=limit, position=position, now=now_ms())
