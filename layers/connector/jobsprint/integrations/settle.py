"""How an integration takes on what its connector settled, and the event that tells of a new connection."""

from msgspec.structs import replace

from jobsprint.connectors.base import Connection
from jobsprint.delivery.publish import announce
from jobsprint.domain.models import Integration
from jobsprint.domain.times import now_ms
from jobsprint.security.credentials import seal_credentials


def settled(integration: Integration, connection: Connection) -> Integration:
    """The integration with the credentials sealed and everything else as the connection says."""
    connected_at = integration.connected_at
    if connection.status == "connected" and integration.status != "connected":
        connected_at = now_ms()
    return replace(
        seal_credentials(integration, connection.credentials),
        capabilities=connection.capabilities,
        facts=connection.facts,
        status=connection.status,
        status_reason=connection.reason,
        missing_scope="" if connection.status == "connected" else integration.missing_scope,
        connected_at=connected_at,
        disconnected_at=None,
    )


def announce_connected(integration: Integration) -> None:
    """Tells of a connection, if it is one."""
    if integration.status == "connected":
        data = {"id": integration.id, "type": integration.type, "name": integration.name}
        announce(integration.tenant, "integration.connected", data, about=integration.id)
