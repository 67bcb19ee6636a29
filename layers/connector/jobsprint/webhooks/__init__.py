"""Webhook subscriptions: the service, queries over deliveries, statistics and sample events."""
