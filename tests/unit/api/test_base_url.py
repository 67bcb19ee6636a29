"""Where the API is, by what its gateway says of a request."""

from typing import Any

import pytest

from jobsprint.api.request_headers import base_url
from jobsprint.core.errors import BadRequest

RESOURCE = "/integrations/{integrationId}/connect"


def event(path: str, domain: str | None = None, **headers: str) -> dict[str, Any]:
    context = {"path": path, **({"domainName": domain} if domain else {})}
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"resource": RESOURCE, "path": path, "headers": sent, "requestContext": context}


@pytest.mark.parametrize(
    ("given", "url"),
    [
        (event("/v1/integrations/x/connect", "a1.execute-api.eu-west-1.amazonaws.com"),
         "https://a1.execute-api.eu-west-1.amazonaws.com/v1"),
        (event("/hub/v1/integrations/x/connect", "api.example.com"), "https://api.example.com/hub/v1"),
        (event("/integrations/x/connect/", "api.example.com"), "https://api.example.com"),
        (event("/v1/integrations/x/connect", "api.example.com", Host="evil.example"), "https://api.example.com/v1"),
        (event("/v1/integrations/x/connect", Host="127.0.0.1:4566"), "http://127.0.0.1:4566/v1"),
        (event("/v1/integrations/x/connect", host="a.example", X_Forwarded_Proto="https"), "https://a.example/v1"),
        (event("/v1/integrations/x/connect", host="a.example", X_Forwarded_Proto="HTTPS"), "https://a.example/v1"),
        (event("/v1/integrations/x/connect", host="a.example", X_Forwarded_Proto="javascript"), "http://a.example/v1"),
        (event("/v1/integrations/x/connect", host="a.example", X_Forwarded_Proto="x://evil/?"), "http://a.example/v1"),
    ],
)  # fmt: skip
def test_base_urls(given: dict[str, Any], url: str) -> None:
    assert base_url(given) == url


def test_without_a_host_there_is_none() -> None:
    with pytest.raises(BadRequest):
        base_url(event("/v1/integrations/x/connect"))
