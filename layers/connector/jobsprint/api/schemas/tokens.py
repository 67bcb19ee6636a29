"""Requests to administer tokens, and what is shown of a token."""

import re
from typing import Annotated, Literal, Self

from aws_lambda_powertools.event_handler.openapi.params import Path
from pydantic import AfterValidator, Field, model_validator

from jobsprint.connectors.fields import Name
from jobsprint.core.clock import iso_seconds, iso_seconds_or_none
from jobsprint.core.ids import is_tenant
from jobsprint.core.models import RequestModel, ResponseModel, Time
from jobsprint.domain.callers import MANAGEMENT, SCOPES, Limits, is_for_agent
from jobsprint.repositories.api_tokens import TokenRow
from jobsprint.security.api_tokens import LIFE_SECONDS, MAX_LIFE_SECONDS, Issued, NewToken

MIN_LIFE_SECONDS = 60
_DAY_SECONDS = 86400
_MAX_PATTERNS = 20
# Of an action's name, what `fnmatch` takes for more than itself is left to `*`; no blanks, as the authorizer hands the
# patterns on in one text.
_PATTERN = re.compile(r"[a-z0-9_*]{1,40}\.[!-~]{1,100}")
_SPECIAL = frozenset("?[]")


def _tenant(name: str) -> str:
    if not is_tenant(name):
        raise ValueError("a tenant is 1 to 63 lower-case letters, digits, - and _")
    return name


def _known(scopes: list[str]) -> list[str]:
    if unknown := set(scopes) - set(SCOPES):
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}; there are: {', '.join(SCOPES)}")
    return scopes


def _pattern(pattern: str) -> str:
    if not _PATTERN.fullmatch(pattern) or not _SPECIAL.isdisjoint(pattern):
        raise ValueError("<slug>.<action>, such as slack.send_message or slack.*; * stands for any characters")
    return pattern


_Tenant = Annotated[str, AfterValidator(_tenant)]
_Scopes = Annotated[list[str], Field(min_length=1, max_length=len(SCOPES)), AfterValidator(_known)]
_Actions = Annotated[list[Annotated[str, AfterValidator(_pattern)]], Field(max_length=_MAX_PATTERNS)]

TokenId = Annotated[str, Path(description="Token ID: `tok_…`")]


class Issue(RequestModel):
    """Makes a token."""

    action: Literal["issue"]
    tenant: _Tenant
    scopes: _Scopes = Field(default=["*"])
    expires_in_days: Annotated[float, Field(gt=0, le=3650)] | None = None
    name: Name | None = None
    actions: _Actions = Field(default=[])
    read_only: bool = False

    @model_validator(mode="after")
    def _no_agent_manages_tokens(self) -> Self:
        managing = [scope for scope in MANAGEMENT if scope in self.scopes]
        if managing and is_for_agent(self.scopes, self._limits()):
            raise ValueError(f"a token with limits or with a scope of MCP cannot have {', '.join(managing)}")
        return self

    def wanted(self) -> NewToken:
        """The token that is asked for."""
        seconds = None if self.expires_in_days is None else round(self.expires_in_days * _DAY_SECONDS)
        return NewToken(self.name or "", tuple(self.scopes), self._limits(), seconds)

    def _limits(self) -> Limits:
        return Limits(tuple(self.actions), self.read_only)


class List(RequestModel):
    """Lists a tenant's tokens."""

    action: Literal["list"]
    tenant: _Tenant


class Revoke(RequestModel):
    """Ends a token."""

    action: Literal["revoke"]
    id: str


class TokenCreate(RequestModel):
    """A token no wider than the one that makes it."""

    name: Annotated[Name, Field(description="What people call it")]
    scopes: Annotated[
        _Scopes,
        Field(
            description="What it allows: scopes that the caller's own token has; `*` is all but `tokens:manage` and "
            "`portal:sessions`"
        ),
    ]
    actions: Annotated[
        _Actions,
        Field(description="The actions that it may run, as patterns of `<slug>.<action>` with `*`; empty for all"),
    ] = Field(default=[])
    read_only: Annotated[bool, Field(description="Whether it can change nothing, and run only actions that read")] = (
        False
    )
    expires_in: Annotated[
        Annotated[int, Field(ge=MIN_LIFE_SECONDS, le=MAX_LIFE_SECONDS)] | None,
        Field(description=f"Its life in seconds, {LIFE_SECONDS} (seven days) where it is left out"),
    ] = None

    def wanted(self) -> NewToken:
        """The token that is asked for."""
        limits = Limits(tuple(self.actions), self.read_only)
        return NewToken(self.name, tuple(self.scopes), limits, self.expires_in)


class TokenView(ResponseModel):
    """A token without its secret part."""

    id: Annotated[str, Field(description="The token's ID")]
    name: Annotated[str | None, Field(description="What people call it")] = None
    scopes: Annotated[list[str], Field(description="What it allows")]
    actions: Annotated[list[str] | None, Field(description="The actions that it is limited to")] = None
    read_only: Annotated[bool, Field(description="Whether it can change nothing")]
    parent: Annotated[str | None, Field(description="The ID of the token that made it, if not an operator did")] = None
    valid: Annotated[bool, Field(description="Whether it can be used now")]
    created_at: Annotated[Time, Field(description="When it was made")]
    expires_at: Annotated[Time | None, Field(description="When it ends by itself")] = None
    revoked_at: Annotated[Time | None, Field(description="When it was revoked, or the token that made it")] = None

    @classmethod
    def of(cls, row: TokenRow, now: int) -> Self:
        """A token as it is shown; `now` in ms."""
        return cls(
            id=row.id,
            name=row.name or None,
            scopes=list(row.scopes),
            actions=list(row.limits.actions) or None,
            read_only=row.limits.read_only,
            parent=row.parent,
            valid=row.valid_at(now),
            created_at=iso_seconds(row.created_at),
            expires_at=iso_seconds_or_none(row.expires_at),
            revoked_at=iso_seconds_or_none(row.revoked_at),
        )


class CreatedToken(TokenView):
    """A new token."""

    token: Annotated[str, Field(description="The token itself, shown this once")]

    @classmethod
    def made(cls, issued: Issued, now: int) -> "CreatedToken":
        """A new token as it is shown this once; `now` in ms."""
        return cls(token=issued.token, **TokenView.of(issued.row, now).model_dump(by_alias=False))
