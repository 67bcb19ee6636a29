"""docs/openapi.json, from the handlers and what stands beside them here."""
