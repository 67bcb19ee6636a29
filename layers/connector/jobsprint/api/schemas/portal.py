"""Requests and answers of the operations on sessions of the portal."""

from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from jobsprint.core.clock import iso_seconds
from jobsprint.core.models import RequestModel, ResponseModel, Time
from jobsprint.domain.integrations import MAX_URL
from jobsprint.domain.portal import CAPABILITIES, Capability, Page
from jobsprint.repositories.api_tokens import TokenRow
from jobsprint.security.portal_sessions import (
    CODE_SECONDS,
    LIFE_SECONDS,
    MAX_LIFE_SECONDS,
    MIN_LIFE_SECONDS,
    NewSession,
    Session,
)

MAX_SESSION_ID = 200
MAX_RESTRICTED = 50

Locale = Literal["en", "de", "es", "fr", "ja", "pt-BR"]
Theme = Literal["light", "dark", "auto"]


def _page_url(url: str) -> str:
    """The URL, which a browser may be sent to. Raises ValueError otherwise."""
    parts = urlsplit(url)
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not parts.hostname or parts.scheme not in (("https", "http") if local else ("https",)):
        raise ValueError("an https:// URL; http:// for localhost alone")
    return url


_PageUrl = Annotated[str, Field(min_length=1, max_length=MAX_URL), AfterValidator(_page_url)]
_Names = Annotated[list[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=MAX_RESTRICTED)]


class PortalSessionCreate(RequestModel):
    """A session of the portal, no wider than the token that makes it."""

    capabilities: Annotated[
        list[Capability],
        Field(min_length=1, max_length=len(CAPABILITIES), description="What the person may see and do"),
    ]
    expires_in: Annotated[
        Annotated[int, Field(ge=MIN_LIFE_SECONDS, le=MAX_LIFE_SECONDS)] | None,
        Field(description=f"Its life in seconds, {LIFE_SECONDS} (an hour) where it is left out"),
    ] = None
    session_id: Annotated[
        Annotated[str, Field(min_length=1, max_length=MAX_SESSION_ID)] | None,
        Field(description="What you call the person, or their session with you, to end all sessions of it at once"),
    ] = None
    webhooks: Annotated[
        _Names | None, Field(description="The ids of all the webhooks that it knows of; all where it is left out")
    ] = None
    integrations: Annotated[
        _Names | None,
        Field(description="The ids or slugs of all the integrations that it knows of; all where it is left out"),
    ] = None
    return_url: Annotated[_PageUrl | None, Field(description="Where the page leads back to")] = None
    refresh_url: Annotated[
        _PageUrl | None, Field(description="Where the page sends a person whose session has ended")
    ] = None
    locale: Annotated[Locale | None, Field(description="The language; the browser's where it is left out")] = None
    theme: Annotated[Theme | None, Field(description="Light or dark; `auto` is what the browser prefers")] = None

    def wanted(self) -> NewSession:
        """The session that is asked for."""
        return NewSession(
            capabilities=tuple(self.capabilities),
            page=Page(self.return_url, self.refresh_url, self.locale, self.theme),
            name=self.session_id,
            webhooks=None if self.webhooks is None else tuple(self.webhooks),
            integrations=None if self.integrations is None else tuple(self.integrations),
            seconds=self.expires_in,
        )


class PortalSessionLink(ResponseModel):
    """A new session, and the URL that opens it once."""

    id: Annotated[str, Field(description="`ses_…`")]
    url: Annotated[str, Field(description=f"Opens the portal, once, within {CODE_SECONDS} seconds")]
    expires_at: Annotated[Time, Field(description="When the session ends")]

    @classmethod
    def of(cls, row: TokenRow, api_url: str, code: str) -> "PortalSessionLink":
        """A new session as it is shown this once."""
        return cls(id=row.id, url=f"{api_url}/portal#code={code}", expires_at=iso_seconds(row.expires_at or 0))


class PortalCode(RequestModel):
    """The code out of the URL of a session."""

    code: Annotated[str, Field(max_length=200, description="What follows `#code=` in the URL")]


class PortalSessionView(ResponseModel):
    """What a session may do and show."""

    id: Annotated[str, Field(description="`ses_…`")]
    capabilities: Annotated[list[Capability], Field(description="What the person may see and do")]
    expires_at: Annotated[Time, Field(description="When it ends by itself")]
    return_url: Annotated[str | None, Field(description="Where the page leads back to")] = None
    refresh_url: Annotated[str | None, Field(description="Where to get a new session once this one has ended")] = None
    locale: Annotated[Locale | None, Field(description="The language")] = None
    theme: Annotated[Theme | None, Field(description="Light or dark")] = None
    webhooks: Annotated[list[str] | None, Field(description="The ids of all the webhooks that it knows of")] = None
    integrations: Annotated[list[str] | None, Field(description="The ids of all the integrations that it knows of")] = (
        None
    )

    @classmethod
    def of(cls, session: Session) -> Self:
        """A session as its page gets it."""
        return cls(**_shown(session))


class ExchangedPortalSession(PortalSessionView):
    """A session and its token."""

    token: Annotated[str, Field(description="The session's token, `jps_…`, shown this once")]

    @classmethod
    def made(cls, session: Session, token: str) -> "ExchangedPortalSession":
        """A session as the exchange answers it."""
        return cls(token=token, **_shown(session))


class PortalSessionsEnded(ResponseModel):
    """The sessions of a name were ended."""

    session_id: Annotated[str, Field(description="The `sessionId` that they were made with")]
    ended: Annotated[Literal[True], Field(description="Always true")] = True


def _shown(session: Session) -> dict[str, Any]:
    """What every view of a session shows."""
    row, page = session.row, session.page
    limits = row.limits
    return {
        "id": row.id,
        "capabilities": list(row.capabilities or ()),
        "expires_at": iso_seconds(row.expires_at or 0),
        "return_url": page.return_url,
        "refresh_url": page.refresh_url,
        "locale": page.locale,
        "theme": page.theme,
        "webhooks": None if limits.webhooks is None else list(limits.webhooks),
        "integrations": None if limits.integrations is None else list(limits.integrations),
    }
