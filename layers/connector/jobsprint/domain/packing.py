"""Capabilities as they are kept: compressed, because an item has 400 KB and its two indexes copy it.

Schemas of tools repeat themselves: those of real MCP servers shrink to about a sixth.
"""

import json
import zlib
from dataclasses import asdict

from jobsprint.domain.models import Capability

MAX_PACKED = 48 * 1024
"""Bytes of one integration's capabilities, packed."""

_LEVEL = 6


def pack(capabilities: tuple[Capability, ...]) -> bytes:
    """The capabilities as compressed JSON (RFC 1950)."""
    return zlib.compress(json.dumps([asdict(capability) for capability in capabilities]).encode(), _LEVEL)


def unpack(packed: bytes) -> tuple[Capability, ...]:
    """What `pack` was given."""
    return tuple(Capability(**capability) for capability in json.loads(zlib.decompress(packed)))


def fitting(capabilities: tuple[Capability, ...]) -> tuple[Capability, ...]:
    """As many of the first capabilities as one integration can hold, to within a few."""
    kept = capabilities
    while kept and (size := len(pack(kept))) > MAX_PACKED:
        kept = kept[: min(len(kept) * MAX_PACKED // size, len(kept) - 1)]
    return kept
