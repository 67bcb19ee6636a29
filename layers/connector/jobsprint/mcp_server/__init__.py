"""The MCP server: what a tenant has connected, as tools for AI agents (Model Context Protocol)."""
