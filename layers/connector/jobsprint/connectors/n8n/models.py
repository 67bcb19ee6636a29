"""The body that connects an n8n."""

import base64
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from jobsprint.connectors.fields import ConnectBody, Url
from jobsprint.core.models import RequestModel
from jobsprint.domain import integrations

_Text = Annotated[str, Field(min_length=1, max_length=4096, pattern=r"^[\x20-\x7e]+$")]
_WorkflowId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


def _may_be_set(name: str) -> str:
    integrations.check_header(name, "")
    return name


class HeaderAuth(RequestModel):
    """A header that the webhook asks for."""

    type: Annotated[Literal["header"], Field(description="A header")]
    name: Annotated[Annotated[str, AfterValidator(_may_be_set)], Field(description="The header's name")]
    value: Annotated[_Text, Field(description="Its value, which is never shown")]

    def header(self) -> tuple[str, str]:
        """Its name and value."""
        return self.name, self.value

    def secret(self) -> str:
        """The part that must not come back in a result."""
        return self.value


class BasicAuth(RequestModel):
    """A name and a password (RFC 7617)."""

    type: Annotated[Literal["basic"], Field(description="A name and a password")]
    username: Annotated[
        Annotated[str, Field(max_length=200, pattern=r"^[^:]*$")], Field(description="The user's name, without a colon")
    ]
    password: Annotated[
        Annotated[str, Field(min_length=1, max_length=1000)], Field(description="The password, which is never shown")
    ]

    def header(self) -> tuple[str, str]:
        """Its name and value."""
        return "Authorization", f"Basic {base64.b64encode(f'{self.username}:{self.password}'.encode()).decode()}"

    def secret(self) -> str:
        """The part that must not come back in a result."""
        return self.password


class JwtAuth(RequestModel):
    """A signed token, which n8n checks with the key it knows."""

    type: Annotated[Literal["jwt"], Field(description="A signed token")]
    token: Annotated[_Text, Field(description="The signed token, which is never shown")]

    def header(self) -> tuple[str, str]:
        """Its name and value."""
        return "Authorization", f"Bearer {self.token}"

    def secret(self) -> str:
        """The part that must not come back in a result."""
        return self.token


WebhookAuth = Annotated[HeaderAuth | BasicAuth | JwtAuth, Field(discriminator="type")]


def _bare(url: str) -> str:
    if "?" in url or "#" in url:
        raise ValueError("the address of n8n without query and fragment")
    return url.rstrip("/")


def _without_comma(tags: list[str]) -> list[str]:
    if any("," in tag for tag in tags):
        raise ValueError("n8n separates tags by commas: none may have one")
    return list(dict.fromkeys(tags))


class N8nConnect(ConnectBody):
    """A self-hosted n8n."""

    base_url: Annotated[Url, AfterValidator(_bare)] = Field(
        description="The address of n8n, with its path prefix if it has one"
    )
    api_key: _Text = Field(description="Needs the scope workflow:list; execution:list and execution:read too")
    mcp_token: _Text | None = Field(
        default=None, description="Runs the workflows exposed to MCP through n8n's own MCP server"
    )
    tags: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=20), AfterValidator(_without_comma)
    ] = Field(default_factory=list, description="Only the workflows with all of these tags")
    webhook_auth: Annotated[dict[_WorkflowId, WebhookAuth], Field(max_length=100)] = Field(
        default_factory=dict, description="The webhooks' own credentials by workflow id, and `default`"
    )
