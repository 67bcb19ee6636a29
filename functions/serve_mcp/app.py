"""POST /mcp: the connected applications as tools for AI agents, and the metadata that tells a client how to sign in."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from jobsprint.mcp_server import endpoint


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answers one MCP message, or the metadata of this resource."""
    if event["resource"].startswith(endpoint.METADATA):
        return endpoint.metadata(event)
    return endpoint.answer(event, context)
