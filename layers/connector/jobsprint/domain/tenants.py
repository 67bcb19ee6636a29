"""Tenant names: they stand in every key, so they may hold no separator."""

import re

_TENANT = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


def is_tenant(text: str) -> bool:
    """Whether `text` may name a tenant: 1 to 63 lower-case letters, digits, `-` and `_`, no leading sign."""
    return _TENANT.fullmatch(text) is not None
