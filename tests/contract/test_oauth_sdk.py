"""From consent to revocation against the authorization server that the official `mcp` SDK ships."""

from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from jobsprint.connectors import registry
from jobsprint.integrations import oauth_grants
from jobsprint.repositories.integrations import IntegrationStore
from tests.conftest import forget_settings
from tests.support.call import call
from tests.support.sdk_authority import sdk_authority


def test_consent_refresh_and_revocation(aws: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.CONNECTORS, "mcp", "tests.support.bearer:Bearer")
    forget_settings()
    with sdk_authority() as (url, provider):
        body = {"authType": "oauth", "redirectUrl": "https://your-app.com/done", "serverUrl": f"{url}/mcp"}
        begun = call("POST", "/integrations/mcp_server/connect", body=body)
        assert begun.status == 201, begun.body
        visited = requests.get(begun.data["authUrl"], allow_redirects=False, timeout=10)
        assert visited.status_code == 302, visited.text
        brought = urlsplit(visited.headers["Location"])

        back = call("GET", f"{brought.path.removeprefix('/v1')}?{brought.query}", tenant=None)

        integration_id = begun.data["id"]
        assert back.headers["Location"] == f"https://your-app.com/done?integrationId={integration_id}&status=connected"
        assert [token.resource for token in provider.access.values()] == [f"{url}/mcp"]
        action = f"/integrations/{integration_id}/actions/say"
        assert call("POST", action, body={"parameters": {}}).data["result"] == {"success": True, "said": "hello"}
        provider.access.clear()
        assert call("POST", action, body={"parameters": {}}).status == 200
        assert provider.refreshed == 1

        call("POST", f"/integrations/{integration_id}/disconnect")

        assert provider.access == provider.refresh == {}
        assert IntegrationStore("acme").get(integration_id).grant is None
        assert not oauth_grants.is_usable("acme", oauth_grants.grant_id(f"{url}/mcp"))
