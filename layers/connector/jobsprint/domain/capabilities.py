"""Capabilities as an item keeps them: compressed, because an item has 400 KB and its two indexes copy it.

Schemas of tools repeat themselves: those of real MCP servers shrink to about a sixth.
"""

import json
import zlib
from collections.abc import Mapping
from dataclasses import replace

from pydantic import TypeAdapter

from jobsprint.core.canonical_json import JsonObject
from jobsprint.domain.integrations import Capability

MAX_PACKED = 48 * 1024
"""Bytes of one integration's capabilities, packed."""

MAX_STATE = 96 * 1024
"""Bytes of the connector state of one integration's actions, as JSON."""

_LEVEL = 6
_CAPABILITIES = TypeAdapter(tuple[Capability, ...])


def pack(capabilities: tuple[Capability, ...]) -> bytes:
    """The capabilities as compressed JSON (RFC 1950)."""
    return zlib.compress(_CAPABILITIES.dump_json(capabilities), _LEVEL)


def unpack(packed: bytes) -> tuple[Capability, ...]:
    """What `pack` was given."""
    return _CAPABILITIES.validate_json(zlib.decompress(packed))


def fitting(capabilities: tuple[Capability, ...]) -> tuple[Capability, ...]:
    """As many of the first capabilities as one integration can hold, to within a few.

    The schemas of their results make room first, because nothing depends on them.
    """
    kept = capabilities
    if len(pack(kept)) > MAX_PACKED:
        kept = tuple(replace(one, output_schema=None) for one in kept)
    while kept and (size := len(pack(kept))) > MAX_PACKED:
        kept = kept[: min(len(kept) * MAX_PACKED // size, len(kept) - 1)]
    return kept


def fitting_state(states: Mapping[str, JsonObject]) -> JsonObject:
    """As many of the first actions' states, by the action's name, as one integration can hold."""
    kept: JsonObject = {}
    size = 2
    for name, state in states.items():
        size += len(json.dumps({name: state}))
        if size > MAX_STATE:
            break
        kept[name] = state
    return kept
