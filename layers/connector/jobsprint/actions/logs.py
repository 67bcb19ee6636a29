"""The logs of an integration: action calls, or for a webhook its delivery attempts."""

from dataclasses import asdict, dataclass

from jobsprint.core.clock import now_ms, parse_iso, parse_until
from jobsprint.domain.actions import LogEntry
from jobsprint.repositories.delivery_lists import DeliveryLists
from jobsprint.repositories.integrations import IntegrationStore
from jobsprint.repositories.logs import LogStore


@dataclass(frozen=True)
class LogFilter:
    """Which entries to show: dates in ISO 8601, all optional."""

    action: str | None
    status: str | None
    from_date: str | None
    to_date: str | None

    def bound(self) -> dict[str, object]:
        """The fields that a cursor is bound to."""
        return asdict(self)

    def from_ms(self) -> int | None:
        """The first moment to show, in Unix ms."""
        return None if self.from_date is None else parse_iso(self.from_date)

    def to_ms(self) -> int | None:
        """The last moment to show, in Unix ms."""
        return None if self.to_date is None else parse_until(self.to_date)


def page(
    tenant: str, integration_id: str, log_filter: LogFilter, *, limit: int, position: str | None
) -> tuple[list[LogEntry], str | None]:
    """A page, newest first, and the position to go on from. Raises NotFound for another tenant's id."""
    integration = IntegrationStore(tenant).get(integration_id)
    store = DeliveryLists(tenant).attempts_page if integration.type == "webhook" else LogStore(tenant).page
    return store(
        integration_id,
        limit=limit,
        position=position,
        action=log_filter.action,
        status=log_filter.status,
        from_ms=log_filter.from_ms(),
        to_ms=log_filter.to_ms(),
        now=now_ms(),
    )
