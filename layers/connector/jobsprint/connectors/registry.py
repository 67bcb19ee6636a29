"""Which connector serves which type: a name that is imported on use, so that no function pays for the others."""

from importlib import import_module

from jobsprint.connectors.base import Connector
from jobsprint.connectors.fields import ConnectBody, Reconnect
from jobsprint.domain.integrations import IntegrationType

CONNECTORS: dict[IntegrationType, str] = {
    "custom": "jobsprint.connectors.custom:Custom",
    "mcp": "jobsprint.connectors.mcp.connector:Mcp",
    "n8n": "jobsprint.connectors.n8n.connector:N8n",
    "webhook": "jobsprint.connectors.webhook:Webhook",
    "zapier": "jobsprint.connectors.zapier:Zapier",
}


def connector_for(kind: IntegrationType) -> Connector:
    """The connector of an integration type."""
    module, _, name = CONNECTORS[kind].partition(":")
    connector: Connector = getattr(import_module(module), name)()
    return connector


def connect_models() -> tuple[type[ConnectBody], ...]:
    """Every model of a body that connects, for the OpenAPI document.

    The connector of the application chooses one (`Connector.read`); `Reconnect` is for an integration that exists.
    """
    from jobsprint.connectors.custom_models import CustomConnect
    from jobsprint.connectors.mcp.models import NoAuthConnect, OAuthConnect, TokenConnect
    from jobsprint.connectors.n8n.models import N8nConnect

    return CustomConnect, OAuthConnect, TokenConnect, NoAuthConnect, N8nConnect, Reconnect
