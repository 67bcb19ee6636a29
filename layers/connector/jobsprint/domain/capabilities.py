"""Capabilities as an item keeps them: compressed, because an item has 400 KB and its two indexes copy it.

Schemas of tools repeat themselves: those of real MCP servers shrink to about a sixth.
"""

import json
import zlib
from collections.abc import Mapping

import msgspec

from jobsprint.core.canonical_json import JsonObject
from jobsprint.domain.integrations import Capability

MAX_PACKED = 48 * 1024
"""Bytes of one integration's capabilities, packed."""

MAX_FACTS = 96 * 1024
"""Bytes of what is kept to call one integration's actions, as JSON."""

_LEVEL = 6


def pack(capabilities: tuple[Capability, ...]) -> bytes:
    """The capabilities as compressed JSON (RFC 1950)."""
    return zlib.compress(msgspec.json.encode(capabilities), _LEVEL)


def unpack(packed: bytes) -> tuple[Capability, ...]:
    """What `pack` was given."""
    return msgspec.json.decode(zlib.decompress(packed), type=tuple[Capability, ...])


def fitting(capabilities: tuple[Capability, ...]) -> tuple[Capability, ...]:
    """As many of the first capabilities as one integration can hold, to within a few."""
    kept = capabilities
    while kept and (size := len(pack(kept))) > MAX_PACKED:
        kept = kept[: min(len(kept) * MAX_PACKED // size, len(kept) - 1)]
    return kept


def fitting_facts(facts: Mapping[str, JsonObject]) -> JsonObject:
    """As many of the first facts, each by its action's name, as one integration can hold."""
    kept: JsonObject = {}
    size = 2
    for name, fact in facts.items():
        size += len(json.dumps({name: fact}))
        if size > MAX_FACTS:
            break
        kept[name] = fact
    return kept
