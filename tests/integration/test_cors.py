"""The headers that let a page of another origin read a response, and the one that forbids to guess its type."""

import pytest

from tests.conftest import forget_settings
from tests.support.call import call

EXPOSED = "Retry-After,RateLimit,RateLimit-Policy,Idempotent-Replayed"


@pytest.mark.parametrize("origin", ["*", "https://app.example.com"])
@pytest.mark.parametrize(
    ("path", "status"),
    [("/health", 200), ("/guide", 302), ("/guide/index.html", 200), ("/integrations", 401), ("/docs", 200)],
)
def test_every_response_names_the_allowed_origin(
    path: str, status: int, origin: str, aws: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORS_ORIGIN", origin)
    forget_settings()
    answer = call("GET", path, tenant=None, headers={"Origin": "https://elsewhere.example"})
    assert answer.status == status
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert answer.headers["Access-Control-Expose-Headers"] == EXPOSED
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
