"""The connector for self-hosted n8n."""
