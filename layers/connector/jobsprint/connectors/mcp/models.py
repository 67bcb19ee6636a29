"""The bodies that connect an MCP server, one for each `authType`."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field

from jobsprint.connectors.fields import ConnectBody, Url
from jobsprint.core.config import settings
from jobsprint.domain import integrations
from jobsprint.domain.oauth import redirect_origin

_MAX_TOKEN = 4096


def _fits_a_header(token: str) -> str:
    if not all("!" <= character <= "~" for character in token):
        raise ValueError("printable ASCII characters without spaces")
    return token


def _allowed_redirect(url: str) -> str:
    origin, allowed = redirect_origin(url), settings().redirect_origins
    if allowed and origin not in allowed:
        raise ValueError("not one of the origins that this deployment may return to")
    return url


def _without_server_url(schema: dict[str, Any]) -> None:
    schema["required"].remove("serverUrl")  # `connectors.zapier` fills it in


_Token = Annotated[str, Field(min_length=1, max_length=_MAX_TOKEN), AfterValidator(_fits_a_header)]
_RedirectUrl = Annotated[str, Field(min_length=1, max_length=integrations.MAX_URL)]


class ServerConnect(ConnectBody):
    """What every way to connect an MCP server has in common."""

    model_config = ConfigDict(json_schema_extra=_without_server_url)

    auth_type: str
    server_url: Url = Field(description="The MCP server; Zapier's own where it is left out")


class OAuthConnect(ServerConnect):
    """An MCP server, or Zapier's, that a person authorizes."""

    auth_type: Annotated[Literal["oauth"], Field(description="A person authorizes the connection in a browser")]
    redirect_url: Annotated[_RedirectUrl, AfterValidator(_allowed_redirect)] = Field(description="Where to return to")
    confirm: bool = Field(default=False, description="Whether the application confirms the browser that returns")


class _WithoutRedirect(ServerConnect):
    token: Annotated[_Token | None, Field(description="Ignored")] = None
    redirect_url: _RedirectUrl | None = Field(default=None, description="Ignored without oauth")


class TokenConnect(_WithoutRedirect):
    """An MCP server, or Zapier's, with a token of the tenant's."""

    auth_type: Annotated[Literal["token"], Field(description="A token of the server's is sent with every request")]
    token: Annotated[_Token, Field(description="The token, which is never shown")]


class NoAuthConnect(_WithoutRedirect):
    """An MCP server that needs no credential; a `token` is ignored."""

    auth_type: Annotated[Literal["none"], Field(description="The server asks for nothing")]


class UnknownAuthConnect(_WithoutRedirect):
    """For a body whose `authType` is missing or none of the others: it finds what else is wrong."""

    auth_type: Literal["oauth", "token", "none"]


MODELS: dict[object, type[ServerConnect]] = {
    "oauth": OAuthConnect,
    "token": TokenConnect,
    "none": NoAuthConnect,
}
"""The model of each `authType`."""
