"""An authorization server and a protected resource made of the `mcp` SDK's own parts, on 127.0.0.1."""

import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    OAuthAuthorizationServerProvider,
    ProviderTokenVerifier,
    RefreshToken,
    construct_redirect_uri,
)
from mcp.server.auth.routes import create_auth_routes, create_protected_resource_routes
from mcp.server.auth.settings import ClientRegistrationOptions, RevocationOptions
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.responses import JSONResponse
from starlette.routing import Route

SCOPES = ["tools"]


class Provider(OAuthAuthorizationServerProvider[AuthorizationCode, RefreshToken, AccessToken]):
    """Gives consent at once, keeps everything in memory, rotates refresh tokens."""

    def __init__(self) -> None:
        self.clients: dict[str, OAuthClientInformationFull] = {}
        self.codes: dict[str, AuthorizationCode] = {}
        self.access: dict[str, AccessToken] = {}
        self.refresh: dict[str, RefreshToken] = {}
        self.refreshed = 0

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        return self.clients.get(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        assert client_info.client_id
        self.clients[client_info.client_id] = client_info

    async def authorize(self, client: OAuthClientInformationFull, params: AuthorizationParams) -> str:
        code = AuthorizationCode(
            code=secrets.token_urlsafe(16),
            scopes=params.scopes or [],
            expires_at=time.time() + 60,
            client_id=client.client_id or "",
            code_challenge=params.code_challenge,
            redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly,
            resource=params.resource,
        )
        self.codes[code.code] = code
        return construct_redirect_uri(str(params.redirect_uri), code=code.code, state=params.state)

    async def load_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: str
    ) -> AuthorizationCode | None:
        return self.codes.get(authorization_code)

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: AuthorizationCode
    ) -> OAuthToken:
        del self.codes[authorization_code.code]
        return self._issue(client, authorization_code.scopes, authorization_code.resource)

    async def load_refresh_token(self, client: OAuthClientInformationFull, refresh_token: str) -> RefreshToken | None:
        return self.refresh.get(refresh_token)

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: RefreshToken, scopes: list[str], **_: Any
    ) -> OAuthToken:
        self.refreshed += 1
        del self.refresh[refresh_token.token]
        return self._issue(client, scopes, refresh_token.resource)

    async def load_access_token(self, token: str) -> AccessToken | None:
        return self.access.get(token)

    async def revoke_token(self, token: AccessToken | RefreshToken) -> None:
        self.access.clear()
        self.refresh.clear()

    def _issue(self, client: OAuthClientInformationFull, scopes: list[str], resource: str | None) -> OAuthToken:
        given = {"client_id": client.client_id or "", "scopes": scopes, "resource": resource}
        access = AccessToken(token=secrets.token_hex(8), expires_at=int(time.time()) + 3600, **given)  # type: ignore[arg-type]
        refresh = RefreshToken(token=secrets.token_hex(8), **given)  # type: ignore[arg-type]
        self.access[access.token], self.refresh[refresh.token] = access, refresh
        return OAuthToken(access_token=access.token, expires_in=3600, refresh_token=refresh.token)


@contextmanager
def sdk_authority() -> Iterator[tuple[str, Provider]]:
    """The base URL of both (the resource is `/mcp`), and what the provider knows, while the block runs."""
    provider = Provider()
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()  # a client that comes before the server waits
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"

    async def tool(scope: Any, receive: Any, send: Any) -> None:
        await JSONResponse({"said": "hello"})(scope, receive, send)

    protected = RequireAuthMiddleware(tool, SCOPES, AnyHttpUrl(f"{url}/.well-known/oauth-protected-resource/mcp"))
    app = Starlette(
        routes=[
            *create_auth_routes(
                provider,
                AnyHttpUrl(url),
                client_registration_options=ClientRegistrationOptions(enabled=True, valid_scopes=SCOPES),
                revocation_options=RevocationOptions(enabled=True),
            ),
            *create_protected_resource_routes(AnyHttpUrl(f"{url}/mcp"), [AnyHttpUrl(url)], SCOPES),
            Route("/mcp", endpoint=protected, methods=["POST"]),
        ],
        middleware=[Middleware(AuthenticationMiddleware, backend=BearerAuthBackend(ProviderTokenVerifier(provider)))],
    )
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield url, provider
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()
