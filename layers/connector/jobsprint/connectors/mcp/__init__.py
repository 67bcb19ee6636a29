"""The connector for MCP servers."""
