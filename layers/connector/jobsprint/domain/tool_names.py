"""Names of tools: each action of each integration under a name that an MCP client takes, `^[a-z0-9_]{1,40}$`.

A name follows from slug and action alone, so it stays the same whatever else is connected. `slack_send_message` can be
read in one way only: a slug is one word and maybe its number, and an action does not begin with a number. A name that
could be read in another way, or is no longer exactly its action's, ends in a hash.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable

from jobsprint.domain.integrations import Capability, Integration

MAX_TOOL_NAME = 40

_HASH_CHARACTERS = 6
_SLUG = re.compile(r"[a-z0-9]+(_[0-9]+)?")
_ACTION = re.compile(r"(?![0-9]+(_|$))[a-z0-9_]+")
_LIKE_HASHED = re.compile(rf".*_[0-9a-f]{{{_HASH_CHARACTERS}}}")
_NUMBER = re.compile(r"[0-9]+")
_OTHER = re.compile(r"[^a-z0-9_]")


def tool_name(slug: str, action: str) -> str:
    """The name of an action of the integration with that slug: `<slug>_<action>`, with a hash where it needs one."""
    name = f"{slug}_{action}"
    exact = _SLUG.fullmatch(slug) and _ACTION.fullmatch(action) and not _LIKE_HASHED.fullmatch(name)
    if exact and len(name) <= MAX_TOOL_NAME:
        return name
    digest = hashlib.sha256(f"{slug}\0{action}".encode()).hexdigest()[:_HASH_CHARACTERS]
    shown = _OTHER.sub("_", name.lower())[: MAX_TOOL_NAME - _HASH_CHARACTERS - 1].rstrip("_")
    return f"{shown}_{digest}"


def slugs_in(name: str) -> list[str]:
    """The slugs of integrations that an action of that name may belong to: one, or two if a number is behind it."""
    slug, _, rest = name.partition("_")
    number = rest.partition("_")[0]
    return [slug, f"{slug}_{number}"] if _NUMBER.fullmatch(number) else [slug]


def tool_names(integrations: Iterable[Integration]) -> dict[str, tuple[Integration, Capability]]:
    """Each action by its name, in the order of slugs and then of actions; webhooks have none.

    A name that two actions would have is left out, because a call must not reach one in place of the other: they hash
    to the same, or a restored integration has the slug of a newer one. Of two actions of an integration under one name
    the first counts, as it does when an action runs.
    """
    tools = [
        (integration, capability)
        for integration in integrations
        if integration.slug
        for capability in {one.name: one for one in reversed(integration.capabilities)}.values()
    ]
    tools.sort(key=lambda tool: (tool[0].slug, tool[1].name))
    names = [tool_name(integration.slug, capability.name) for integration, capability in tools]
    uses = Counter(names)
    return {name: tool for name, tool in zip(names, tools, strict=True) if uses[name] == 1}
