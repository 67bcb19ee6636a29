"""Slugs: what names an integration for agents, such as `slack`, and `slack_2` for the second one of a tenant."""

import re
import unicodedata
from collections.abc import Collection
from itertools import count

MAX_SLUG = 24

_NAMELESS = "app"
_WORD = re.compile(r"[a-z0-9]+")
# Tools of the service's own are called search_actions, read_action and so on, and what begins with its name.
_RESERVED = frozenset({"search", "describe", "read", "write", "list", "get", "webhook"})
_OWN = "jobsprint"


def slug_of(name: str) -> str:
    """The slug for a name, the first of its kind: its words in lower case and without accents, run together.

    Without a `_` in it a tool's name, `<slug>_<action>`, can be read in one way only.
    """
    ascii_only = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    slug = "".join(_WORD.findall(ascii_only))[:MAX_SLUG] or _NAMELESS
    if slug in _RESERVED:
        return slug + _NAMELESS
    if slug.startswith(_OWN):
        return (_NAMELESS + slug)[:MAX_SLUG]
    return slug


def numbered(slug: str, number: int) -> str:
    """The slug of the integration with that number among those of the same name: the first one's has none."""
    if number == 1:
        return slug
    suffix = f"_{number}"
    return slug[: MAX_SLUG - len(suffix)] + suffix


def first_free(slug: str, taken: Collection[str]) -> str:
    """The slug with the smallest number that is not taken."""
    return next(free for number in count(1) if (free := numbered(slug, number)) not in taken)
