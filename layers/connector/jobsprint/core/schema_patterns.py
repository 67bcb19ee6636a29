"""Patterns of JSON Schemas from tenants and upstreams: a bound for the memory and time that they take.

A pattern of a few characters can compile to megabytes (`\\p{L}{130}`), and matching takes time in proportion to its
compiled size. So each is compiled alone within rising limits first, which costs no more than the limit that it fits.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from jobsprint.core.canonical_json import JsonObject, JsonValue

_LIMITS = (2 * 1024, 8 * 1024, 40 * 1024, 320 * 1024)
"""Bytes of a compiled pattern: most have under 2 KB, `^[a-z0-9]{1,255}$` has 31 KB, `^.{1,255}$` has 270 KB."""

_DFA_BYTES = 64 * 1024  # of the cache that a pattern fills while it matches; without one, matching is slower
_SCHEMA_BYTES = 2 * 1024 * 1024
_LISTING_BYTES = 16 * _SCHEMA_BYTES

_MAX_CHARACTERS = 2500
_FLAGS = re.compile(r"(?<!\\)(?:\\\\)*\(\?(?!P<)[a-zA-Z-]")
# What a pattern takes of a budget beside its compiled size, in proportion to the time that reading it takes.
_OWN_BYTES, _BYTES_PER_CHARACTER, _BYTES_PER_CLASS = 2 * 1024, 50, 256
_CLASS = re.compile(r"\\[pPwWdDsS]")


def options(size: int = _LIMITS[-1]) -> Any:
    """The options of `jsonschema_rs` for patterns of at most `size` compiled bytes."""
    import jsonschema_rs

    return jsonschema_rs.RegexOptions(size_limit=size, dfa_size_limit=_DFA_BYTES)


class Budget:
    """What the patterns of one schema, or of several together, may take in bytes."""

    def __init__(self, size: int = _SCHEMA_BYTES) -> None:
        self._left = size

    @classmethod
    def of_listing(cls) -> "Budget":
        """What the tools of one server may take together: for a thousand of them with a few patterns each."""
        return cls(_LISTING_BYTES)

    def take(self, part: JsonValue) -> None:
        """Take what the patterns inside `part` need. Raises ValueError where they need more than is left.

        A text that is no pattern counts as the largest one: it may be an example, else compiling the schema refuses it.
        """
        for pattern in set(patterns(part)):
            if _FLAGS.search(pattern):
                # Not ECMA 262's, and folding the case of a class of letters takes 100 times as long as the class.
                raise ValueError("patterns have no inline flags such as (?i)")
            if len(pattern) > _MAX_CHARACTERS:
                raise ValueError(f"a pattern has up to {_MAX_CHARACTERS:,} characters")
            classes = len(_CLASS.findall(pattern))
            # Squared: several in one pair of brackets, or as alternatives, are merged one by one.
            self._spend(
                _OWN_BYTES + _BYTES_PER_CHARACTER * len(pattern) + _BYTES_PER_CLASS * classes * (1 + classes) // 2
            )
            self._spend(_size(pattern))

    def _spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise ValueError("the patterns are too many or too large; use maxLength instead of large repeats")


def patterns(part: JsonValue) -> Iterator[str]:
    """Every text inside that may be a pattern; also those in examples, because a reference may lead there."""
    if isinstance(part, list):
        for one in part:
            yield from patterns(one)
    elif isinstance(part, dict):
        if isinstance(part.get("pattern"), str):
            yield str(part["pattern"])
        named = part.get("patternProperties")
        if isinstance(named, dict):
            yield from named
        for one in part.values():
            yield from patterns(one)


def without_patterns(schema: JsonObject) -> JsonObject:
    """The same schema, in which every text matches every pattern."""
    kept = {name: one for name, one in schema.items() if name != "pattern" or not isinstance(one, str)}
    if isinstance(kept.get("patternProperties"), dict):
        del kept["patternProperties"]  # its names are patterns, and without it no other name is surplus
        kept.pop("additionalProperties", None)
    return {name: _without_patterns(one) for name, one in kept.items()}


def _without_patterns(part: JsonValue) -> JsonValue:
    if isinstance(part, list):
        return [_without_patterns(one) for one in part]
    return without_patterns(part) if isinstance(part, dict) else part


def compiled_bytes(part: JsonValue) -> int:
    """About how many bytes the patterns inside have, compiled."""
    return sum(map(_size, set(patterns(part))))


def kept_bytes(part: JsonValue) -> int:
    """The most that they take in memory once they have matched a lot."""
    return sum(2 * _size(pattern) + _DFA_BYTES for pattern in set(patterns(part)))


@lru_cache(256)
def _size(pattern: str) -> int:
    """The lowest limit that the compiled pattern fits, or the highest one."""
    import jsonschema_rs

    for limit in _LIMITS:
        try:
            jsonschema_rs.validator_for({"pattern": pattern}, pattern_options=options(limit))
        except (jsonschema_rs.ValidationError, ValueError):
            continue
        return limit
    return _LIMITS[-1]
