"""Running actions: the idempotent entry, the runner, background executions and logs."""
