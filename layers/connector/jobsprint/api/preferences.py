"""The `Prefer` header (RFC 7240): what a caller would like, and may be denied without a word."""

RESPOND_ASYNC = "respond-async"


def prefers_async(value: str | None) -> bool:
    """Whether the header asks for an answer before the work is done (section 4.1)."""
    preferences = (value or "").split(",")
    return any(preference.partition(";")[0].strip().lower() == RESPOND_ASYNC for preference in preferences)
