"""CORS headers of responses (Fetch standard). API Gateway answers preflights: see `Cors` in template.yaml."""

from jobsprint.core.config import settings


def cors_headers() -> dict[str, str]:
    """The headers that let a page of the allowed origin read a response."""
    return {
        "Access-Control-Allow-Origin": settings().cors_origin,
        "Access-Control-Expose-Headers": "Retry-After,RateLimit,RateLimit-Policy,Idempotent-Replayed",
    }
