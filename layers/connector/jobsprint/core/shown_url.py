"""A URL as it may be shown: without the parts that look like a credential."""

import re
from collections.abc import Iterator
from urllib.parse import SplitResult, unquote, unquote_plus, urlsplit, urlunsplit

from jobsprint.core.redaction import MASK, is_secret_name, redact_text
from jobsprint.core.secret_headers import is_plain

# A path segment or query value that was generated, not typed: long, and letters mixed with digits.
_RANDOM_PART = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9_\-~+=.%:,;@!$*]{20,}")
# The address of a hook is its credential. These services have it, also a short one, behind this part of the path.
_HOOKS = tuple(
    (re.compile(host), re.compile(path))
    for host, path in (
        (r"hooks\.slack(?:-gov)?\.com", r"/(?:services|workflows|triggers)/"),
        (r"(?:.+\.)?zapier\.com", r"/(?:hooks/(?:catch|standard)|api/mcp/[as])/"),
        (r"maker\.ifttt\.com", r"/key/"),
        (r"(?:.+\.)?(?:office|office365)\.com", r"/webhook(?:b2)?/"),
        (r"(?:.+\.)?(?:logic\.azure|powerplatform)\.com", r"/workflows/"),
        (r"(?:.+\.)?(?:discord|discordapp)\.com", r"/webhooks/"),
        (r"hook\.(?:.+\.)?(?:make|integromat)\.com", r"/"),
    )
)
_ANY_HOOK = re.compile(r"/(?:webhook|hook)s?(?:-test)?/|/key/|/token/", re.IGNORECASE)
_WORDS_IN_HOOKS = frozenset({"github", "incomingwebhook", "invoke", "manual", "mcp", "paths", "slack", "triggers"})
_OPAQUE = re.compile(r"(?=.*\d)(?=.*[A-Za-z])(?![A-Za-z]+\d{1,4}$)[A-Za-z0-9]{8,}")
_SECRET_PARAMETERS = frozenset(
    {
        "accesstoken",
        "code",
        "hash",
        "hmac",
        "jsessionid",
        "key",
        "phpsessid",
        "refreshtoken",
        "secretkey",
        "sessionid",
        "sid",
        "sign",
    }
)
_SEPARATOR = re.compile(r"([&;])")
_LEAST_LOOKED_FOR = 6
_ROUNDS = 3


def shown_url(url: str) -> str:
    """Mask the user info, token-like query values and secret path segments of `url`."""
    if not url:
        return ""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    path = "/".join(MASK if hidden else _shown_pairs(text) for text, hidden in _segments(parts))
    shown = (parts.scheme, host, path, _shown_pairs(parts.query), parts.fragment and MASK)
    return redact_text(urlunsplit(shown))


def url_secrets(url: str) -> tuple[str, ...]:
    """The parts that `shown_url` masks, as spelled in the URL and decoded; without short and plain ones."""
    parts = urlsplit(url)
    found = [parts.username or "", parts.password or "", parts.fragment]
    found += [text for text, hidden in _segments(parts) if hidden]
    found = [text for text in found if len(text) >= _LEAST_LOOKED_FOR and not is_plain(text)]
    for text in (parts.path.replace("/", "&"), parts.query):
        found += [value for name, _, value in map(_pair, _SEPARATOR.split(text)) if _hides(name, value)]
    return tuple(dict.fromkeys(spelling for text in found for spelling in (text, unquote(text))))


def _segments(parts: SplitResult) -> Iterator[tuple[str, bool]]:
    """Each segment of the path, and whether it is hidden as a whole."""
    host, at = parts.hostname or "", 0
    marks = [path.search(parts.path) for name, path in _HOOKS if name.fullmatch(host)]
    hook = next((mark.end() for mark in marks if mark), None)
    general = _ANY_HOOK.search(parts.path)
    for segment in parts.path.split("/"):
        text = unquote(segment)
        hidden = bool(_RANDOM_PART.fullmatch(text) or _RANDOM_PART.fullmatch(segment))
        if hook is not None and at >= hook:
            hidden = hidden or text.lower() not in {"", *_WORDS_IN_HOOKS}
        elif general and at >= general.end():
            hidden = hidden or bool(_OPAQUE.fullmatch(text))
        yield segment, hidden
        at += len(segment) + 1


def _shown_pairs(text: str) -> str:
    """A query, or a path segment with parameters, with the values of secret ones masked."""
    return "".join(_shown_pair(pair) for pair in _SEPARATOR.split(text))


def _shown_pair(pair: str) -> str:
    name, equals, value = _pair(pair)
    return name + equals + (MASK if _hides(name, value) else value)


def _pair(text: str) -> tuple[str, str, str]:
    return text.partition("=")


def _hides(name: str, value: str) -> bool:
    if not value:
        return False
    for _ in range(_ROUNDS):
        name = unquote_plus(name)
    name = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")
    if is_secret_name(name) or name.lower().replace("_", "") in _SECRET_PARAMETERS:
        return True
    return any(_RANDOM_PART.fullmatch(text) for text in (value, unquote_plus(value)))
