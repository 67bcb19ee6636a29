"""Which connector serves which type: a name that is imported on use, so that no function pays for the others."""

from importlib import import_module

from jobsprint.connectors.base import Connector
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
