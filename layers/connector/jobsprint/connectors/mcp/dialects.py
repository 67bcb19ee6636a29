"""Eras and versions of MCP that the client speaks, and what a connector state keeps of a server's."""

from dataclasses import dataclass
from typing import Literal

from jobsprint.core.canonical_json import JsonObject, JsonValue

MODERN = "2026-07-28"
HANDSHAKES = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")


@dataclass(frozen=True)
class Dialect:
    """The era that a server speaks, and its version of the protocol.

    `ends_sessions` says whether it takes a DELETE of its sessions; None until one was tried.
    """

    era: Literal["modern", "handshake"]
    version: str
    ends_sessions: bool | None = None


def common_dialect(data: JsonValue) -> Dialect | None:
    """The newest dialect of ours among the versions that a version error names as `supported` in its data."""
    named = data.get("supported") if isinstance(data, dict) else None
    versions = [version for version in (MODERN, *HANDSHAKES) if isinstance(named, list) and version in named]
    if not versions:
        return None
    return Dialect("modern" if versions[0] == MODERN else "handshake", versions[0])


def kept_dialect(state: JsonValue) -> Dialect | None:
    """The dialect in a connector state that `dialect_state` wrote; None where it has none."""
    if not isinstance(state, dict):
        return None
    era, version, ends_sessions = (state.get(name) for name in ("era", "version", "endsSessions"))
    if era == "modern" and version == MODERN:
        return Dialect("modern", MODERN)
    if era == "handshake" and version in HANDSHAKES:
        return Dialect("handshake", str(version), ends_sessions if isinstance(ends_sessions, bool) else None)
    return None


def dialect_state(dialect: Dialect) -> JsonObject:
    """What a connector state keeps of a dialect."""
    known: JsonObject = {} if dialect.ends_sessions is None else {"endsSessions": dialect.ends_sessions}
    return {"era": dialect.era, "version": dialect.version, **known}
