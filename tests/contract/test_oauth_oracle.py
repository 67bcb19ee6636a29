"""Our OAuth steps against the helpers of the official `mcp` SDK, which are the oracle."""

import pytest
from httpx2 import Response
from mcp.client.auth import OAuthFlowError, PKCEParameters
from mcp.client.auth.utils import (
    build_oauth_authorization_server_metadata_discovery_urls,
    build_protected_resource_metadata_discovery_urls,
    extract_field_from_www_auth,
    is_valid_client_metadata_url,
    validate_authorization_response_iss,
)
from mcp.shared.auth import OAuthClientMetadata, OAuthMetadata
from mcp.shared.auth_utils import check_resource_allowed

from jobsprint.core.errors import UpstreamFailed
from jobsprint.domain.oauth import challenge_field, check_issuer, client_id, client_metadata, issuer_hash, redirect_uri
from jobsprint.integrations import oauth_client, oauth_discovery

URLS = [
    "https://mcp.example.com",
    "https://mcp.example.com/",
    "https://mcp.example.com/mcp",
    "https://mcp.example.com:8443/a/b",
    "http://127.0.0.1:9000/mcp?x=1",
    "https://mcp.example.com/a%20b",
]
ISSUERS = [
    "https://as.example.com",
    "https://as.example.com/",
    "https://as.example.com/t/1",
    "https://as.example.com/t/",
]
PATHS = ["", "/", "/mcp", "/mcp/", "/mcp/x", "/mcp2", "/mc"]


@pytest.mark.parametrize("url", URLS)
def test_where_a_resource_describes_itself(url: str) -> None:
    assert oauth_discovery.resource_metadata_urls(url) == build_protected_resource_metadata_discovery_urls(None, url)


@pytest.mark.parametrize("issuer", ISSUERS)
def test_where_an_issuer_describes_itself(issuer: str) -> None:
    expected = build_oauth_authorization_server_metadata_discovery_urls(issuer, "https://unused.example")
    assert oauth_discovery.server_metadata_urls(issuer) == expected


@pytest.mark.parametrize(
    "challenge",
    [
        'Bearer resource_metadata="https://a.example/x", scope="a b"',
        'Bearer scope="a b",resource_metadata="https://a.example/x"',
        "Bearer resource_metadata=https://a.example/x, scope=a",
        'Bearer realm="x"',
        "Bearer",
        "",
    ],
)
@pytest.mark.parametrize("name", ["resource_metadata", "scope"])
def test_what_a_challenge_says(challenge: str, name: str) -> None:
    response = Response(401, headers={"WWW-Authenticate": challenge})
    assert (challenge_field(challenge, name) or None) == extract_field_from_www_auth(response, name)


@pytest.mark.parametrize("origin", ["https://a.example", "https://a.example:444", "https://b.example"])
@pytest.mark.parametrize("above", PATHS)
@pytest.mark.parametrize("below", PATHS)
def test_what_a_resource_covers(origin: str, above: str, below: str) -> None:
    server, resource = f"https://a.example{below}", f"{origin}{above}"
    assert oauth_discovery.covers(resource, server) == check_resource_allowed(server, resource)


@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize("iss", [None, "", "https://as.example.com/", "https://AS.example.com/"])
def test_which_issuer_may_answer(iss: str | None, required: bool) -> None:
    metadata = OAuthMetadata(
        issuer="https://as.example.com/",
        authorization_endpoint="https://as.example.com/authorize",
        token_endpoint="https://as.example.com/token",
        authorization_response_iss_parameter_supported=required,
    )

    def accepts(check: object, *arguments: object, **options: object) -> bool:
        try:
            check(*arguments, **options)  # type: ignore[operator]
        except (OAuthFlowError, UpstreamFailed):
            return False
        return True

    issuer = str(metadata.issuer)
    ours = accepts(check_issuer, iss, issuer=issuer, at=issuer_hash(issuer), required=required)
    assert ours == accepts(validate_authorization_response_iss, iss, metadata)


def test_code_challenges() -> None:
    for pair in (PKCEParameters.generate() for _ in range(20)):
        assert oauth_client.code_challenge(pair.code_verifier) == pair.code_challenge


def test_our_document_is_one() -> None:
    base, issuer = "https://api.example.com/v1", "https://as.example.com/"
    url = client_id(base, issuer)
    document = client_metadata(base, url.rpartition("/")[2])

    assert is_valid_client_metadata_url(url)
    assert (document["client_id"], document["redirect_uris"]) == (url, [redirect_uri(base, issuer)])
    read = OAuthClientMetadata.model_validate({k: v for k, v in document.items() if k != "client_id"})
    assert (read.token_endpoint_auth_method, read.client_name) == ("none", document["client_name"])
