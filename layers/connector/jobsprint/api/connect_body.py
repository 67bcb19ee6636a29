"""The body that connects an integration: its connector checks it, here all their fields are documented together."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Body
from pydantic import WithJsonSchema

from jobsprint.domain import integrations

_CONNECT_BODY: dict[str, Any] = {
    "type": "object",
    "description": "Varies by type. Everywhere: `name`, `description`, `configuration` (facts that are no secrets).",
    "properties": {
        "name": {"type": "string", "maxLength": integrations.MAX_NAME},
        "description": {"type": "string", "maxLength": integrations.MAX_DESCRIPTION},
        "configuration": {"type": "object"},
        "url": {"type": "string", "maxLength": integrations.MAX_URL, "description": "custom: the endpoint"},
        "headers": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "custom: sent with every call",
        },
        "secret": {"type": "string", "description": "custom: signs every call"},
        "actions": {
            "type": "array",
            "maxItems": integrations.MAX_ACTIONS,
            "description": "custom: what the endpoint can do",
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string"},
                    "description": {"type": "string"},
                    "parameters": {"type": "object", "description": "JSON Schema of an object"},
                },
            },
        },
        "authType": {"type": "string", "enum": ["oauth", "token", "none"], "description": "zapier, mcp"},
        "redirectUrl": {"type": "string", "description": "zapier, mcp with oauth: where to return to"},
        "token": {"type": "string", "description": "zapier, mcp with token"},
        "serverUrl": {"type": "string", "description": "zapier, mcp"},
        "baseUrl": {"type": "string", "description": "n8n, with its path prefix if it has one"},
        "apiKey": {"type": "string", "description": "n8n: needs the scope workflow:list; execution:list and :read too"},
        "mcpToken": {"type": "string", "description": "n8n: runs the workflows exposed to MCP through its MCP server"},
        "tags": {
            "type": "array",
            "items": {"type": "string"},
            "description": "n8n: only the workflows with all of these tags",
        },
        "webhookAuth": {
            "type": "object",
            "description": "n8n: the webhooks' own credentials by workflow id, and `default`",
            "additionalProperties": {
                "type": "object",
                "required": ["type"],
                "properties": {
                    "type": {"type": "string", "enum": ["header", "basic", "jwt"]},
                    "name": {"type": "string", "description": "header"},
                    "value": {"type": "string", "description": "header"},
                    "username": {"type": "string", "description": "basic"},
                    "password": {"type": "string", "description": "basic"},
                    "token": {"type": "string", "description": "jwt"},
                },
            },
        },
    },
}
ConnectBody = Annotated[
    dict[str, Any], WithJsonSchema(_CONNECT_BODY), Body(description="Configuration varies by integration type")
]
