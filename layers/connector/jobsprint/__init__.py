"""Jobsprint Integrations: the code that every function shares."""
