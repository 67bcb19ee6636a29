"""Who calls: a tenant by one of its tokens, what the token's scopes allow, and what it is limited to beside them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from jobsprint.core.errors import Forbidden
from jobsprint.domain.integrations import Capability, Integration

MANAGE_TOKENS = "tokens:manage"
PORTAL_SESSIONS = "portal:sessions"
MANAGEMENT = (MANAGE_TOKENS, PORTAL_SESSIONS)
"""Scopes that make other tokens: no token for an agent has them, and none that the API makes."""

AGENT_SCOPES = ("mcp:tools", "mcp:events")
SCOPES = (
    "integrations:read",
    "integrations:write",
    "actions:execute",
    "actions:approve",
    "webhooks:read",
    "webhooks:write",
    "events:publish",
    "events:read",
    "audit:read",
    *AGENT_SCOPES,
    *MANAGEMENT,
    "*",
)
# For operations that every valid token may call.
ANY_TOKEN = ""
SESSION_PREFIX = "ses"
"""What the id of a session of the portal begins with."""


@dataclass(frozen=True)
class Limits:
    """What a token is limited to beside its scopes.

    `actions` are patterns of `<slug>.<action>`, in each part of which `*` stands for any characters; without any, all
    actions of all integrations are allowed. With `read_only` nothing can be changed, and only actions that read can be
    run. `webhooks` and `integrations` are the ids of those that it may know of, None for all: the restriction of a
    session of the portal, and of the tokens that it makes.
    """

    actions: tuple[str, ...] = ()
    read_only: bool = False
    webhooks: tuple[str, ...] | None = None
    integrations: tuple[str, ...] | None = None

    def __bool__(self) -> bool:
        """Whether it is limited to some actions, or to reading."""
        return bool(self.actions) or self.read_only

    @property
    def shows_all(self) -> bool:
        """Whether there is nothing that the token may not know of."""
        return not self.actions and self.webhooks is None and self.integrations is None

    def reaches(self, an_id: str) -> bool:
        """Whether the integration or webhook of this id is among those that the token may know of."""
        known = self.webhooks if an_id.startswith("wh_") else self.integrations
        return known is None or an_id in known

    def allow(self, integration: Integration, capability: Capability) -> bool:
        """Whether an action may be run. One whose effect is not known counts as one that writes."""
        return self._refusal(integration, capability) is None

    def require(self, integration: Integration, capability: Capability) -> None:
        """Raise Forbidden, with the reason, unless an action may be run."""
        if refusal := self._refusal(integration, capability):
            raise refusal

    def _refusal(self, integration: Integration, capability: Capability) -> Forbidden | None:
        name = f"{integration.slug}.{capability.name}"
        if self.read_only and capability.effect != "read":
            effect = f"its effect is {capability.effect}" if capability.effect else "nobody says that it only reads"
            return read_only(f"and {name} may change something: {effect}")
        if not self.cover(integration.id, integration.slug, capability.name):
            return limited(f"to {', '.join(self.actions)}, and {name} is none of them")
        return None

    def cover(self, integration_id: str, slug: str, action: str) -> bool:
        """Whether the token may know of an action, whatever its effect; `slug` is that of its integration."""
        return self.reaches(integration_id) and (
            not self.actions
            or any(
                fnmatchcase(slug, wanted) and fnmatchcase(action, pattern) for wanted, _, pattern in self._patterns()
            )
        )

    def show(self, integration: Integration) -> bool:
        """Whether the token may know of an integration: where it might run one of its actions.

        With patterns of actions that is no webhook: it has no slug, and no actions.
        """
        if not self.reaches(integration.id):
            return False
        if not self.actions:
            return True
        return integration.slug != "" and any(fnmatchcase(integration.slug, slug) for slug, _, _ in self._patterns())

    def _patterns(self) -> Iterator[tuple[str, str, str]]:
        """Each pattern's slug, the dot, and its action: a slug has no dot, and an action may have some."""
        return (pattern.partition(".") for pattern in self.actions)


NO_LIMITS = Limits()


@dataclass(frozen=True)
class Caller:
    """The tenant behind a request, and its token's id, scopes, limits and end (Unix ms; None for none).

    `capabilities` are those of the session of the portal behind the token: that it is, or that made it. None where
    there is none.
    """

    tenant: str
    scopes: frozenset[str]
    token_id: str = ""
    limits: Limits = NO_LIMITS
    expires_at: int | None = None
    capabilities: frozenset[str] | None = None

    @property
    def is_session(self) -> bool:
        """Whether a session of the portal calls, rather than a program or an agent."""
        return self.token_id.startswith(f"{SESSION_PREFIX}_")

    @property
    def session_id(self) -> str | None:
        """The id of the session of the portal that calls; None for a program or an agent."""
        return self.token_id if self.is_session else None

    def may(self, scope: str) -> bool:
        """Whether the token has a scope. One for an agent manages no tokens, whatever its scopes say."""
        if scope in MANAGEMENT and not self.is_session and is_for_agent(self.scopes, self.limits):
            return False
        return scope == ANY_TOKEN or not self.scopes.isdisjoint({scope, "*"})

    def allows(self, capability: str) -> bool:
        """Whether a session of the portal that may be behind the token has a capability."""
        return self.capabilities is None or capability in self.capabilities

    def require(self, scope: str) -> None:
        """Raise Forbidden unless the token has a scope."""
        if not self.may(scope):
            raise Forbidden(f"This token lacks the scope {scope}")


def is_for_agent(scopes: Iterable[str], limits: Limits) -> bool:
    """Whether a token is one for an agent: limited, read-only, or with a scope of MCP."""
    return bool(limits) or not set(AGENT_SCOPES).isdisjoint(scopes)


def without_management(scopes: Iterable[str]) -> tuple[str, ...]:
    """Scopes as a token keeps them that may never make others: `*` is spelled out, and those of MANAGEMENT left out."""
    asked = set(scopes)
    return tuple(scope for scope in SCOPES if scope not in (*MANAGEMENT, "*") and not asked.isdisjoint({scope, "*"}))


def read_only(why: str) -> Forbidden:
    """The error for what a read-only token may not do."""
    return Forbidden(f"This token is read-only, {why}", code="token_read_only")


def limited(why: str) -> Forbidden:
    """The error for what a token may not do that is limited to some actions, webhooks or integrations."""
    return Forbidden(f"This token is limited {why}", code="token_limited")
