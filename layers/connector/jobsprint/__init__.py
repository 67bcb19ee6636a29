"""Jobsprint Integrations: connect tools, run actions, deliver signed webhooks."""
