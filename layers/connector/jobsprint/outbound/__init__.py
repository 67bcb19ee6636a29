"""The SSRF-safe HTTP client for addresses that tenants give."""
