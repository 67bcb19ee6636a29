"""The audit trail: recording intents and outcomes, and sealing the records into a chain."""
