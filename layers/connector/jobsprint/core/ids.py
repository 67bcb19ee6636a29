"""Ids: a prefix that names the kind, and a time-ordered unique part (ULID, lower case).

The unique part is 10 characters of Unix milliseconds and 16 of randomness in Crockford's base 32, so ids sort by
their time of creation and a time range is a key range.
"""

import hashlib
import os
import re

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_MAX_MS = (1 << 48) - 1
_ID = re.compile(r"(?:int|wh|log|evt|dlv|exe|job|tok|aud|ses|apr)_[0-9a-hjkmnp-tv-z]{26}")


def _base32(number: int, length: int) -> str:
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(5 * (length - 1), -1, -5))


def _number(text: str) -> int:
    number = 0
    for character in text:
        number = number * 32 + _ALPHABET.index(character)
    return number


def new_id(prefix: str, ms: int) -> str:
    """A new id such as `int_01k…` for something created at `ms` (Unix milliseconds)."""
    return new_ids(prefix, ms, 1)[0]


def new_ids(prefix: str, ms: int, count: int) -> list[str]:
    """New ids created together at `ms`, rising by one each (ULID, "Monotonicity"): no other id sorts between them."""
    first = int.from_bytes(os.urandom(10)) >> 1  # the other half of the range is room to count up
    return [f"{prefix}_{_base32(ms, 10)}{_base32(first + number, 16)}" for number in range(count)]


def ids_from(an_id: str, count: int) -> list[str]:
    """An id and those that follow it, as `new_ids` counts them: `count` together."""
    number = _number(an_id[-16:])
    return [f"{an_id[:-16]}{_base32(number + step, 16)}" for step in range(count)]


def derived_id(prefix: str, origin: str, *parts: str) -> str:
    """A deterministic id: the time of `origin` (an id) and a hash of `origin` and `parts`."""
    digest = hashlib.sha256("\0".join((origin, *parts)).encode()).digest()
    return f"{prefix}_{unique_part(origin)[:10]}{_base32(int.from_bytes(digest[:10]), 16)}"


def is_id(text: str, *prefixes: str) -> bool:
    """Whether `text` has the form of an id of one of the `prefixes`."""
    return _ID.fullmatch(text) is not None and text.partition("_")[0] in prefixes


def unique_part(an_id: str) -> str:
    """The time-ordered 26 characters behind the prefix."""
    return an_id.rpartition("_")[2]


def first_at(ms: int) -> str:
    """The smallest unique part of an id created at `ms`; times out of range are clamped."""
    return _base32(min(max(ms, 0), _MAX_MS), 10)


def id_range(prefix: str, from_ms: int | None, to_ms: int | None) -> tuple[str, str]:
    """The sort keys between which ids made from `from_ms` to `to_ms` (both included) lie; None leaves an end open."""
    low = first_at(0 if from_ms is None else from_ms)
    high = first_at(_MAX_MS if to_ms is None else to_ms)
    return f"{prefix}_{low}", f"{prefix}_{high}~"


def made_at(an_id: str) -> int:
    """The Unix milliseconds in an id, or in a prefix of one that includes its time."""
    return _number(unique_part(an_id)[:10])


_TENANT = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


def is_tenant(text: str) -> bool:
    """Whether `text` may name a tenant: 1 to 63 of a-z, 0-9, `-` and `_`, beginning with a letter or digit."""
    return _TENANT.fullmatch(text) is not None
