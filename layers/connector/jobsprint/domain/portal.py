"""The portal: what a session of it may do, by capabilities, and what each of them needs of the token that gives it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

Capability = Literal["view", "payloads", "secrets", "webhooks", "send", "connect", "act", "approve", "agents"]
CAPABILITIES: tuple[Capability, ...] = get_args(Capability)

ANY_SESSION = ""
"""For operations that every session may call."""

WITHHELD = frozenset({"payloads", "secrets"})
"""Capabilities without which fields of answers are left out (`core.models.Shown`)."""

_READING = ("webhooks:read", "integrations:read", "events:read")
SCOPES_OF: Mapping[Capability, tuple[str, ...]] = MappingProxyType(
    {
        "view": (*_READING, "audit:read"),
        "payloads": _READING,
        "secrets": ("webhooks:write",),
        "webhooks": ("webhooks:write",),
        "send": ("webhooks:write", "events:publish"),
        "connect": ("integrations:write",),
        "act": ("actions:execute",),
        "approve": ("actions:approve",),
        "agents": ("tokens:manage",),
    }
)
"""The scopes that a token needs in order to give a session a capability, and that the session gets with it."""


@dataclass(frozen=True)
class Page:
    """How the page of a session behaves: where it leads back to, where it gets a new session, and how it looks."""

    return_url: str | None = None
    refresh_url: str | None = None
    locale: str | None = None
    theme: str | None = None


def scopes_of(capabilities: Iterable[Capability]) -> frozenset[str]:
    """The scopes of a session that has these capabilities."""
    return frozenset(scope for capability in capabilities for scope in SCOPES_OF[capability])


def handed_on(capabilities: Iterable[Capability], *, all_webhooks: bool) -> frozenset[str]:
    """The scopes of MCP that a session with these capabilities may hand on to the tokens that it makes.

    What tools and events give has payloads; a subscription is a webhook like any other.
    """
    given = set(capabilities)
    if not {"agents", "payloads"} <= given:
        return frozenset()
    return frozenset({"mcp:tools", "mcp:events"} if "webhooks" in given and all_webhooks else {"mcp:tools"})
