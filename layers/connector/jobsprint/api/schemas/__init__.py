"""Requests and answers of the API, by resource."""
