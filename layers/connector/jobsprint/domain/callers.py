"""Who calls: a tenant by one of its tokens, what the token's scopes allow, and what it is limited to beside them."""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from jobsprint.core.errors import Forbidden
from jobsprint.domain.integrations import Capability, Integration

SCOPES = (
    "integrations:read",
    "integrations:write",
    "actions:execute",
    "webhooks:read",
    "webhooks:write",
    "events:publish",
    "events:read",
    "audit:read",
    "*",
)
# For operations that every valid token may call.
ANY_TOKEN = ""


@dataclass(frozen=True)
class Limits:
    """What a token is limited to beside its scopes.

    `actions` are patterns of `<slug>.<action>`, in which `*` stands for any characters; without any, all actions of all
    integrations are allowed. With `read_only` nothing can be changed, and only actions can be run that read.
    """

    actions: tuple[str, ...] = ()
    read_only: bool = False

    def allow(self, integration: Integration, capability: Capability) -> bool:
        """Whether an action may be run. One whose effect is not known counts as one that writes."""
        if self.read_only and capability.effect != "read":
            return False
        name = f"{integration.slug}.{capability.name}"
        return not self.actions or any(fnmatchcase(name, pattern) for pattern in self.actions)

    def show(self, integration: Integration) -> bool:
        """Whether the token may know of an integration: where it might run one of its actions."""
        slugs = (pattern.partition(".")[0] for pattern in self.actions)
        return not self.actions or any(fnmatchcase(integration.slug, slug) for slug in slugs)


@dataclass(frozen=True)
class Caller:
    """The tenant behind a request, and its token's id, scopes and limits."""

    tenant: str
    scopes: frozenset[str]
    token_id: str = ""
    limits: Limits = field(default_factory=Limits)

    def may(self, scope: str) -> bool:
        """Whether the token has a scope."""
        return not self.scopes.isdisjoint({scope, "*"})

    def require(self, scope: str) -> None:
        """Raise Forbidden unless the token has a scope."""
        if scope != ANY_TOKEN and not self.may(scope):
            raise Forbidden(f"This token lacks the scope {scope}")
